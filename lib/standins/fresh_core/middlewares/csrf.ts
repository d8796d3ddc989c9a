import { HttpError } from "../error.ts";
import type { Context, Middleware } from "../types.ts";

/** Options of {@linkcode csrf}. */
// deno-lint-ignore no-explicit-any -- as upstream: the options fit any app
export interface CsrfOptions<State = any> {
  /** Other origins that may send requests. Default: the request's own origin only. */
  origin?:
    | string
    | string[]
    | ((origin: string, context: Context<State>) => boolean);
}

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses requests that another site makes a browser send, with 403. It reads `Sec-Fetch-Site`, or `Origin` where that
 * is missing. A request with neither header does not come from a browser and passes.
 */
export function csrf<State>(options?: CsrfOptions): Middleware<State> {
  const { origin: allowed } = options ?? {};

  function isAllowed(origin: string, ctx: Context<State>): boolean {
    if (!allowed) return origin === ctx.url.origin;
    if (typeof allowed === "function") return allowed(origin, ctx);
    return typeof allowed === "string" ? origin === allowed : allowed.includes(origin);
  }

  return async (ctx) => {
    const { method, headers } = ctx.req;
    const site = headers.get("sec-fetch-site");
    const origin = headers.get("origin");
    const passes = SAFE_METHODS.includes(method) ||
      site === "same-origin" || site === "none" ||
      (origin === null ? site === null : isAllowed(origin, ctx));
    if (!passes) throw new HttpError(403);
    return await ctx.next();
  };
}
