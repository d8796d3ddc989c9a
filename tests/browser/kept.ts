/** Reads the caches of the service worker. */
import { assert } from "@std/assert";
import { ASSET_CACHE, PAGE_CACHE } from "../../lib/offline/strategy.ts";
import { OFFLINE_PATH } from "../../lib/shared/page_paths.ts";
import type { Tab } from "./tab.ts";

/** The cached pages by path, and the cached files by address. */
export async function keptBy(tab: Tab): Promise<{ pages: string[]; files: string[]; missing: string[] }> {
  return await tab.page.evaluate(async ([pageCache, assetCache]) => {
    const [pages, assets] = [await caches.open(pageCache!), await caches.open(assetCache!)];
    const files = (await assets.keys()).map(({ url }) => url);
    const missing: string[] = [];
    for (const url of files.filter((url) => url.endsWith(".js"))) {
      const code = await (await assets.match(url))!.text();
      const named = Array.from(code.matchAll(/["'](\.\/[\w.-]+\.js)["']/g), ([, name]) => new URL(name!, url).href);
      missing.push(...named.filter((name) => !files.includes(name)));
    }
    return { pages: (await pages.keys()).map(({ url }) => new URL(url).pathname), files, missing };
  }, [PAGE_CACHE, ASSET_CACHE]);
}

/** Waits until this page is cached with all of its code, and the offline page too. */
export async function untilPageKept(tab: Tab): Promise<void> {
  const { pathname } = new URL(tab.page.url());
  await tab.until(
    () => keptBy(tab),
    ({ pages, files, missing }) =>
      pages.includes(pathname) && pages.includes(OFFLINE_PATH) && files.length > 0 && missing.length === 0,
    (kept) => assert(false, `not kept: ${JSON.stringify(kept)}`),
  );
}
