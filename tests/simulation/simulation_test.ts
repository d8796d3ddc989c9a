/**
 * Servers and clients over an unreliable network in virtual time: lines cut, frames lost and replayed, slow readers,
 * pages reloaded and killed, phones frozen, servers crashed between any two steps, a database that fails for a while,
 * somebody who cheats. In the end every screen is equal, everything acked and everything typed is there once.
 *
 * A seed decides everything. What failed once fails again:
 *
 *   SEED=123 deno test -A tests/simulation      one seed, as a test
 *   SEEDS=20000 deno test -A tests/simulation   more seeds
 *   deno run -A tests/simulation/run.ts --seeds 100000
 *
 * What is checked at every step: witness.ts. What is checked in the end: final_checks.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { runSeeds } from "./run.ts";
import { simulate, type SimulationFailure } from "./simulate.ts";

const SEED = Deno.env.get("SEED");
const SEEDS = Number(Deno.env.get("SEEDS") ?? 2_000);
const SEEDS_PER_TEST = 250;

if (SEED !== undefined) {
  Deno.test(`seed ${SEED}: every screen is equal, nothing acked is lost, nothing is there twice`, async () => {
    await simulate(Number(SEED));
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
      for (const what of ["crashes", "cuts", "deaths", "resumes", "doubleAcks", "junkFrames", "stored"]) {
        assert((report[what] ?? 0) > count / 10, `only ${report[what]} ${what} in ${count} seeds`);
      }
    });
  }

  Deno.test("a seed decides everything: its second run is the same to the last frame", async () => {
    for (const seed of [7, 77, 777]) assertEquals(await simulate(seed), await simulate(seed));
  });
}
