/** Makes /sw.js at build, out of worker.ts. */
import type { Builder } from "fresh/dev";

/**
 * Makes the builder put the service worker in the place of static/sw.js. In development that file stays what it is: a
 * worker that takes itself away, so that nothing stands between a change and the page.
 */
export function useServiceWorker(builder: Builder): void {
  builder.onTransformStaticFile({ pluginName: "service worker", filter: /[/\\]sw\.js$/ }, async ({ mode }) => {
    if (mode === "production" && Deno.env.get("FESTIVAL_SERVICE_WORKER") !== "off") {
      return { content: await workerCode() };
    }
  });
}

async function workerCode(): Promise<string> {
  const { errors, outputFiles } = await Deno.bundle({
    entrypoints: [new URL("./worker.ts", import.meta.url).pathname],
    platform: "browser",
    format: "iife",
    minify: true,
    write: false,
  });
  const [file] = outputFiles ?? [];
  if (file === undefined) throw new Error(`The service worker could not be bundled: ${JSON.stringify(errors)}`);
  return file.text();
}
