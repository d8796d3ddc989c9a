/** Builds the app for production: `deno run -A tests/support/build_release.ts FOLDER RELEASE`, in the project's folder. */
import { Builder } from "fresh/dev";
import { useTwind } from "../../lib/ui/twind.ts";
import { finishBuild } from "../../lib/build/finish_build.ts";
import { useServiceWorker } from "../../lib/offline/build.ts";

const [outDir, release = ""] = Deno.args;
const builder = new Builder({ outDir });
useTwind(builder);
useServiceWorker(builder);
builder.onTransformStaticFile(
  { pluginName: "release", filter: /[/\\]sw\.js$/ },
  ({ text }) => ({ content: `${text}// ${release}\n` }),
);
await builder.build();
await finishBuild(builder);
