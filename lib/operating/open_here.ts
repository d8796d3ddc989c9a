/** Shows how to open a started field kit, and its settings: `open_here.ts PORT`. */
import { readConfig } from "../server/config/read_config.ts";
import { unknownVariables } from "../server/config/unknown_variables.ts";
import { lanAddresses } from "./addresses.ts";
import { firstLines } from "./first_lines.ts";
import { terminalQr } from "./terminal_qr.ts";

const port = Number(Deno.args[0]);
const lan = lanAddresses(Deno.networkInterfaces());
const config = readConfig((name) => Deno.env.get(name));
const unknown = unknownVariables(Object.keys(Deno.env.toObject()));
// deno-lint-ignore no-console -- printing is its purpose
const say = (line: string) => console.log(line);
if (lan[0] === undefined) say("This machine is not on a network yet.");
else say(`${await terminalQr(`http://${lan[0]}:${port}/`)}\n`);
for (const line of firstLines({ listening: { host: "0.0.0.0", port }, config, lan, unknown })) say(line);
