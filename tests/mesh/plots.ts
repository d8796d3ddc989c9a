/** What the mesh is put through, what it has to keep to, and how that is printed. */
import { type Outcome, type Plot, simulate } from "./simulate.ts";
import { type Walk, walk, type WalkOutcome } from "./walking.ts";

const CALM: Omit<Plot, "name" | "phones"> = {
  weak: 0.3,
  loss: 0,
  churnPerMinute: 0,
  hostile: 0,
  partitions: 0,
  events: 60,
  writingMs: 40_000,
  healingMs: 60_000,
};

/** One kind of trouble each, then all together. */
export function plots(phones: number, over: Partial<Plot> = {}): Plot[] {
  const plot = (name: string, trouble: Partial<Plot>): Plot => ({ ...CALM, ...over, phones, name, ...trouble });
  // Half of the time the crowd is in two parts.
  const partitions = Math.round((over.writingMs ?? CALM.writingMs) / 20_000);
  return [
    plot("quiet", {}),
    plot("30 % of frames lost", { loss: 0.3 }),
    plot("20 % leave per minute", { churnPerMinute: 0.2 }),
    plot("partitions of 10 s", { partitions }),
    plot("5 % hostile", { hostile: 0.05 }),
    plot("all of it", { loss: 0.3, churnPerMinute: 0.2, partitions, hostile: 0.05 }),
  ];
}

/** Twenty islands; people stay 5 to 15 minutes and walk 1 to 4. */
export const WALK: Walk = {
  name: "walking",
  phones: 500,
  islands: 20,
  stayMs: [300_000, 900_000],
  walkMs: [60_000, 240_000],
  events: 40,
  withinMs: 1_800_000,
};

/** What is wrong with an outcome; empty when nothing is. `p95MaxMs`: the time that 95 of 100 have to keep. */
export function faults(plot: Plot, outcome: Outcome, p95MaxMs = 1_000): string[] {
  const isQuiet = plot.loss === 0 && plot.churnPerMinute === 0 && plot.partitions === 0 && plot.hostile === 0;
  const copiesMax = isQuiet ? 2 : 3;
  return [
    outcome.connected < 1 && `${outcome.connected} of the honest phones are connected in the end, not all`,
    outcome.delivered < 0.999 && `delivered ${outcome.delivered}, not 0.999`,
    outcome.p95Ms >= p95MaxMs && `p95 ${outcome.p95Ms} ms, not under ${p95MaxMs}`,
    outcome.copies > copiesMax && `${outcome.copies} payload copies, more than ${copiesMax}`,
    outcome.twice > 0 && `${outcome.twice} events told twice`,
    outcome.forgedAccepted > 0 && `${outcome.forgedAccepted} forged events told`,
    outcome.receiptsTooMany > 0 && `${outcome.receiptsTooMany} receipts more than phones`,
    outcome.honestBans > 0 && `${outcome.honestBans} honest phones banned by honest ones`,
  ].filter((fault) => fault !== false);
}

export function walkFaults(outcome: WalkOutcome): string[] {
  return [
    outcome.delivered < 0.9 && `delivered ${outcome.delivered}, not 0.9`,
    outcome.twice > 0 && `${outcome.twice} events told twice`,
  ].filter((fault) => fault !== false);
}

/** The table's head, and one line per outcome. */
export const HEAD = row(
  ["", "delivered", "p50 ms", "p95 ms", "p99 ms", "copies", "frames", "twice", "forged", "receipts", "links"],
);

export function line(plot: Plot, outcome: Outcome): string {
  return row([
    plot.name,
    outcome.delivered.toFixed(5),
    `${outcome.p50Ms}`,
    `${outcome.p95Ms}`,
    `${outcome.p99Ms}`,
    outcome.copies.toFixed(2),
    outcome.framesPerDelivery.toFixed(1),
    `${outcome.twice}`,
    `${outcome.forgedAccepted}`,
    `${outcome.receipts}`,
    outcome.links.toFixed(1),
  ]);
}

export function walkLine(plot: Walk, outcome: WalkOutcome): string {
  return `${plot.name}, ${plot.phones} phones, ${plot.islands} islands, ${outcome.walks} walks: ` +
    `${(100 * outcome.delivered).toFixed(1)} % within ${plot.withinMs / 60_000} min ` +
    `(half after ${outcome.p50Minutes}, nine tenths after ${outcome.p90Minutes} min), ` +
    `${outcome.copies.toFixed(2)} copies, ${outcome.twice} twice`;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, at) => at === 0 ? cell.padEnd(22) : cell.padStart(10)).join("");
}

export { simulate, walk };
