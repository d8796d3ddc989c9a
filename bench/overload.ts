/**
 * More load than one core can handle: `deno task bench:overload [--seconds=60] [--sockets=300]`. The load grows until
 * the server refuses events as overloaded: that is its capacity. Then twice the capacity is offered for a while, then
 * little. One JSON line on stdout, progress on stderr.
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
