// Runs in service worker.
/** Caches pages and the files of their builds in the browser's cache storage, and answers requests from it. */
import {
  ASSET_CACHE,
  assetsIn,
  buildOf,
  type CachedPage,
  isCachedPath,
  modulesIn,
  PAGE_CACHE,
  surplus,
} from "./strategy.ts";
import { OFFLINE_PATH } from "../shared/page_paths.ts";

/** Time for the network's answer before the cached page is shown. */
const PAGE_TIMEOUT_MS = 2_500;
/** Most characters of modules loaded ahead of use for one page. */
const AHEAD_MAX_CHARS = 1_000_000;
/** Pages of an older build reloaded at a time, the newest first. */
const RENEW_MAX = 20;

/** Header of a cached page: its build. */
const BUILD_HEADER = "x-cached-build";
/** These describe the transfer, not the cached page. */
const DROPPED_HEADERS = ["content-encoding", "content-length", "transfer-encoding", "set-cookie"];

/** The part of the browser's Cache that is used. */
export type CacheStorageLike = Pick<Cache, "match" | "put" | "delete" | "keys">;

interface PageCacheDeps {
  origin: string;
  caches: { open(name: string): Promise<CacheStorageLike> };
  fetch(request: Request | string): Promise<Response>;
  /** Resolves after this time. */
  wait(delayMs: number): Promise<undefined>;
}

type Background = (work: Promise<unknown>) => void;

export class PageCache {
  readonly #deps: PageCacheDeps;
  /** Pages being cached now, which later reads wait for. */
  readonly #caching = new Map<string, Promise<unknown>>();

  constructor(deps: PageCacheDeps) {
    this.#deps = deps;
  }

