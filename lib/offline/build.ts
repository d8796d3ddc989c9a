/** Builds /sw.js from worker.ts. */
import type { Builder } from "fresh/dev";

/**
 * Makes the builder replace static/sw.js with the service worker. In development the file stays: a worker that unregisters
 * itself, so that pages always show the latest change.
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
