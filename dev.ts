import { Builder } from "fresh/dev";
import { useTwind } from "./lib/design/twind.ts";

const builder = new Builder();
useTwind(builder);
if (Deno.args.includes("build")) {
  await builder.build();
} else {
  await builder.listen(() => import("./main.ts"));
}
