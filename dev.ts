import { Builder } from "fresh/dev";
import { useTwind } from "./lib/ui/twind.ts";
import { finishBuild } from "./lib/build/finish_build.ts";
import { useServiceWorker } from "./lib/offline/build.ts";

const builder = new Builder();
useTwind(builder);
useServiceWorker(builder);
if (Deno.args.includes("build")) {
  await builder.build();
  await finishBuild(builder);
} else if (Deno.args.includes("mobile")) {
  const { mobileListening } = await import("./lib/operating/mobile.ts");
  await builder.listen(() => import("./main.ts"), await mobileListening());
} else {
  await builder.listen(() => import("./main.ts"));
}
