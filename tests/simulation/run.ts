/**
 * Runs simulations from the command line and prints their counters:
 *
 *   deno run -A tests/simulation/run.ts --seeds 100000             seeds 1 to 100,000
 *   deno run -A tests/simulation/run.ts --seeds 5000 --from 70000  seeds 70,000 to 74,999
 *   deno run -A tests/simulation/run.ts --messages 1000000         `talk` seeds until this many were typed
 *   deno run -A tests/simulation/run.ts --seed 123 [--scenario talk]   one seed, with the stack of its failure
 */
import { cpuUsage } from "node:process";
import { type ScenarioName, SCENARIOS } from "./scenario.ts";
import { type Report, simulate, SimulationFailure } from "./simulate.ts";

/** Failures after which a run ends. */
const FAILURES_MAX = 10;

/** Runs these seeds and reports every failure at once. */
export async function runSeeds(
  from: number,
  count: number,
  onFailure: (failure: SimulationFailure) => void,
  { scenario = "short", messages = Infinity, onSeed = () => {} }: {
    scenario?: ScenarioName;
    /** Ends when this many messages were typed. */
    messages?: number;
    onSeed?: (typed: number) => void;
  } = {},
): Promise<{ report: Report; runs: number; failures: number }> {
  const report: Report = {};
  let runs = 0, failures = 0;
  for (let seed = from; seed < from + count && failures < FAILURES_MAX && (report.typed ?? 0) < messages; seed++) {
    runs++;
    try {
      const outcome = await simulate(seed, scenario);
      for (const [name, number] of Object.entries(outcome.report)) report[name] = (report[name] ?? 0) + number;
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      failures++;
      onFailure(error);
    }
    onSeed(report.typed ?? 0);
  }
  return { report, runs, failures };
}

/** The report as a table, one line per number. */
export function tableOf(report: Report): string {
  const width = Math.max(...Object.keys(report).map((name) => name.length));
  return Object.entries(report)
    .map(([name, number]) => `${name.padEnd(width)}  ${number.toLocaleString("en").padStart(14)}`)
    .join("\n");
}

if (import.meta.main) {
  const option = (name: string): number | undefined => {
    const at = Deno.args.indexOf(`--${name}`);
    if (at < 0) return undefined;
    const value = Number(Deno.args[at + 1]);
    if (!Number.isSafeInteger(value)) throw new TypeError(`--${name} takes a whole number, not ${Deno.args[at + 1]}`);
    return value;
  };
  const seed = option("seed");
  const messages = option("messages");
  const at = Deno.args.indexOf("--scenario");
  const scenario = (at < 0 ? messages === undefined ? "short" : "talk" : Deno.args[at + 1]) as ScenarioName;
  if (!(scenario in SCENARIOS)) {
    throw new TypeError(`--scenario takes ${Object.keys(SCENARIOS).join(" or ")}, not ${scenario}`);
  }
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  let toldAt = 0;
  const { report, runs, failures } = await runSeeds(
    seed ?? option("from") ?? 1,
    seed !== undefined ? 1 : option("seeds") ?? (messages === undefined ? 2_000 : Infinity),
    (failure) => {
      console.error(failure.message);
      if (seed !== undefined) console.error(failure.cause);
      else console.error(`  again: deno task simulate --seed ${failure.seed} --scenario ${failure.scenario}`);
    },
    {
      scenario,
      ...(messages !== undefined && { messages }),
      onSeed: (typed) => {
        if (messages === undefined || seconds() - toldAt < 10) return;
        toldAt = seconds();
        console.log(`${typed.toLocaleString("en")} messages after ${toldAt.toFixed(0)} s`);
      },
    },
  );
  console.log(tableOf(report));
  const { user, system } = cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  console.log(`\n${runs} seeds in ${seconds().toFixed(1)} s (${cpuSeconds.toFixed(1)} s of CPU), ${failures} failed`);
  const typed = report.typed ?? 0;
  console.log(
    `${typed.toLocaleString("en")} messages typed in seeds that held, ${Math.round(typed / seconds())} per second` +
      (failures === 0 ? ": 0 lost, 0 twice, one order on every screen" : ""),
  );
  if (failures > 0) Deno.exit(1);
}
