import { type FunctionComponent, isValidElement, type VNode } from "preact";
import { HttpError } from "./error.ts";
import { renderPage } from "./render/render.ts";
import { type RequestState, setRequestState } from "./request_state.ts";
import type { Context, WebSocketUpgradeOptions } from "./types.ts";

/** {@linkcode Context} as the app makes it for each request. */
export class RequestContext<State> implements Context<State> {
  readonly state: State = {} as State;
  Component!: FunctionComponent;

  constructor(
    public req: Request,
    readonly url: URL,
    readonly info: Deno.ServeHandlerInfo,
    readonly route: string | null,
    readonly params: Record<string, string>,
    public next: () => Promise<Response>,
    state: RequestState<State>,
  ) {
    setRequestState(this, state);
  }

  redirect(pathOrUrl: string, status = 302): Response {
    let location = pathOrUrl;
    if (location.startsWith("/")) {
      const pathEnd = location.search(/[?#]/);
      const path = pathEnd === -1 ? location : location.slice(0, pathEnd);
      location = path.replace(/\/+/g, "/") + (pathEnd === -1 ? "" : location.slice(pathEnd));
    }
    return new Response(null, { status, headers: { location } });
  }

  // deno-lint-ignore no-explicit-any -- any element may be shown
  render(vnode: VNode<any> | null, init: ResponseInit = {}): Promise<Response> {
    if (arguments.length === 0) return Promise.reject(new Error("No arguments passed to: ctx.render()"));
    if (vnode !== null && !isValidElement(vnode)) {
      return Promise.reject(new Error("Non-JSX element passed to: ctx.render()"));
    }
    return Promise.resolve(renderPage(this, vnode, init));
  }

  html(content: string, init?: ResponseInit): Response {
    const headers = new Headers(init?.headers);
    headers.set("Content-Type", "text/html; charset=utf-8");
    return new Response(content, { ...init, headers });
  }

  upgrade(options?: WebSocketUpgradeOptions): { socket: WebSocket; response: Response } {
    if (this.req.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new HttpError(400, "Expected a WebSocket upgrade request");
    }
    return Deno.upgradeWebSocket(this.req, options);
  }
}
