import { BUILD_ID } from "./build_id.ts";
import { type BuildCache, emptyBuildCache } from "./build_cache.ts";
import type { MaybeLazyMiddleware, Middleware } from "./compose.ts";
import type { RouteComponent } from "./component.ts";
import type { FreshConfig, ResolvedFreshConfig } from "./config.ts";
import { Context, type WebSocketHandlers, type WebSocketUpgradeOptions } from "./context.ts";
import { STATUS_CODES } from "node:http";
import { HttpError } from "./error.ts";
import { joinPath, type Method, Router } from "./router.ts";
import { applyCommands, type Command } from "./tree.ts";
import type { LayoutConfig, MaybeLazy, Route, RouteConfig } from "./types.ts";

/** What {@linkcode App.listen} passes on to `Deno.serve`. */
export type ListenOptions =
  & Partial<Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem>
  & { remoteAddress?: string };

/** Ports tried when none is given. */
const FIRST_PORT = 8000;
const LAST_PORT = 8019;

/** Gives an app the build that it answers from. Internal. */
export let setBuildCache: <State>(
  app: App<State>,
  cache: BuildCache<State>,
  mode: "development" | "production",
) => void;

/** Passes requests through middlewares to routes, in the order in which both were added. */
export class App<State> {
  #commands: Command<State>[] = [];
  #build: () => BuildCache<State> | null = () => null;

  static {
    setBuildCache = (app, cache, mode) => {
      app.config.root = cache.root;
      app.config.mode = mode;
      app.#build = () => cache;
    };
  }

  /** The settings, with every default filled in. */
  config: ResolvedFreshConfig;

  constructor(config: FreshConfig = {}) {
    this.config = {
      root: ".",
      basePath: config.basePath ?? "",
      mode: config.mode ?? "production",
      trustProxy: config.trustProxy ?? false,
    };
  }

  #add(command: Command<State>): this {
    this.#commands.push(command);
    return this;
  }

  /** Adds middlewares for every path, or for those below `path`. They apply to what is added after them. */
  use(...middleware: MaybeLazyMiddleware<State>[]): this;
  use(path: string, ...middleware: MaybeLazyMiddleware<State>[]): this;
  use(
    first: string | MaybeLazyMiddleware<State>,
    ...rest: MaybeLazyMiddleware<State>[]
  ): this {
    const [pattern, fns] = typeof first === "string" ? [first, rest] : ["*", [first, ...rest]];
    return this.#add({ type: "middleware", pattern, own: true, fns });
  }

  /** Answers every 404. */
  notFound(routeOrMiddleware: Route<State> | Middleware<State>): this {
    return this.#add({ type: "notFound", route: toRoute(routeOrMiddleware) });
  }

  /** Answers what is thrown at or below `path`. The error is `ctx.error`. */
  onError(path: string, routeOrMiddleware: Route<State> | Middleware<State>): this {
    return this.#add({
      type: "error",
      pattern: path,
      own: true,
      route: toRoute(routeOrMiddleware),
    });
  }

  /** Sets the outermost component of every page. */
  appWrapper(component: RouteComponent<State>): this {
    return this.#add({ type: "app", component });
  }

  /** Adds a component around the pages at and below `path`. */
  layout(path: string, component: RouteComponent<State>, config?: LayoutConfig): this {
    return this.#add({
      type: "layout",
      pattern: path,
      own: true,
      component,
      config,
    });
  }

  /** Adds a page with handlers. */
  route(path: string, route: MaybeLazy<Route<State>>, config?: RouteConfig): this {
    return this.#add({
      type: "route",
      pattern: path,
      own: true,
      route,
      config,
    });
  }

  #handler(method: Method | "ALL", pattern: string, fns: MaybeLazy<Middleware<State>>[]): this {
    return this.#add({
      type: "handler",
      pattern,
      own: true,
      method,
      fns: fns as MaybeLazyMiddleware<State>[],
    });
  }

  /** Answers GET, and HEAD where nothing else does. */
  get(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("GET", path, middlewares);
  }

  /** Answers POST. */
  post(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("POST", path, middlewares);
  }

  /** Answers PATCH. */
  patch(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("PATCH", path, middlewares);
  }

  /** Answers PUT. */
  put(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("PUT", path, middlewares);
  }

  /** Answers DELETE. */
  delete(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("DELETE", path, middlewares);
  }

  /** Answers HEAD. */
  head(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("HEAD", path, middlewares);
  }

  /** Answers every method. */
  all(path: string, ...middlewares: MaybeLazy<Middleware<State>>[]): this {
    return this.#handler("ALL", path, middlewares);
  }

  /** Answers WebSocket requests. One without an upgrade gets a 400. */
  ws(path: string, handlers: WebSocketHandlers, options?: WebSocketUpgradeOptions): this {
    return this.get(path, (ctx) => ctx.upgrade(handlers, options));
  }

  /** Adds the routes of the routes folder here, below `pattern`. They come from the build that is applied. */
  fsRoutes(pattern = "*"): this {
    return this.#add({
      type: "fsRoutes",
      pattern,
      own: false,
      commands: () => this.#build()?.routes() ?? [],
    });
  }

  /** Adds everything of another app below `path`. */
  mountApp(path: string, app: App<State>): this {
    for (const command of app.#commands) {
      if (command.type === "app" || command.type === "notFound") {
        this.#commands.push(command);
        continue;
      }
      const inner = app.config.basePath ? joinPath(app.config.basePath, command.pattern, false) : command.pattern;
      this.#commands.push({
        ...command,
        pattern: joinPath(path, inner, true),
        own: command.own || command.pattern === "/",
      });
    }
    app.#build = () => this.#build();
    return this;
  }

  /** Makes the function that answers requests, for `Deno.serve` and for tests. */
  handler(): (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> {
    const build = this.#build() ?? emptyBuildCache<State>();
    const router = new Router<Middleware<State>>();
    const unrouted = applyCommands(router, this.#commands, this.config.basePath, build.onError ?? (() => {}));

    return async (req, info = TEST_CONNECTION) => {
      const url = this.#urlOf(req);
      // A Host header that is none. Thrown, it would be in the log, word by word.
      if (url === null) return new Response(null, { status: 400 });
      const method = req.method.toUpperCase() as Method;
      const { item, pattern, params } = router.match(method, url);
      const end = pattern === null || item !== null
        ? () => Promise.reject(new HttpError(404))
        : method === "OPTIONS"
        ? () => Promise.resolve(allowed(router.methodsOf(pattern)))
        : () => Promise.reject(new HttpError(405));
      const ctx = new Context<State>(req, url, info, pattern, params, this.config, end, build);
      try {
        const response = await (item ?? unrouted)(ctx);
        if (!(response instanceof Response)) {
          throw new TypeError(
            `Expected a "Response" instance to be returned, but got: ${response}`,
          );
        }
        return method === "HEAD" && response.body !== null ? new Response(null, response) : response;
      } catch (error) {
        ctx.error = error;
        return answerError(error, build);
      }
    };
  }

  #urlOf(req: Request): URL | null {
    const url = URL.parse(req.url);
    if (url === null) return null;
    // "//host/path" in a later redirect would leave this site.
    url.pathname = url.pathname.replace(/\/+/g, "/");
    if (this.config.trustProxy) {
      const protocol = req.headers.get("x-forwarded-proto");
      const host = req.headers.get("x-forwarded-host");
      if (protocol) url.protocol = `${protocol}:`;
      if (host) url.host = host;
    }
    return url;
  }

  /** Starts to serve the app and returns. Without a port it takes the first free one from 8000 to 8019. */
  async listen(options: ListenOptions = {}): Promise<void> {
    await serve(this.handler(), options, this.config.basePath);
  }
}

