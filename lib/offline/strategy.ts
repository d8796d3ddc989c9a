// Runs in service worker and page.
/** The service worker's decisions per request, and what it reads from pages and modules. Pure. */

import { OFFLINE_PATH } from "../shared/page_paths.ts";

/** Caches of this origin. A change to the format of their entries needs a new name. */
export const PAGE_CACHE = "festival-pages-1";
export const ASSET_CACHE = "festival-assets-1";

/** Room pages in the cache. The one loaded longest ago is dropped first. */
export const PAGES_MAX = 60;
/** Builds whose scripts are cached. Pages of older builds are dropped with them. */
export const BUILDS_MAX = 4;
/** Newest builds that stay even if no cached page needs them: one may be open in a tab. */
const BUILDS_MIN = 2;

/** Query parameter in which Fresh's `asset()` puts the build id. */
const BUILD_PARAMETER = "__frsh_c";
const MODULE = /^\/_fresh\/js\/([^/]+)\//;
const PAGE = /^\/(?:[rs]\/[^/]+)?$/;

/**
 * `asset`: an immutable file of one build: cache first. `page`: network first, cache if it fails. `network`: never
 * touched by the worker (API calls, sockets, polling, health).
 */
export type Strategy = "asset" | "page" | "network";

export function strategyOf(request: Pick<Request, "method" | "mode" | "url">, origin: string): Strategy {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== origin) return "network";
  if (buildOf(url) !== undefined) return "asset";
  return request.mode === "navigate" && isCachedPath(url.pathname) ? "page" : "network";
}

/** Whether pages of this path are cached: the home page, rooms, the offline page. */
export function isCachedPath(path: string): boolean {
  return PAGE.test(path) || path === OFFLINE_PATH;
}

/** The build that a file belongs to; undefined for anything else. */
export function buildOf(url: URL): string | undefined {
  return MODULE.exec(url.pathname)?.[1] ?? url.searchParams.get(BUILD_PARAMETER) ?? undefined;
}

/** The build files that a page references, as path and query. */
export function assetsIn(html: string, origin: string): string[] {
  const paths = Array.from(html.matchAll(/["'](\/[^"'\s<>]+)["']/g), ([, path]) => path!);
  return [...new Set(paths)].filter((path) => buildOf(new URL(path, origin)) !== undefined);
}

/** The modules that a bundled module references: those it `needs`, and those it may load `later`. Absolute paths. */
export function modulesIn(code: string, path: string): { needs: string[]; later: string[] } {
  const needs: string[] = [], later: string[] = [];
  for (const [, call, name] of code.matchAll(/\b(?:from|import)\s*(\()?\s*["'](\.{1,2}\/[^"']+\.js)["']/g)) {
    (call === undefined ? needs : later).push(new URL(name!, `https://origin${path}`).pathname);
  }
  return { needs, later };
}

/** A cached page and its build. */
export interface CachedPage {
  path: string;
  build: string | undefined;
}

/** The pages, and the builds whose files, exceed the limits and are to be dropped. Both oldest first. */
export function surplus(
  pages: readonly CachedPage[],
  builds: readonly string[],
): { pages: string[]; builds: string[] } {
  const newest = builds.slice(-BUILDS_MAX);
  const current = pages.filter(({ build }) => build === undefined || newest.includes(build));
  const rooms = current.filter(({ path }) => path !== "/" && path !== OFFLINE_PATH);
  const tooMany = new Set(rooms.slice(0, Math.max(0, rooms.length - PAGES_MAX)));
  const kept = new Set(current.filter((page) => !tooMany.has(page)));
  const needed = new Set([...Array.from(kept, ({ build }) => build), ...builds.slice(-BUILDS_MIN)]);
  return {
    pages: pages.filter((page) => !kept.has(page)).map(({ path }) => path),
    builds: builds.filter((build) => !needed.has(build)),
  };
}
