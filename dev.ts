import { Builder } from "fresh/dev";
import { useTwind } from "./lib/design/twind.ts";
import { useServiceWorker } from "./lib/offline/build.ts";

const builder = new Builder();
useTwind(builder);
useServiceWorker(builder);
if (Deno.args.includes("build")) {
  await builder.build();
} else {
  await builder.listen(() => import("./main.ts"));
}
