/**
 * The mesh in a simulated crowd: production nodes in virtual time, determined by one seed. This is the small
 * version; `deno task simulate:mesh` runs 500 phones. simulate.ts defines "loss".
 *
 *   SEED=123 deno test -A tests/mesh/simulation_test.ts
 */
import { assert, assertEquals } from "@std/assert";
import { faults, MOBILITY, mobilityFaults, scenarios, simulate, simulateMobility } from "./scenarios.ts";

const SEED = Number(Deno.env.get("SEED") ?? 1);
const SMALL = { events: 30, writingMs: 20_000, healingMs: 40_000 };

for (const scenario of scenarios(60, SMALL)) {
  if (scenario.name !== "quiet" && scenario.name !== "all faults") continue;
  Deno.test(`60 phones, ${scenario.name}, seed ${SEED}: every phone soon gets every event once, and no forged one`, () => {
    const outcome = simulate(scenario, SEED);
    // The target is for 500 phones. Fewer phones, partitioned half of the time, have fewer alternative paths.
    assertEquals(faults(scenario, outcome, scenario.name === "quiet" ? 1_000 : 1_500), []);
    assert(outcome.receipts > 0, "no receipt came back");
  });
}

Deno.test(`12 phones in a flooded room, half of them hostile, seed ${SEED}: the honest ones get every event once`, () => {
  const [scenario] = scenarios(12, { ...SMALL, hostile: 0.5, weak: 0 });
  const outcome = simulate(scenario!, SEED);
  assertEquals(
    { ...outcome, delivered: outcome.delivered >= 0.999, p95Ms: outcome.p95Ms < 1_000 },
    { ...outcome, delivered: true, duplicates: 0, forgedAccepted: 0, honestBans: 0, receiptsTooMany: 0, p95Ms: true },
  );
});

Deno.test(`40 phones on 4 islands, seed ${SEED}: people who walk carry events from island to island`, () => {
  const scenario = { ...MOBILITY, phones: 40, islands: 4, events: 10, withinMs: 1_200_000 };
  const outcome = simulateMobility(scenario, SEED);
  assertEquals(mobilityFaults(outcome), []);
  assert(outcome.p50Minutes >= 1, "no event had to be carried");
});

Deno.test("the same seed gives the same run", () => {
  const [, lossy] = scenarios(20, { events: 5, writingMs: 5_000, healingMs: 5_000 });
  assertEquals(simulate(lossy!, 7), simulate(lossy!, 7));
});
