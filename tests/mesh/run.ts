/**
 * Runs the mesh simulations in full and prints their table:
 *
 *   deno task simulate:mesh                    500 phones, seed 1, every scenario, and mobility
 *   deno task simulate:mesh --seed 7 --phones 200 --only "all faults"
 *
 * `copies`: event payloads sent by honest phones, lost ones included, per delivery; `frames`: the
 * same for all frames. `receipts`: median count per event at its author; about 64 phones sign in large rooms.
 * Times are for phones connected to the author at the time. Exits with 1 when a target is missed.
 */
import {
  faults,
  HEAD,
  line,
  MOBILITY,
  mobilityFaults,
  mobilityLine,
  scenarios,
  simulate,
  simulateMobility,
} from "./scenarios.ts";

const text = (name: string): string | undefined => {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
};
const number = (name: string, otherwise: number): number => {
  const value = Number(text(name) ?? otherwise);
  if (!Number.isSafeInteger(value)) throw new TypeError(`--${name} takes a whole number, not ${text(name)}`);
  return value;
};

const seed = number("seed", 1), phones = number("phones", 500), only = text("only") ?? "";
let failed = false;
const complain = (name: string, wrong: string[]) => {
  for (const fault of wrong) console.log(`  ${name}, seed ${seed}: ${fault}`);
  failed ||= wrong.length > 0;
};

console.log(`${phones} phones, 30 % of them with at most 3 links, links of 20 to 40 ms, seed ${seed}\n\n${HEAD}`);
for (const scenario of scenarios(phones).filter(({ name }) => name.includes(only))) {
  const outcome = simulate(scenario, seed);
  console.log(line(scenario, outcome));
  complain(scenario.name, faults(scenario, outcome));
}
if (MOBILITY.name.includes(only)) {
  const scenario = { ...MOBILITY, phones };
  const outcome = simulateMobility(scenario, seed);
  console.log(`\n${mobilityLine(scenario, outcome)}`);
  complain(scenario.name, mobilityFaults(outcome));
}
if (failed) Deno.exit(1);
