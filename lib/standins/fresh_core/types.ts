import type { ComponentType, FunctionComponent, RenderableProps, VNode } from "preact";

/** The methods that a route may answer. */
export type Method = "HEAD" | "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "OPTIONS";

/** Passed on to `Deno.upgradeWebSocket`. */
export interface WebSocketUpgradeOptions {
  /** Closes the socket after this many seconds without a pong. Default: 120. */
  idleTimeout?: number;
  /** The sub-protocol to agree on. */
  protocol?: string;
}

/** One request on its way through middlewares to its answer. */
export interface Context<State> {
  /** The request's URL. Repeated slashes in its path are already one. */
  readonly url: URL;
  req: Request;
  /** The pattern that matched, or null. */
  readonly route: string | null;
  /** The dynamic parts of the path. */
  readonly params: Record<string, string>;
  /** Values that middlewares hand to those after them. */
  readonly state: State;
  readonly info: Deno.ServeHandlerInfo;
  /** In the app wrapper: the component that shows the page. */
  Component: FunctionComponent;
  /** Calls the rest of the chain after this middleware. */
  next: () => Promise<Response>;
  /** Answers with a redirect. A path that starts with "//" stays on this site. */
  redirect(pathOrUrl: string, status?: number): Response;
  /** Answers with JSX as a page, inside the app wrapper. */
  // deno-lint-ignore no-explicit-any -- any element may be shown
  render(vnode: VNode<any> | null, init?: ResponseInit): Promise<Response>;
  /** Answers with a string of HTML. */
  html(content: string, init?: ResponseInit): Response;
  /** Upgrades this request to a WebSocket. Throws a 400 `HttpError` if it does not ask for an upgrade. */
  upgrade(options?: WebSocketUpgradeOptions): { socket: WebSocket; response: Response };
}

/** Answers a request, or calls `ctx.next()` and may change the response. */
export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;

/** The props of pages and of the app wrapper. */
export type PageProps<Data = unknown, State = unknown> =
  & Pick<Context<State>, "url" | "req" | "params" | "info" | "state" | "Component" | "route">
  & { data: Data };

/** A page or the app wrapper. */
export type RouteComponent<State> = (
  props: RenderableProps<PageProps<unknown, State>>,
  // deno-lint-ignore no-explicit-any -- preact's own component types say the same
) => VNode<any> | null;

/** Data for the route's component, with the status and headers of the answer. */
export interface PageResponse<T> {
  data: T;
  headers?: HeadersInit;
  status?: number;
}

/** Answers a request itself, or returns data for the route's component. */
export interface HandlerFn<Data, State> {
  (ctx: Context<State>): Response | PageResponse<Data> | Promise<Response | PageResponse<Data>>;
}

/** One handler per method. A method without one is answered with 405; HEAD falls back to GET. */
export type HandlerByMethod<Data, State> = { [M in Method]?: HandlerFn<Data, State> };

/** One function for every method, or one function per method. */
export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

/** A page: its component and its handlers; each may be absent. */
export interface Route<State> {
  component?: RouteComponent<State>;
  handler?: RouteHandler<unknown, State>;
}

/** One call on the app, or one route file. `folder`: the path whose middlewares apply, "" for the root. */
export type Command<State> =
  | { type: "middleware"; folder: string; fns: readonly Middleware<State>[] }
  | { type: "handler"; folder: string; path: string; methods: readonly Method[]; fns: readonly Middleware<State>[] }
  | { type: "route"; folder: string; path: string; route: Route<State> }
  | { type: "app"; component: RouteComponent<State> }
  | { type: "fsRoutes" };

/** One island component, and the client code that makes it interactive. */
export interface Island {
  /** Unique among the islands of a build; a JavaScript identifier. */
  name: string;
  exportName: string;
  /** URL paths of the module that exports it and of everything that this module imports statically. */
  modules: readonly string[];
}

/** An open static file. The receiver reads it or calls `close`. */
export interface StaticFile {
  hash: string;
  size: number;
  contentType: string;
  readable: ReadableStream<Uint8Array> | Uint8Array;
  close(): void;
}

/** A build as the app sees it: routes, islands, static files. */
// deno-lint-ignore no-explicit-any -- the state type is the app's
export interface BuildCache<State = any> {
  readonly mode: "development" | "production";
  readonly islands: ReadonlyMap<ComponentType, Island>;
  /** URL paths of the client runtime and of everything that it imports. */
  readonly runtime: readonly string[];
  /** URL path of the script that reloads the page after a change; development only. */
  readonly reloadScript?: string;
  routes(): Command<State>[];
  /** Opens a static file by its decoded URL path. */
  readFile(path: string): Promise<StaticFile | null>;
}
