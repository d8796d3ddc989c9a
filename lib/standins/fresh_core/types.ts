import type { RouteHandler } from "./handlers.ts";
import type { Method } from "./router.ts";
import type { RouteComponent } from "./component.ts";

/** Makes a `T` when it is first needed. */
export type Lazy<T> = () => Promise<T>;
/** A `T`, or a function that loads it. */
export type MaybeLazy<T> = T | Lazy<T>;

/** What a layout file may say about itself in its `config` export. */
export interface LayoutConfig {
  /** Leave out the layouts of the folders above. Default: false. */
  skipInheritedLayouts?: boolean;
  /** Leave out `_app`. Default: false. */
  skipAppWrapper?: boolean;
}

/** What a route file may say about itself in its `config` export. */
export interface RouteConfig extends LayoutConfig {
  /** URLPattern pathname that replaces the one made from the file's path. */
  routeOverride?: string;
  /** Accepted for compatibility; use the `csp()` middleware. */
  csp?: boolean;
  /** For lazily loaded routes: the methods to register. Default: "ALL". */
  methods?: "ALL" | Method[];
}

/** A page: component, handlers, settings; each may be absent. */
export interface Route<State> {
  component?: RouteComponent<State>;
  config?: RouteConfig;
  handler?: RouteHandler<unknown, State>;
  css?: string[];
}

/** Tells a loader from the object that it loads. */
export function isLazy<T extends object>(value: MaybeLazy<T>): value is Lazy<T> {
  return typeof value === "function";
}
