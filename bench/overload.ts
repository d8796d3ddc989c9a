/**
 * More than one core can carry: `deno task bench:overload [--seconds=60] [--sockets=300]`. First the load grows until the
 * server refuses for load: that is what it can carry. Then twice that is offered for a while, and then little again.
 * One JSON line on stdout, progress on stderr.
 */
import { measureOverload } from "./overload_run.ts";

const option = (name: string, otherwise: number) =>
  Number(Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise);

const report = await measureOverload({
  sockets: option("sockets", 300),
  stepMs: 2_000,
  overloadMs: option("seconds", 60) * 1_000,
  progress: (line) => console.error(line),
});
console.log(JSON.stringify(report));
