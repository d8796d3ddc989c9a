/**
 * The mesh in a simulated crowd: the production nodes, virtual time, one seed decides everything. This is the small
 * version; `deno task simulate:mesh` runs 500 phones. What "loss" means here: simulate.ts.
 *
 *   SEED=123 deno test -A tests/mesh/simulation_test.ts
 */
import { assert, assertEquals } from "@std/assert";
import { faults, plots, simulate, WALK, walk, walkFaults } from "./plots.ts";

const SEED = Number(Deno.env.get("SEED") ?? 1);
const SMALL = { events: 30, writingMs: 20_000, healingMs: 40_000 };

for (const plot of plots(60, SMALL)) {
  if (plot.name !== "quiet" && plot.name !== "all of it") continue;
  Deno.test(`60 phones, ${plot.name}, seed ${SEED}: everybody gets every event once, soon, and nothing forged`, () => {
    const outcome = simulate(plot, SEED);
    // Few phones, half of the time in two parts, have fewer ways around a break than 500, of which the target speaks.
    assertEquals(faults(plot, outcome, plot.name === "quiet" ? 1_000 : 1_500), []);
    assert(outcome.receipts > 0, "no receipt came back");
  });
}

Deno.test(`12 phones, flooded, half of them hostile, seed ${SEED}: the honest ones get every event once`, () => {
  const [plot] = plots(12, { ...SMALL, hostile: 0.5, weak: 0 });
  const outcome = simulate(plot!, SEED);
  assertEquals(
    { ...outcome, delivered: outcome.delivered >= 0.999, p95Ms: outcome.p95Ms < 1_000 },
    { ...outcome, delivered: true, twice: 0, forgedAccepted: 0, honestBans: 0, receiptsTooMany: 0, p95Ms: true },
  );
});

Deno.test(`40 phones on 4 islands, seed ${SEED}: what is written on one gets to the others with those who walk`, () => {
  const plot = { ...WALK, phones: 40, islands: 4, events: 10, withinMs: 1_200_000 };
  const outcome = walk(plot, SEED);
  assertEquals(walkFaults(outcome), []);
  assert(outcome.p50Minutes >= 1, "nothing had to be carried");
});

Deno.test("a seed decides everything: its second run is the same", () => {
  const [, lossy] = plots(20, { events: 5, writingMs: 5_000, healingMs: 5_000 });
  assertEquals(simulate(lossy!, 7), simulate(lossy!, 7));
});
