import { Builder } from "fresh/dev";
import { useTwind } from "./lib/ui/twind.ts";
import { finishBuild } from "./lib/build/finish_build.ts";
import { gitCommit } from "./lib/build/git_commit.ts";
import { readListening } from "./lib/operating/listening.ts";
import { isStartedByNpx, watchStarters } from "./lib/operating/starter.ts";
import { useServiceWorker } from "./lib/offline/build.ts";

const env = (name: string) => Deno.env.get(name);
const builder = new Builder();
useTwind(builder);
useServiceWorker(builder);
if (Deno.args.includes("build")) {
  await builder.build();
  await finishBuild(builder);
} else {
  if (!Deno.env.get("FESTIVAL_BUILD")) Deno.env.set("FESTIVAL_BUILD", gitCommit(".") ?? "");
  watchStarters(() => Deno.kill(Deno.pid, "SIGTERM"), { byNpx: isStartedByNpx(env) });
  const { host, port } = readListening(Deno.args.filter((argument) => argument !== "mobile"), env);
  const listening = Deno.args.includes("mobile")
    ? await (await import("./lib/operating/mobile.ts")).mobileListening(port)
    // Without a port Fresh takes the first free one from 8000 on.
    : { hostname: host, ...(port !== undefined && { port }) };
  await builder.listen(() => import("./main.ts"), listening);
}
