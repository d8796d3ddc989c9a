// Runs in service worker.
/**
 * The service worker, served as /sw.js: pages open without a network. It knows no build: it keeps what pages name. What
 * people wrote is not here but in IndexedDB, which it never touches.
 */
import { PageCache } from "./page_cache.ts";
import { ASSET_CACHE, PAGE_CACHE, strategyOf } from "./strategy.ts";
import type { WorkerScope } from "./worker_scope.ts";

/** To a new version of this worker that waits: somebody goes to another page, take over. */
const TAKE_OVER = "take over";

function work(scope: WorkerScope): void {
  const { caches, location: { origin }, registration } = scope;
  const keeper = new PageCache({
    origin,
    caches,
    fetch: (request) => scope.fetch(request),
    wait: (delayMs) => new Promise((resolve) => setTimeout(() => resolve(undefined), delayMs)),
  });

  /** Work beside the answers: where it fails (no network, no space left), what is kept stays as it was. */
  const beside = (task: Promise<unknown>) => task.catch((error) => console.info(`not kept: ${error}`));

  scope.addEventListener("activate", (event) => event.waitUntil(settle()));
  scope.addEventListener("fetch", (event) => {
    const strategy = strategyOf(event.request, origin);
    if (strategy === "network") return;
    const background = (task: Promise<unknown>) => event.waitUntil(beside(task));
    if (strategy === "asset") return event.respondWith(keeper.asset(event.request, background));
    registration.waiting?.postMessage(TAKE_OVER);
    event.respondWith(keeper.page(event.request, background));
  });
  scope.addEventListener("message", (event) => {
    const { data } = event;
    if (data === TAKE_OVER) event.waitUntil(scope.skipWaiting());
    if (typeof data !== "object" || data === null || !("keep" in data) || typeof data.keep !== "string") return;
    event.waitUntil(beside(keeper.keepOpen(data.keep, "ahead" in data && data.ahead === true)));
  });

  /** Drops what other versions kept, and takes care of the pages that are open already. */
  async function settle(): Promise<void> {
    const others = (await caches.keys()).filter((name) => name !== PAGE_CACHE && name !== ASSET_CACHE);
    await Promise.all(others.map((name) => caches.delete(name)));
    await scope.clients.claim();
  }
}

work(globalThis as unknown as WorkerScope);
