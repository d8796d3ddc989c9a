/** Medians, spreads and ratios of the measurements, as Markdown. */
import { SERVER_NAMES, type ServerName } from "./dialects.ts";
import type { WindowReport } from "./load.ts";

/** One window on one server in one round. */
export interface Measurement extends WindowReport {
  server: ServerName;
  round: number;
  sockets: number;
  idleKb: number;
}

/** Above this share the load generator's own core may limit a figure. */
const SATURATED_SHARE = 0.9;
/** Above this share other processes on the server's core disturb a window. */
const DISTURBED_SHARE = 0.15;

export function markdownReport(measurements: readonly Measurement[]): string {
  const lines: string[] = [];
  const notes = new Set<string>();
  const cases = unique(measurements.map(({ sockets, rate }) => `${sockets} ${rate}`));
  lines.push(
    "| sockets, messages/s | server | delivered | p50 ms | p99 ms | ack p50, p99 ms | CPU µs per delivery | against `ws` | KB per idle connection | server's core | load's core |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  );
  for (const name of cases) {
    const [sockets, rate] = name.split(" ").map(Number);
    const ofCase = measurements.filter((one) => one.sockets === sockets && one.rate === rate);
    for (const server of SERVER_NAMES) {
      const mine = ofCase.filter((one) => one.server === server);
      if (mine.length === 0) continue;
      const of = (pick: (one: Measurement) => number) => mine.map(pick);
      const ratios = mine.flatMap((one) => {
        const ws = ofCase.find((other) => other.server === "ws" && other.round === one.round);
        return ws === undefined ? [] : [one.cpuUsPerDelivery / ws.cpuUsPerDelivery];
      });
      const acks = of((one) => one.ackP50Ms ?? NaN).some(Number.isFinite)
        ? `${spread(of((one) => one.ackP50Ms), 1)}, ${spread(of((one) => one.ackP99Ms), 0)}`
        : "none";
      let load = spread(of((one) => one.loadShare * 100), 0, " %");
      if (of((one) => one.loadShare).some((share) => share >= SATURATED_SHARE)) {
        load += " ¹";
        notes.add(
          "¹ The load was saturated: shares and latencies may be its fault. CPU per delivery is still the server's.",
        );
      }
      let core = spread(of((one) => one.serverShare * 100), 0, " %");
      if (of((one) => one.othersShare).some((share) => share >= DISTURBED_SHARE)) {
        core += " ²";
        const most = Math.max(...measurements.map((one) => one.othersShare));
        notes.add(`² Something else used up to ${(most * 100).toFixed(0)} % of the server's core in a window.`);
      }
      for (const one of mine) {
        if (one.doubles > 0) notes.add(`${server} delivered ${one.doubles} doubles with ${name}.`);
        if (one.refused > 0) notes.add(`${server} refused ${one.refused} messages with ${name}.`);
      }
      lines.push(
        `| ${sockets!.toLocaleString("en")}, ${rate} | ${server} | ${
          spread(of((one) => one.delivered * 100), 1, " %")
        } | ` +
          `${spread(of((one) => one.p50Ms), 1)} | ${spread(of((one) => one.p99Ms), 0)} | ${acks} | ` +
          `**${spread(of((one) => one.cpuUsPerDelivery), 1)}** | ${spread(ratios, 2, " ×")} | ` +
          `${spread(of((one) => one.idleKb), 0)} | ${core} | ${load} |`,
      );
    }
  }
  lines.push(
    "",
    "Medians of the rounds, lowest and highest in parentheses; the ratio is taken within each round.",
    ...notes,
  );
  return lines.join("\n");
}

/** `median (lowest–highest)` */
function spread(values: readonly number[], digits: number, unit = ""): string {
  if (values.length === 0) return "";
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  const [low, mid, high] = [sorted[0]!, median, sorted.at(-1)!].map((value) => value.toFixed(digits));
  return low === high ? `${mid}${unit}` : `${mid}${unit} (${low}–${high})`;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
