/** The page's side of the service worker. */
import { PAGE_CACHE } from "./strategy.ts";

/** Longest wait for an idle browser before the page is cached. */
const IDLE_AFTER_MS = 3_000;

/**
 * Caches the open page for offline use when the browser is idle. Does nothing without service workers, as on plain
 * http.
 */
export function keepThisPage(): void {
  const workers = navigator.serviceWorker;
  if (workers === undefined) return;
  // Without search and fragment: a sealed room's key stays with the page.
  const keep = location.pathname;
  const start = async () => {
    // Not awaited: while the device is offline, the check for a newer worker can take a long time.
    workers.register("/sw.js").catch((error) => console.info(`pages will not open offline: ${error}`));
    (await workers.ready).active?.postMessage({ keep, ahead: !savesData() });
  };
  if (typeof requestIdleCallback === "undefined") setTimeout(() => void start(), IDLE_AFTER_MS);
  else requestIdleCallback(() => void start(), { timeout: IDLE_AFTER_MS });
}

/** Deletes the cached page of a room that the user left. */
export async function forgetThisPage(): Promise<void> {
  if (typeof caches !== "undefined") await (await caches.open(PAGE_CACHE)).delete(location.pathname);
}

function savesData(): boolean {
  const connection: unknown = "connection" in navigator && navigator.connection;
  return typeof connection === "object" && connection !== null && "saveData" in connection &&
    connection.saveData === true;
}
