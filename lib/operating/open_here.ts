/** Shows how to open a started field kit: `open_here.ts PORT`. */
import { lanAddresses } from "./addresses.ts";
import { terminalQr } from "./terminal_qr.ts";

const port = Number(Deno.args[0]);
const [first, ...others] = lanAddresses(Deno.networkInterfaces()).map((address) => `http://${address}:${port}/`);
// deno-lint-ignore no-console -- printing is its purpose
const say = (line: string) => console.log(line);
if (first === undefined) say("This machine is not on a network yet.");
else {
  say(await terminalQr(first));
  say(`\nOn a phone on the same network: ${first}`);
  for (const url of others) say(`                             or: ${url}`);
}
say(`On this machine: http://localhost:${port}/\n`);
