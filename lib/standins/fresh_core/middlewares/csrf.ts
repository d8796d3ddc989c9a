import type { Middleware } from "../compose.ts";
import type { Context } from "../context.ts";
import { HttpError } from "../error.ts";

/** What {@linkcode csrf} accepts. */
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
 * Refuses with 403 what another site makes a browser send. Judged by `Sec-Fetch-Site` where there is one, else by
 * `Origin`; a request with neither comes from no browser and passes.
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
