import { STATUS_CODES } from "node:http";
import { RequestContext } from "./context.ts";
import { HttpError } from "./error.ts";
import { METHODS } from "./routing/router.ts";
import { routesOf } from "./routing/routing.ts";
import type { BuildCache, Command, Method, Middleware, Route } from "./types.ts";

/** Gives an app the build that it answers from. Internal. */
export let setBuildCache: <State>(app: App<State>, build: BuildCache<State>) => void;

/** Passes requests through middlewares to routes, in the order in which both were added. */
export class App<State> {
  #commands: Command<State>[] = [];
  #build: BuildCache<State> = NO_BUILD;

  static {
    setBuildCache = (app, build) => {
      app.#build = build;
    };
  }

  #add(command: Command<State>): this {
    this.#commands.push(command);
    return this;
  }

  /** Adds middlewares for every path, or for those below `path`. They apply to everything added after them. */
  use(...middleware: Middleware<State>[]): this;
  use(path: string, ...middleware: Middleware<State>[]): this;
  use(first: string | Middleware<State>, ...rest: Middleware<State>[]): this {
    return typeof first === "string"
      ? this.#add({ type: "middleware", folder: folderOf(first), fns: rest })
      : this.#add({ type: "middleware", folder: "", fns: [first, ...rest] });
  }

  /** Adds a page with handlers. */
  route(path: string, route: Route<State>): this {
    return this.#add({ type: "route", folder: folderOf(path), path, route });
  }

  /** Answers GET, and HEAD where no other handler does. */
  get(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#add({ type: "handler", folder: folderOf(path), path, methods: ["GET"], fns: middlewares });
  }

  /** Answers every method. */
  all(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#add({ type: "handler", folder: folderOf(path), path, methods: METHODS, fns: middlewares });
  }

  /** Adds the routes of the routes folder here. They come from the build. */
  fsRoutes(): this {
    return this.#add({ type: "fsRoutes" });
  }

  /** Makes the function that answers requests, for `Deno.serve` and for tests. */
  handler(): (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> {
    const build = this.#build;
    const commands = this.#commands.flatMap((command) => command.type === "fsRoutes" ? build.routes() : [command]);
    const { router, unrouted, appWrapper } = routesOf(commands);

    return async (req, info = TEST_CONNECTION) => {
      const url = URL.parse(req.url);
      // The Host header is invalid. A thrown error would put it into the log, word by word.
      if (url === null) return new Response(null, { status: 400 });
      // "//host/path" in a later redirect would leave this site.
      url.pathname = url.pathname.replace(/\/+/g, "/");
      const method = req.method.toUpperCase() as Method;
      const { item, pattern, params } = router.match(method, url);
      const end = pattern === null || item !== null
        ? () => Promise.reject(new HttpError(404))
        : method === "OPTIONS"
        ? () => Promise.resolve(allowed(router.methodsOf(pattern)))
        : () => Promise.reject(new HttpError(405));
      const ctx = new RequestContext<State>(req, url, info, pattern, params, end, { appWrapper, build });
      try {
        const response = await (item ?? unrouted)(ctx);
        if (!(response instanceof Response)) {
          throw new TypeError(`Expected a "Response" instance to be returned, but got: ${response}`);
        }
        return method === "HEAD" && response.body !== null ? new Response(null, response) : response;
      } catch (error) {
        return answerError(error);
      }
    };
  }
}

/** For an app without a build, as in tests of handlers: no file routes, no islands, no static files. */
const NO_BUILD: BuildCache = {
  mode: "production",
  islands: new Map(),
  runtime: [],
  routes: () => [],
  readFile: () => Promise.resolve(null),
};

/** `ctx.info` of a request that did not come over a socket. */
const TEST_CONNECTION: Deno.ServeHandlerInfo = {
  localAddr: { transport: "tcp", hostname: "localhost", port: 8080 },
  remoteAddr: { transport: "tcp", hostname: "localhost", port: 1234 },
  completed: Promise.resolve(),
} as Deno.ServeHandlerInfo;

/** A path as a folder of middlewares: "/" and "*" are the root. */
function folderOf(path: string): string {
  return path.replace(/\/?\*?$/, "");
}

function allowed(methods: Method[]): Response {
  return new Response(null, { status: 204, headers: { Allow: methods.join(", ") } });
}

/** Answers an error that no middleware handled. Only an `HttpError` says more than that something failed. */
function answerError(error: unknown): Response {
  const isHttp = error instanceof HttpError;
  const status = isHttp ? error.status : 500;
  // deno-lint-ignore no-console -- the only place where an unexpected error becomes known
  if (status >= 500) console.error(error);
  return new Response(isHttp ? error.message || STATUS_CODES[status] : "Internal server error", { status });
}
