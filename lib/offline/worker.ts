// Runs in service worker.
/**
 * The service worker, served as /sw.js, which lets pages open offline. It depends on no build: it caches the files that
 * pages reference. Messages are in IndexedDB, which it never touches.
 */
import { PageCache } from "./page_cache.ts";
import { ASSET_CACHE, PAGE_CACHE, strategyOf } from "./strategy.ts";
import type { WorkerScope } from "./worker_scope.ts";

/** Tells a waiting new version of the worker to take over, on the next navigation. */
const TAKE_OVER = "take over";

function work(scope: WorkerScope): void {
  const { caches, location: { origin }, registration } = scope;
  const pageCache = new PageCache({
    origin,
    caches,
    fetch: (request) => scope.fetch(request),
    wait: (delayMs) => new Promise((resolve) => setTimeout(() => resolve(undefined), delayMs)),
  });

  /** Logs failures of background work (no network, no space); the cache then stays as it was. */
  const inBackground = (task: Promise<unknown>) => task.catch((error) => console.info(`not cached: ${error}`));

  scope.addEventListener("activate", (event) => event.waitUntil(activate()));
  scope.addEventListener("fetch", (event) => {
    const strategy = strategyOf(event.request, origin);
    if (strategy === "network") return;
    const background = (task: Promise<unknown>) => event.waitUntil(inBackground(task));
    if (strategy === "asset") return event.respondWith(pageCache.asset(event.request, background));
    registration.waiting?.postMessage(TAKE_OVER);
    event.respondWith(pageCache.page(event.request, background));
  });
  scope.addEventListener("message", (event) => {
    const { data } = event;
    if (data === TAKE_OVER) event.waitUntil(scope.skipWaiting());
    if (typeof data !== "object" || data === null || !("keep" in data) || typeof data.keep !== "string") return;
    event.waitUntil(inBackground(pageCache.cacheOpenPage(data.keep, "ahead" in data && data.ahead === true)));
  });

  /** Deletes the caches of other versions and takes control of open pages. */
  async function activate(): Promise<void> {
    const others = (await caches.keys()).filter((name) => name !== PAGE_CACHE && name !== ASSET_CACHE);
    await Promise.all(others.map((name) => caches.delete(name)));
    await scope.clients.claim();
  }
}

work(globalThis as unknown as WorkerScope);
