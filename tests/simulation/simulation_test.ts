/**
 * Servers and clients over an unreliable network in virtual time: lines cut, frames lost and replayed, slow readers,
 * pages reloaded and killed, phones frozen, servers crashed between any two steps, a database that fails for a while,
 * somebody who cheats. In the end every screen is equal, everything acked and everything typed is there once.
 *
 * A seed decides everything. What failed once fails again:
 *
 *   SEED=123 deno test -A tests/simulation      one seed, as a test; with PLOT=talk one of much talk
 *   SEEDS=20000 deno test -A tests/simulation   more seeds
 *   deno run -A tests/simulation/run.ts --seeds 100000
 *
 * What is checked at every step: witness.ts. What is checked in the end: final_checks.ts.
 */
import { assert, assertEquals } from "@std/assert";
import type { ScenarioName } from "./scenario.ts";
import { runSeeds } from "./run.ts";
import { simulate, type SimulationFailure } from "./simulate.ts";

const SEED = Deno.env.get("SEED");
const PLOT: ScenarioName = Deno.env.get("PLOT") === "talk" ? "talk" : "short";
const SEEDS = Number(Deno.env.get("SEEDS") ?? 2_000);
const SEEDS_PER_TEST = 250;
/** Typed in seeds of much talk. Measured on cores shared with others: 100,000 take 105 s of one core. */
const MESSAGES = Number(Deno.env.get("MESSAGES") ?? 100_000);
const MESSAGES_PER_TEST = 10_000;
/** Of the seeds of each test, none is in another one. */
const TALK_SEEDS_PER_TEST = 1_000;

if (SEED !== undefined) {
  Deno.test(`seed ${SEED}: every screen is equal, nothing acked is lost, nothing is there twice`, async () => {
    await simulate(Number(SEED), PLOT);
  });
} else {
  for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
    const count = Math.min(SEEDS_PER_TEST, SEEDS - from + 1);
    const name = `seeds ${from} to ${
      from + count - 1
    }: every screen is equal, nothing acked is lost, nothing is there twice`;
    Deno.test(name, async () => {
      const failures: SimulationFailure[] = [];
      const { report } = await runSeeds(from, count, (failure) => failures.push(failure));
      assertEquals(failures.map(({ message }) => message), []);
      // A simulation in which nothing happens proves nothing.
      for (
        const what of [
          "crashes",
          "cuts",
          "deaths",
          "resumes",
          "doubleAcks",
          "junkFrames",
          "stored",
          "transportChanges",
          "blackHoles",
          "clockJumps",
          "fullDisks",
        ]
      ) {
        assert((report[what] ?? 0) > count / 10, `only ${report[what]} ${what} in ${count} seeds`);
      }
    });
  }

  for (let test = 0; test * MESSAGES_PER_TEST < MESSAGES; test++) {
    const messages = Math.min(MESSAGES_PER_TEST, MESSAGES - test * MESSAGES_PER_TEST);
    const from = 1 + test * TALK_SEEDS_PER_TEST;
    Deno.test(`${messages} messages under faults, seeds from ${from}: none is lost, none is there twice`, async () => {
      const failures: SimulationFailure[] = [];
      const { report } = await runSeeds(from, TALK_SEEDS_PER_TEST, (failure) => failures.push(failure), {
        plot: "talk",
        messages,
      });
      assertEquals(failures.map(({ message }) => message), []);
      // The rest was typed into pages that died or lost their disk before they could keep it, or was turned away. Of ten
      // seeds that may be a third.
      assert((report.typed ?? 0) >= messages && (report.arrived ?? 0) > 0.5 * messages, JSON.stringify(report));
    });
  }

  Deno.test("a seed decides everything: its second run is the same to the last frame", async () => {
    for (const seed of [7, 77, 777]) assertEquals(await simulate(seed), await simulate(seed));
  });
}
