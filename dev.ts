import { Builder } from "fresh/dev";
import { useTwind } from "./lib/ui/twind.ts";
import { finishBuild } from "./lib/build/finish_build.ts";
import { gitCommit } from "./lib/build/git_commit.ts";
import { useServiceWorker } from "./lib/offline/build.ts";

const builder = new Builder();
useTwind(builder);
useServiceWorker(builder);
if (Deno.args.includes("build")) {
  await builder.build();
  await finishBuild(builder);
} else {
  if (!Deno.env.get("FESTIVAL_BUILD")) Deno.env.set("FESTIVAL_BUILD", gitCommit(".") ?? "");
  const listening = Deno.args.includes("mobile")
    ? await (await import("./lib/operating/mobile.ts")).mobileListening()
    : undefined;
  await builder.listen(() => import("./main.ts"), listening);
}
