import { type FunctionComponent, isValidElement, type VNode } from "preact";
import type { BuildCache } from "./build_cache.ts";
import type { RouteComponent } from "./component.ts";
import type { ResolvedFreshConfig } from "./config.ts";
import { HttpError } from "./error.ts";
import { renderPage } from "./render.ts";
import type { LayoutConfig } from "./types.ts";

/** Query parameter of a request for parts of a page only. */
const PARTIAL_SEARCH_PARAM = "fresh-partial";

/** What a socket's events call. Each is optional. */
export interface WebSocketHandlers {
  open?(socket: WebSocket): void;
  message?(socket: WebSocket, event: MessageEvent): void;
  close?(socket: WebSocket, code: number, reason: string): void;
  error?(socket: WebSocket, event: Event | ErrorEvent): void;
}

/** Passed on to `Deno.upgradeWebSocket`. */
export interface WebSocketUpgradeOptions {
  /** Seconds without a pong after which the socket is closed. Default: 120. */
  idleTimeout?: number;
  /** The sub-protocol to agree on. */
  protocol?: string;
}

/** Older name of {@linkcode Context}. */
export type FreshContext<State = unknown> = Context<State>;

/** What one request has gathered on its way: the wrappers of its page and the build it is answered from. */
export interface RequestState<State> {
  app: RouteComponent<State> | null;
  layouts: RouteComponent<State>[];
  readonly build: BuildCache<State>;
}

const requests = new WeakMap<object, RequestState<never>>();

/** The framework's own notes about a request. Internal. */
export function requestState<State>(ctx: Context<State>): RequestState<State> {
  return requests.get(ctx) as RequestState<State>;
}

/** One request on its way through middlewares to its answer. */
export class Context<State> {
  readonly config: ResolvedFreshConfig;
  /** The request's URL; doubled slashes in its path are already one. */
  readonly url: URL;
  req: Request;
  /** The pattern that matched, or null. */
  readonly route: string | null;
  /** The dynamic parts of the path. */
  readonly params: Record<string, string>;
  /** What middlewares hand to those after them. */
  readonly state: State = {} as State;
  data: unknown = undefined;
  /** What was thrown, in an error page; else null. */
  error: unknown | null = null;
  readonly info: Deno.ServeHandlerInfo;
  readonly isPartial: boolean;
  /** Calls what comes after this middleware. */
  next: () => Promise<Response>;
  /** In a layout or app wrapper: shows what is inside it. */
  Component!: FunctionComponent;

  constructor(
    req: Request,
    url: URL,
    info: Deno.ServeHandlerInfo,
    route: string | null,
    params: Record<string, string>,
    config: ResolvedFreshConfig,
    next: () => Promise<Response>,
    build: BuildCache<State>,
  ) {
    this.req = req;
    this.url = url;
    this.info = info;
    this.route = route;
    this.params = params;
    this.config = config;
    this.next = next;
    this.isPartial = url.searchParams.has(PARTIAL_SEARCH_PARAM);
    const state: RequestState<State> = { app: null, layouts: [], build };
    requests.set(this, state as RequestState<never>);
  }

  /** Answers with a redirect. A path that starts with "//" stays on this site. */
  redirect(pathOrUrl: string, status = 302): Response {
    let location = pathOrUrl;
    if (location.startsWith("/")) {
      const pathEnd = location.search(/[?#]/);
      const path = pathEnd === -1 ? location : location.slice(0, pathEnd);
      location = path.replace(/\/+/g, "/") +
        (pathEnd === -1 ? "" : location.slice(pathEnd));
    }
    return new Response(null, { status, headers: { location } });
  }

  /** Answers with JSX as a page, inside the layouts and app wrapper that apply here. */
  // deno-lint-ignore no-explicit-any -- any element may be shown
  render(vnode: VNode<any> | null, init: ResponseInit = {}, config: LayoutConfig = {}): Promise<Response> {
    if (arguments.length === 0) {
      return Promise.reject(new Error("No arguments passed to: ctx.render()"));
    }
    if (vnode !== null && !isValidElement(vnode)) {
      return Promise.reject(new Error("Non-JSX element passed to: ctx.render()"));
    }
    return renderPage(this, vnode, init, config);
  }

  /** Answers with plain text. */
  text(content: string, init?: ResponseInit): Response {
    return new Response(content, init);
  }

  /** Answers with a string of HTML. */
  html(content: string, init?: ResponseInit): Response {
    const headers = new Headers(init?.headers);
    headers.set("Content-Type", "text/html; charset=utf-8");
    return new Response(content, { ...init, headers });
  }

  /** Answers with JSON. */
  // deno-lint-ignore no-explicit-any -- as Response.json()
  json(content: any, init?: ResponseInit): Response {
    return Response.json(content, init);
  }

  /** Answers with what an iterable yields, piece by piece; strings are sent as UTF-8. */
  stream<U extends string | Uint8Array>(
    stream:
      | Iterable<U>
      | AsyncIterable<U>
      | (() => Iterable<U> | AsyncIterable<U>),
    init?: ResponseInit,
  ): Response {
    const encoder = new TextEncoder();
    const source = typeof stream === "function" ? stream() : stream;
    const body = ReadableStream.from(source).pipeThrough(
      new TransformStream<U, Uint8Array>({
        transform: (chunk, out) => out.enqueue(chunk instanceof Uint8Array ? chunk : encoder.encode(String(chunk))),
      }),
    );
    return new Response(body as BodyInit, init);
  }

  /**
   * Makes a WebSocket of this request. With handlers it returns the answer; without, the socket and the answer.
   * Throws a 400 `HttpError` when the request asks for no upgrade.
   */
  upgrade(options?: WebSocketUpgradeOptions): { socket: WebSocket; response: Response };
  upgrade(handlers: WebSocketHandlers, options?: WebSocketUpgradeOptions): Response;
  upgrade(
    first?: WebSocketHandlers | WebSocketUpgradeOptions,
    second?: WebSocketUpgradeOptions,
  ): { socket: WebSocket; response: Response } | Response {
    if (this.req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new HttpError(400, "Expected a WebSocket upgrade request");
    }
    if (!hasSocketHandler(first)) return Deno.upgradeWebSocket(this.req, first);
    const { socket, response } = Deno.upgradeWebSocket(this.req, second);
    const { open, message, close, error } = first;
    if (open) socket.addEventListener("open", () => open.call(first, socket));
    if (message) {
      socket.addEventListener("message", (event) => message.call(first, socket, event));
    }
    if (close) {
      socket.addEventListener("close", (event) => close.call(first, socket, event.code, event.reason));
    }
    if (error) {
      socket.addEventListener("error", (event) => error.call(first, socket, event));
    }
    return response;
  }
}

function hasSocketHandler(value: WebSocketHandlers | WebSocketUpgradeOptions | undefined): value is WebSocketHandlers {
  if (value === undefined) return false;
  return (["open", "message", "close", "error"] as const).some((name) =>
    typeof (value as WebSocketHandlers)[name] === "function"
  );
}
