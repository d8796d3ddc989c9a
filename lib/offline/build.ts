/** Bundles worker.ts into /sw.js at build time. */
import type { Builder } from "fresh/dev";

/**
 * Makes the builder replace static/sw.js with the service worker. In development that file stays a worker that
 * unregisters itself, so that the page never shows cached code.
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