/** Starts a server on the given port, or on the first free one from 8000 to 8019. */
// deno-lint-ignore require-await -- what Deno.serve throws becomes a rejection
export async function serve(
  handler: (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response>,
  options: ListenOptions,
  basePath: string,
): Promise<Deno.HttpServer> {
  const onListen = options.onListen ??
    ((address: Deno.NetAddr) => announce(address, basePath, options));
  const start = (port: number) => Deno.serve({ ...options, onListen, port } as Deno.ServeTcpOptions, handler);
  if (options.port !== undefined) return start(options.port);
  for (let port = FIRST_PORT;; port++) {
    try {
      return start(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || port === LAST_PORT) {
        throw error;
      }
    }
  }
}

/** `ctx.info` of a request that did not come over a socket. */
const TEST_CONNECTION: Deno.ServeHandlerInfo = {
  localAddr: { transport: "tcp", hostname: "localhost", port: 8080 },
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
} as Deno.ServeHandlerInfo;

function toRoute<State>(routeOrMiddleware: Route<State> | Middleware<State>): Route<State> {
  return typeof routeOrMiddleware === "function" ? { handler: routeOrMiddleware } : routeOrMiddleware;
}

function allowed(methods: Method[]): Response {
  return new Response(null, {
    status: 204,
    headers: { Allow: methods.join(", ") },
  });
}

/** The answer where no error page applies. Only an `HttpError` says more than that something failed. */
function answerError(error: unknown, build: { errorPage?: (error: unknown) => Response }): Response {
  const isHttp = error instanceof HttpError;
  if (isHttp && error.status < 500) {
    return new Response(error.message || STATUS_CODES[error.status], {
      status: error.status,
    });
  }
  // deno-lint-ignore no-console -- the only place where an unexpected error becomes known
  console.error(error);
  if (build.errorPage !== undefined) return build.errorPage(error);
  return isHttp
    ? new Response(error.message || STATUS_CODES[error.status], {
      status: error.status,
    })
    : new Response("Internal server error", { status: 500 });
}

function announce(address: Deno.NetAddr, basePath: string, options: ListenOptions): void {
  const scheme = options.key && options.cert ? "https" : "http";
  const isAny = address.hostname === "0.0.0.0" || address.hostname === "::";
  const host = isAny ? "localhost" : address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  // deno-lint-ignore no-console -- tells where the server is
  console.log(
    `Fresh stand-in ready at ${scheme}://${host}:${address.port}${basePath}/ (build ${BUILD_ID})`,
  );
}
