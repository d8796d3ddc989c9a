/**
 * Local stand-in for the JSR package `@fresh/core` 2.3: the documented names, types and behaviour that this project
 * uses, nothing more. See README.md beside this file.
 */
export { App, type ListenOptions } from "./app.ts";
export {
  type HandlerByMethod,
  type HandlerFn,
  page,
  type PageResponse,
  type RouteData,
  type RouteHandler,
} from "./handlers.ts";
export type { LayoutConfig, Lazy, MaybeLazy, RouteConfig } from "./types.ts";
export type { Middleware, MiddlewareFn } from "./compose.ts";
export { staticFiles } from "./middlewares/static_files.ts";
export { csrf, type CsrfOptions } from "./middlewares/csrf.ts";
export { csp, type CSPOptions } from "./middlewares/csp.ts";
export type { FreshConfig, ResolvedFreshConfig } from "./config.ts";
export type { Context, FreshContext, WebSocketHandlers, WebSocketUpgradeOptions } from "./context.ts";
export type { Island } from "./build_cache.ts";
export { createDefine, type Define } from "./define.ts";
export type { Method } from "./router.ts";
export { HttpError } from "./error.ts";
export type { PageProps } from "./component.ts";
