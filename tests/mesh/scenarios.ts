/** The scenarios of the mesh simulation, their requirements, and the printed table. */
import { type Outcome, type Scenario, simulate } from "./simulate.ts";
import { type MobilityOutcome, type MobilityScenario, simulateMobility } from "./mobility.ts";

const CALM: Omit<Scenario, "name" | "phones"> = {
  weak: 0.3,
  loss: 0,
  churnPerMinute: 0,
  hostile: 0,
  partitions: 0,
  events: 60,
  writingMs: 40_000,
  healingMs: 60_000,
};

/** One kind of fault each, then all together. */
export function scenarios(phones: number, over: Partial<Scenario> = {}): Scenario[] {
  const scenario = (name: string, faults: Partial<Scenario>): Scenario => ({
    ...CALM,
    ...over,
    phones,
    name,
    ...faults,
  });
  // The crowd is partitioned half of the time.
  const partitions = Math.round((over.writingMs ?? CALM.writingMs) / 20_000);
  return [
    scenario("quiet", {}),
    scenario("30 % of frames lost", { loss: 0.3 }),
    scenario("20 % leave per minute", { churnPerMinute: 0.2 }),
    scenario("partitions of 10 s", { partitions }),
    scenario("5 % hostile", { hostile: 0.05 }),
    scenario("all faults", { loss: 0.3, churnPerMinute: 0.2, partitions, hostile: 0.05 }),
  ];
}

/** Twenty islands; people stay 5 to 15 minutes and walk 1 to 4 minutes between them. */
export const MOBILITY: MobilityScenario = {
  name: "walking",
  phones: 500,
  islands: 20,
  stayMs: [300_000, 900_000],
  walkMs: [60_000, 240_000],
  events: 40,
  withinMs: 1_800_000,
};

/** The missed requirements of an outcome. `p95MaxMs`: limit of the 95th percentile. */
export function faults(scenario: Scenario, outcome: Outcome, p95MaxMs = 1_000): string[] {
  const isQuiet = scenario.loss === 0 && scenario.churnPerMinute === 0 && scenario.partitions === 0 &&
    scenario.hostile === 0;
  const copiesMax = isQuiet ? 2 : 3;
  return [
    outcome.connected < 1 && `${outcome.connected} of the honest phones are connected at the end, not all`,
    outcome.delivered < 0.999 && `delivered ${outcome.delivered}, not 0.999`,
    outcome.p95Ms >= p95MaxMs && `p95 ${outcome.p95Ms} ms, not under ${p95MaxMs}`,
    outcome.copies > copiesMax && `${outcome.copies} payload copies, more than ${copiesMax}`,
    outcome.duplicates > 0 && `${outcome.duplicates} events delivered twice`,
    outcome.forgedAccepted > 0 && `${outcome.forgedAccepted} forged events delivered`,
    outcome.receiptsTooMany > 0 && `${outcome.receiptsTooMany} receipts more than phones`,
    outcome.honestBans > 0 && `${outcome.honestBans} honest phones banned by honest ones`,
  ].filter((fault) => fault !== false);
}

export function mobilityFaults(outcome: MobilityOutcome): string[] {
  return [
    outcome.delivered < 0.9 && `delivered ${outcome.delivered}, not 0.9`,
    outcome.duplicates > 0 && `${outcome.duplicates} events delivered twice`,
  ].filter((fault) => fault !== false);
}

/** The head of the table, and one line per outcome. */
export const HEAD = row(
  ["", "delivered", "p50 ms", "p95 ms", "p99 ms", "copies", "frames", "twice", "forged", "receipts", "links"],
);

export function line(scenario: Scenario, outcome: Outcome): string {
  return row([
    scenario.name,
    outcome.delivered.toFixed(5),
    `${outcome.p50Ms}`,
    `${outcome.p95Ms}`,
    `${outcome.p99Ms}`,
    outcome.copies.toFixed(2),
    outcome.framesPerDelivery.toFixed(1),
    `${outcome.duplicates}`,
    `${outcome.forgedAccepted}`,
    `${outcome.receipts}`,
    outcome.links.toFixed(1),
  ]);
}

export function mobilityLine(scenario: MobilityScenario, outcome: MobilityOutcome): string {
  return `${scenario.name}, ${scenario.phones} phones, ${scenario.islands} islands, ${outcome.walks} walks: ` +
    `${(100 * outcome.delivered).toFixed(1)} % within ${scenario.withinMs / 60_000} min ` +
    `(half after ${outcome.p50Minutes}, nine tenths after ${outcome.p90Minutes} min), ` +
    `${outcome.copies.toFixed(2)} copies, ${outcome.duplicates} twice`;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => at === 0 ? cell.padEnd(22) : cell.padStart(10)).join("");
}

export { simulate, simulateMobility };
