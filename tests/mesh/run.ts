/**
 * Runs the mesh simulations in full and prints their table:
 *
 *   deno task simulate:mesh                    500 phones, seed 1, every plot, and the walk
 *   deno task simulate:mesh --seed 7 --phones 200 --only all
 *
 * `copies`: payloads of events that honest phones sent, lost ones too, per event and phone that took it; `frames`: the
 * same for frames of any kind. `receipts`: median count per event at its author, of about 64 that sign in large rooms.
 * Times are of phones that were connected with the author when it wrote. Ends with 1 when a target is missed.
 */
import { faults, HEAD, line, plots, simulate, WALK, walk, walkFaults, walkLine } from "./plots.ts";

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
for (const plot of plots(phones).filter(({ name }) => name.includes(only))) {
  const outcome = simulate(plot, seed);
  console.log(line(plot, outcome));
  complain(plot.name, faults(plot, outcome));
}
if (WALK.name.includes(only)) {
  const plot = { ...WALK, phones };
  const outcome = walk(plot, seed);
  console.log(`\n${walkLine(plot, outcome)}`);
  complain(plot.name, walkFaults(outcome));
}
if (failed) Deno.exit(1);
