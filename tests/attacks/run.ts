/** `deno task attack [A1 A2 …]`: the attacks in their full form, all of them or those that are named. */
import { FULL_FORM } from "./attack.ts";

const wanted = Deno.args.map((id) => id.toLowerCase());
const folder = import.meta.dirname!;
const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith("_test.ts"))
  .filter((name) => wanted.length === 0 || wanted.includes(name.split("_")[0]!))
  .sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)));
if (files.length === 0) {
  console.error(`There is no attack ${Deno.args.join(", ")}.`);
  Deno.exit(1);
}
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", ...files.map((name) => `${folder}/${name}`)],
  env: { [FULL_FORM]: "1" },
}).spawn().status;
Deno.exit(code);