  /** A page: from the network if it answers in time, else from the cache, else the offline page. */
  async page(request: Request, background: Background): Promise<Response> {
    const path = new URL(request.url).pathname;
    const copy = await this.#copy(path);
    if (copy === undefined) {
      try {
        const response = await this.#deps.fetch(request);
        background(this.#track(path, this.#cachePage(path, response.clone())));
        return response;
      } catch {
        return await this.#copy(OFFLINE_PATH) ?? Response.error(); // No network.
      }
    }
    const arriving = this.#arrivedWhole(request);
    // Also caches an answer that is too late for this request.
    background(this.#track(path, arriving.then((arrived) => arrived && this.#cachePage(path, arrived.toCache))));
    const arrived = await Promise.race([arriving, this.#deps.wait(PAGE_TIMEOUT_MS)]);
    return arrived === undefined || arrived.answer.status >= 500 ? copy : arrived.answer;
  }

  /** A file of a build. */
  async asset(request: Request, background: Background): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const assets = await this.#deps.caches.open(ASSET_CACHE);
    const copy = await assets.match(pathname + search, { ignoreVary: true });
    if (copy !== undefined) return copy;
    const response = await this.#deps.fetch(request);
    if (isImmutable(response)) background(assets.put(pathname + search, response.clone()));
    return response;
  }

  /**
   * Called by an open, idle page: caches it and the offline page; with `ahead` also loads modules it may need later and
   * reloads cached pages of other builds. Does as much as the network allows.
   */
  async cacheOpenPage(path: string, ahead: boolean): Promise<void> {
    if (!isCachedPath(path)) return;
    // The open page may be of a new build that is still being cached.
    await this.#caching.get(path)?.catch(() => {});
    const page = await this.#copy(path) ?? await this.#load(path);
    if (page === undefined) return;
    const build = buildHeader(page);
    const kept = await this.#copy(OFFLINE_PATH);
    const offline = kept !== undefined && buildHeader(kept) === build ? kept : await this.#load(OFFLINE_PATH);
    if (!ahead) return;
    const html = await page.text() + (await offline?.text() ?? "");
    await this.#cacheAssets(assetsIn(html, this.#deps.origin), AHEAD_MAX_CHARS);
    const others = (await this.#pages()).filter((kept) => kept.build !== build);
    for (const { path } of others.reverse().slice(0, RENEW_MAX)) await this.#load(path);
  }

  #track(path: string, caching: Promise<unknown>): Promise<unknown> {
    const tracked = caching.finally(() => {
      if (this.#caching.get(path) === tracked) this.#caching.delete(path);
    });
    this.#caching.set(path, tracked);
    return tracked;
  }

  /** Loads and caches a page; undefined if it cannot be cached. */
  async #load(path: string): Promise<Response | undefined> {
    await this.#cachePage(path, await this.#deps.fetch(path));
    return await this.#copy(path);
  }

  /** The network's answer once it is complete, twice; undefined if the network failed. */
  async #arrivedWhole(request: Request): Promise<{ answer: Response; toCache: Response } | undefined> {
    try {
      const answer = await this.#deps.fetch(request);
      const toCache = answer.clone();
      await answer.clone().arrayBuffer();
      return { answer, toCache };
    } catch {
      return undefined; // The network failed; there is a copy.
    }
  }

  async #copy(path: string): Promise<Response | undefined> {
    return await (await this.#deps.caches.open(PAGE_CACHE)).match(path, { ignoreVary: true });
  }

  /** Caches a page with all files it needs to start, or not at all. Deletes a page that no longer exists. */
  async #cachePage(path: string, response: Response): Promise<void> {
    const pages = await this.#deps.caches.open(PAGE_CACHE);
    if (response.status === 404 || response.status === 410) await pages.delete(path);
    const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
    if (response.status !== 200 || response.redirected || !isPage) return;
    const html = await response.text();
    const files = assetsIn(html, this.#deps.origin);
    if (!await this.#cacheAssets(files)) return;
    const headers = new Headers(response.headers);
    for (const name of DROPPED_HEADERS) headers.delete(name);
    const build = files.map((file) => buildOf(new URL(file, this.#deps.origin)))[0];
    if (build !== undefined) headers.set(BUILD_HEADER, build);
    // Deleted first so that it moves to the end: pages are in the order in which they were loaded.
    await pages.delete(path);
    await pages.put(path, new Response(html, { headers }));
    await this.#dropSurplus();
  }

  /**
   * Caches these files and the modules that they import, and up to `aheadMaxChars` of code that they may load later.
   * Returns false if a required file is unavailable.
   */
  async #cacheAssets(files: readonly string[], aheadMaxChars = 0): Promise<boolean> {
    const needed = new Set(files), later = new Set<string>();
    let seen = 0;
    const modulesOf = async (file: string) => {
      const response = await this.#asset(file);
      const { pathname } = new URL(file, this.#deps.origin);
      if (response === undefined || !pathname.endsWith(".js")) return response && { needs: [], later: [] };
      const code = await response.text();
      seen += code.length;
      return modulesIn(code, pathname);
    };
    // Both sets grow during their iteration.
    for (const file of needed) {
      const modules = await modulesOf(file);
      if (modules === undefined) return false;
      for (const module of modules.needs) needed.add(module);
      for (const module of modules.later) later.add(module);
    }
    for (const file of later) {
      if (seen >= aheadMaxChars) break;
      const modules = needed.has(file) ? undefined : await modulesOf(file);
      for (const module of [...modules?.needs ?? [], ...modules?.later ?? []]) later.add(module);
    }
    return true;
  }

  async #asset(file: string): Promise<Response | undefined> {
    const assets = await this.#deps.caches.open(ASSET_CACHE);
    const copy = await assets.match(file, { ignoreVary: true });
    if (copy !== undefined) return copy;
    const response = await this.#deps.fetch(file);
    if (!isImmutable(response)) return undefined;
    await assets.put(file, response.clone());
    return response;
  }

  /** The cached pages in the order in which they were loaded. */
  async #pages(): Promise<CachedPage[]> {
    const pages = await this.#deps.caches.open(PAGE_CACHE);
    return await Promise.all((await pages.keys()).map(async ({ url }) => {
      const copy = await pages.match(url, { ignoreVary: true });
      return { path: new URL(url).pathname, build: copy && buildHeader(copy) };
    }));
  }

  async #dropSurplus(): Promise<void> {
    const [pages, assets] = await Promise.all([PAGE_CACHE, ASSET_CACHE].map((name) => this.#deps.caches.open(name)));
    const files = (await assets!.keys()).map(({ url }) => ({ url, build: buildOf(new URL(url)) ?? "" }));
    const over = surplus(await this.#pages(), [...new Set(files.map(({ build }) => build))]);
    await Promise.all([
      ...over.pages.map((path) => pages!.delete(path)),
      ...files.filter(({ build }) => over.builds.includes(build)).map(({ url }) => assets!.delete(url)),
    ]);
  }
}

/** Whether the server marks a response as immutable. In development nothing is. */
function isImmutable(response: Response): boolean {
  return response.status === 200 && !response.redirected &&
    (response.headers.get("cache-control")?.includes("immutable") ?? false);
}

function buildHeader(copy: Response): string | undefined {
  return copy.headers.get(BUILD_HEADER) ?? undefined;
}
