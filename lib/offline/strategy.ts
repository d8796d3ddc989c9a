// Runs in service worker and page.
/** What the service worker does with a request, and what it reads out of pages and modules. Pure. */

import { OFFLINE_PATH } from "../shared/page_paths.ts";

/** Caches of this origin. What lies in them changes its shape only together with its name. */
export const PAGE_CACHE = "festival-pages-1";
export const ASSET_CACHE = "festival-assets-1";

/** Rooms whose pages are kept; the one that was loaded longest ago goes first. */
export const PAGES_MAX = 60;
/** Builds whose scripts are kept. Pages of older ones go with them. */
export const BUILDS_MAX = 4;
/** Builds that stay although no kept page needs them: one may be open in a tab. */
const BUILDS_MIN = 2;

/** Query parameter in which Fresh's `asset()` puts the build id. */
const BUILD_PARAMETER = "__frsh_c";
const MODULE = /^\/_fresh\/js\/([^/]+)\//;
const PAGE = /^\/(?:[rs]\/[^/]+)?$/;

/**
 * `asset`: a file of one build, which never changes: the copy first. `page`: the network first, the copy when it fails.
 * `network`: not ours to touch: what is asked or sent, sockets, polling, health.
 */
export type Strategy = "asset" | "page" | "network";

export function strategyOf(request: Pick<Request, "method" | "mode" | "url">, origin: string): Strategy {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== origin) return "network";
  if (buildOf(url) !== undefined) return "asset";
  return request.mode === "navigate" && isKeptPath(url.pathname) ? "page" : "network";
}

/** Whether this is the path of a page that is kept: the home page, a room, the page that stands in for others. */
export function isKeptPath(path: string): boolean {
  return PAGE.test(path) || path === OFFLINE_PATH;
}

/** The build whose file this is; undefined for anything else. */
export function buildOf(url: URL): string | undefined {
  return MODULE.exec(url.pathname)?.[1] ?? url.searchParams.get(BUILD_PARAMETER) ?? undefined;
}

/** The addresses (path and query) of the build's files that a page names. */
export function assetsIn(html: string, origin: string): string[] {
  const paths = Array.from(html.matchAll(/["'](\/[^"'\s<>]+)["']/g), ([, path]) => path!);
  return [...new Set(paths)].filter((path) => buildOf(new URL(path, origin)) !== undefined);
}

/** The modules that a bundled module names: those it `needs` to run, and those it may load `later`. Absolute paths. */
export function modulesIn(code: string, path: string): { needs: string[]; later: string[] } {
  const needs: string[] = [], later: string[] = [];
  for (const [, call, name] of code.matchAll(/\b(?:from|import)\s*(\()?\s*["'](\.{1,2}\/[^"']+\.js)["']/g)) {
    (call === undefined ? needs : later).push(new URL(name!, `https://origin${path}`).pathname);
  }
  return { needs, later };
}

/** A page that is kept, and the build that made it. */
export interface KeptPage {
  path: string;
  build: string | undefined;
}

/** What is over the limits: which pages to drop, and the files of which builds. Both lists oldest first. */
export function surplus(pages: readonly KeptPage[], builds: readonly string[]): { pages: string[]; builds: string[] } {
  const newest = builds.slice(-BUILDS_MAX);
  const whole = pages.filter(({ build }) => build === undefined || newest.includes(build));
  const rooms = whole.filter(({ path }) => path !== "/" && path !== OFFLINE_PATH);
  const tooMany = new Set(rooms.slice(0, Math.max(0, rooms.length - PAGES_MAX)));
  const kept = new Set(whole.filter((page) => !tooMany.has(page)));
  const needed = new Set([...Array.from(kept, ({ build }) => build), ...builds.slice(-BUILDS_MIN)]);
  return {
    pages: pages.filter((page) => !kept.has(page)).map(({ path }) => path),
    builds: builds.filter((build) => !needed.has(build)),
  };
}
