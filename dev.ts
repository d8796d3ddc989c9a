import { Builder } from "fresh/dev";
import { useTwind } from "./lib/ui/twind.ts";
import { useServiceWorker } from "./lib/offline/build.ts";

const builder = new Builder();
useTwind(builder);
useServiceWorker(builder);
if (Deno.args.includes("build")) {
  await builder.build();
} else if (Deno.args.includes("mobile")) {
  const { mobileListening } = await import("./lib/operating/mobile.ts");
  await builder.listen(() => import("./main.ts"), await mobileListening());
} else {
  await builder.listen(() => import("./main.ts"));
}
