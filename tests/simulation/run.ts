/**
 * Runs simulations from the command line and prints what happened in them:
 *
 *   deno run -A tests/simulation/run.ts --seeds 100000             seeds 1 to 100,000
 *   deno run -A tests/simulation/run.ts --seeds 5000 --from 70000  seeds 70,000 to 74,999
 *   deno run -A tests/simulation/run.ts --seed 123                 one seed, with the stack of its failure
 */
import { type Report, simulate, SimulationFailure } from "./simulate.ts";

/** Failures after which a run ends: more of the same say nothing new. */
const FAILURES_MAX = 10;

/** Runs these seeds; every failure is told of at once. */
export async function runSeeds(
  from: number,
  count: number,
  onFailure: (failure: SimulationFailure) => void,
): Promise<{ report: Report; runs: number; failures: number }> {
  const report: Report = {};
  let runs = 0, failures = 0;
  for (let seed = from; seed < from + count && failures < FAILURES_MAX; seed++) {
    runs++;
    try {
      const outcome = await simulate(seed);
      for (const [name, number] of Object.entries(outcome.report)) report[name] = (report[name] ?? 0) + number;
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      failures++;
      onFailure(error);
    }
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
  const startedAt = performance.now();
  const { report, runs, failures } = await runSeeds(
    seed ?? option("from") ?? 1,
    seed === undefined ? option("seeds") ?? 2_000 : 1,
    (failure) => {
      console.error(failure.message);
      if (seed !== undefined) console.error(failure.cause);
      else console.error(`  again: deno run -A tests/simulation/run.ts --seed ${failure.seed}`);
    },
  );
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(tableOf(report));
  console.log(`\n${runs} seeds in ${seconds.toFixed(1)} s, ${failures} failed`);
  if (failures > 0) Deno.exit(1);
}
