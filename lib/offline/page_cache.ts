// Runs in service worker.
/** Keeps pages and the files of their builds in the browser's cache storage, and answers from there. */
import {
  ASSET_CACHE,
  assetsIn,
  buildOf,
  isKeptPath,
  type KeptPage,
  modulesIn,
  PAGE_CACHE,
  surplus,
} from "./strategy.ts";
import { OFFLINE_PATH } from "../shared/page_paths.ts";

/** How long a page waits for the network before its copy is shown. */
export const PAGE_TIMEOUT_MS = 2_500;
/** What is loaded ahead of its use, for one page, at most: characters of modules. */
const AHEAD_MAX_CHARS = 1_000_000;
/** Pages of an older build that are loaded anew at a time, the newest first. */
const RENEW_MAX = 20;

/** Headers of a kept page: the build that made it. */
const BUILD_HEADER = "x-kept-build";
/** These tell of the answer on its way here, not of what is kept. */
const NOT_KEPT_HEADERS = ["content-encoding", "content-length", "transfer-encoding", "set-cookie"];

/** As much of a browser's cache as is used. */
export type CacheStorageLike = Pick<Cache, "match" | "put" | "delete" | "keys">;

export interface PageCacheDeps {
  origin: string;
  caches: { open(name: string): Promise<CacheStorageLike> };
  fetch(request: Request | string): Promise<Response>;
  /** Resolves after this time. */
  wait(delayMs: number): Promise<undefined>;
}

export type Background = (work: Promise<unknown>) => void;

export class PageCache {
  readonly #deps: PageCacheDeps;
  /** Pages that are being kept now: whoever asks what is kept waits for them. */
  readonly #keeping = new Map<string, Promise<unknown>>();

  constructor(deps: PageCacheDeps) {
    this.#deps = deps;
  }

  /** A page: from the network when it answers in time and well, else the copy, else the page that says so. */
  async page(request: Request, background: Background): Promise<Response> {
    const path = new URL(request.url).pathname;
    const copy = await this.#copy(path);
    if (copy === undefined) {
      try {
        const response = await this.#deps.fetch(request);
        background(this.#noted(path, this.#keep(path, response.clone())));
        return response;
      } catch {
        return await this.#copy(OFFLINE_PATH) ?? Response.error(); // No network, which is what these say.
      }
    }
    const arriving = this.#arrivedWhole(request);
    // Also one that comes too late for now.
    background(this.#noted(path, arriving.then((arrived) => arrived && this.#keep(path, arrived.toKeep))));
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
   * A page is open and idle: keeps it where it is not yet, and the page that says what is not kept; loads what it may
   * need later; renews the pages of other builds. Does as much of it as the network allows.
   */
  async keepOpen(path: string, ahead: boolean): Promise<void> {
    if (!isKeptPath(path)) return;
    // The page that is open may be of a new build, and still on its way into the cache.
    await this.#keeping.get(path)?.catch(() => {});
    const page = await this.#copy(path) ?? await this.#load(path);
    if (page === undefined) return;
    const build = buildHeader(page);
    const kept = await this.#copy(OFFLINE_PATH);
    const offline = kept !== undefined && buildHeader(kept) === build ? kept : await this.#load(OFFLINE_PATH);
    if (!ahead) return;
    const html = await page.text() + (await offline?.text() ?? "");
    await this.#keepAssets(assetsIn(html, this.#deps.origin), AHEAD_MAX_CHARS);
    const others = (await this.#pages()).filter((kept) => kept.build !== build);
    for (const { path } of others.reverse().slice(0, RENEW_MAX)) await this.#load(path);
  }

  #noted(path: string, keeping: Promise<unknown>): Promise<unknown> {
    const noted = keeping.finally(() => {
      if (this.#keeping.get(path) === noted) this.#keeping.delete(path);
    });
    this.#keeping.set(path, noted);
    return noted;
  }

  /** Keeps a page as it is now; undefined when that may not be. */
  async #load(path: string): Promise<Response | undefined> {
    await this.#keep(path, await this.#deps.fetch(path));
    return await this.#copy(path);
  }

  /** The network's answer when all of it came, twice; undefined when the network failed. */
  async #arrivedWhole(request: Request): Promise<{ answer: Response; toKeep: Response } | undefined> {
    try {
      const answer = await this.#deps.fetch(request);
      const toKeep = answer.clone();
      await answer.clone().arrayBuffer();
      return { answer, toKeep };
    } catch {
      return undefined; // As networks do; there is a copy.
    }
  }

  async #copy(path: string): Promise<Response | undefined> {
    return await (await this.#deps.caches.open(PAGE_CACHE)).match(path, { ignoreVary: true });
  }

  /** Keeps a page together with all that it needs to start, or not at all. A page that is gone is not kept any more. */
  async #keep(path: string, response: Response): Promise<void> {
    const pages = await this.#deps.caches.open(PAGE_CACHE);
    if (response.status === 404 || response.status === 410) await pages.delete(path);
    const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
    if (response.status !== 200 || response.redirected || !isPage) return;
    const html = await response.text();
    const files = assetsIn(html, this.#deps.origin);
    if (!await this.#keepAssets(files)) return;
    const headers = new Headers(response.headers);
    for (const name of NOT_KEPT_HEADERS) headers.delete(name);
    const build = files.map((file) => buildOf(new URL(file, this.#deps.origin)))[0];
    if (build !== undefined) headers.set(BUILD_HEADER, build);
    // What is put anew stands last: pages lie in the order in which they were loaded.
    await pages.delete(path);
    await pages.put(path, new Response(html, { headers }));
    await this.#dropSurplus();
  }

  /**
   * Keeps these files and the modules that they need to run; with `aheadMaxChars` also those that they may load later,
   * until so much code was seen. False when one that is needed cannot be had.
   */
  async #keepAssets(files: readonly string[], aheadMaxChars = 0): Promise<boolean> {
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
    // Both sets grow while they are walked through.
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

  /** The kept pages in the order in which they were loaded. */
  async #pages(): Promise<KeptPage[]> {
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

/** Only what the server calls immutable may be answered from a copy for good: in development nothing is. */
function isImmutable(response: Response): boolean {
  return response.status === 200 && !response.redirected &&
    (response.headers.get("cache-control")?.includes("immutable") ?? false);
}

function buildHeader(copy: Response): string | undefined {
  return copy.headers.get(BUILD_HEADER) ?? undefined;
}
