/** What pages have to do with the service worker. */
import { PAGE_CACHE } from "./strategy.ts";

/** Time for the page to get its own things done first: longer than this a busy browser is not waited for. */
const IDLE_AFTER_MS = 3_000;

/**
 * Lets the page that is open be opened without a network, once the browser has nothing better to do. Does nothing where
 * there are no service workers, as on plain http.
 */
export function keepThisPage(): void {
  const workers = navigator.serviceWorker;
  if (workers === undefined) return;
  // Without search and fragment: a sealed room's key stays with the page.
  const keep = location.pathname;
  const start = async () => {
    // Not waited for: where the device was just without a network, looking for a newer worker can take a long time.
    workers.register("/sw.js").catch((error) => console.info(`pages will not open offline: ${error}`));
    (await workers.ready).active?.postMessage({ keep, ahead: !savesData() });
  };
  if (typeof requestIdleCallback === "undefined") setTimeout(() => void start(), IDLE_AFTER_MS);
  else requestIdleCallback(() => void start(), { timeout: IDLE_AFTER_MS });
}

/** Forgets the page of a room that is left. */
export async function forgetThisPage(): Promise<void> {
  if (typeof caches !== "undefined") await (await caches.open(PAGE_CACHE)).delete(location.pathname);
}

function savesData(): boolean {
  const connection: unknown = "connection" in navigator && navigator.connection;
  return typeof connection === "object" && connection !== null && "saveData" in connection &&
    connection.saveData === true;
}
