import { type App, setBuildCache } from "../app.ts";
import type { BuildCache } from "../types.ts";
import { bundleErrors, stopBundler } from "./bundle.ts";

/** URL paths of the development server's own answers. */
const RELOAD_SCRIPT = "/_frsh/reload.js";
const ALIVE = "/_frsh/alive";

/** Changes within this time count as one. */
const SETTLE_MS = 50;

/** The ports that are tried if none is given. */
const FIRST_PORT = 8000;
const LAST_PORT = 8019;

/** Passed on to `Deno.serve`. */
export type ListenOptions = Partial<Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem>;

/** Reloads the page when the server reports a new revision, also after a restart. Runs in the browser. */
const RELOAD_SCRIPT_TEXT = `let revision;
function connect(waitMs) {
  const url = new URL("./alive", import.meta.url);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    waitMs = 100;
    if (revision !== undefined && revision !== data) location.reload();
    revision = data;
  };
  socket.onclose = () => setTimeout(() => connect(Math.min(waitMs * 1.5, 2000)), waitMs);
}
connect(100);
`;

/** Settings of {@linkcode startDevServer}. */
export interface DevServerSettings<State> {
  options: ListenOptions;
  /** The folder whose changes reload the page without a restart. */
  watched: string;
  /** Loads and builds the app. */
  load: () => Promise<{ app: App<State>; build: BuildCache<State> }>;
}

/** Starts a server for the app, or for a page that says why the app could not be loaded. Returns once it listens. */
export async function startDevServer<State>({ options, watched, load }: DevServerSettings<State>): Promise<void> {
  const sockets = new Set<WebSocket>();
  let revision = String(Date.now());
  let answer: (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response>;
  try {
    const { app, build } = await load();
    setBuildCache(app, { ...build, reloadScript: RELOAD_SCRIPT });
    answer = app.handler();
  } catch (error) {
    const reason = await bundleErrors(error) ?? (error instanceof Error ? error.stack ?? error.message : String(error));
    // deno-lint-ignore no-console -- for the developer at the terminal
    console.error(reason);
    answer = () => Promise.resolve(errorPage("The app could not be loaded", reason));
  } finally {
    await stopBundler();
  }

  const stopWatching = watchFolder(watched, () => {
    revision = String(Date.now());
    for (const socket of sockets) socket.send(revision);
  });

  const server = serve(async (request, info) => {
    const { pathname } = new URL(request.url);
    if (pathname === RELOAD_SCRIPT) {
      return new Response(RELOAD_SCRIPT_TEXT, {
        headers: { "Content-Type": "text/javascript; charset=UTF-8", "Cache-Control": "no-store" },
      });
    }
    if (pathname !== ALIVE) return await answer(request, info);
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return new Response(null, { status: 501 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => {
      sockets.add(socket);
      socket.send(revision);
    };
    socket.onclose = () => sockets.delete(socket);
    return response;
  }, options);
  options.signal?.addEventListener("abort", stopWatching);
  server.finished.then(stopWatching);
}

/** Starts a server on the given port, or on the first free one from 8000 to 8019. */
function serve(handler: Deno.ServeHandler<Deno.NetAddr>, options: ListenOptions): Deno.HttpServer {
  const start = (port: number) => Deno.serve({ onListen: announce, ...options, port } as Deno.ServeTcpOptions, handler);
  if (options.port !== undefined) return start(options.port);
  for (let port = FIRST_PORT;; port++) {
    try {
      return start(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || port === LAST_PORT) throw error;
    }
  }

  function announce({ hostname, port }: Deno.NetAddr): void {
    const scheme = options.key && options.cert ? "https" : "http";
    const isAny = hostname === "0.0.0.0" || hostname === "::";
    const host = isAny ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
    // deno-lint-ignore no-console -- tells where the server is
    console.log(`Fresh stand-in ready at ${scheme}://${host}:${port}/`);
  }
}

/** A page that tells a developer what failed, and reloads when the server is back. Works under any CSP. */
function errorPage(title: string, reason: string): Response {
  const html = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}pre{white-space:pre-wrap}</style>
</head>
<body><h1>${title}</h1><pre>${reason.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)}</pre>
<script type="module" src="${RELOAD_SCRIPT}"></script></body>
</html>
`;
  return new Response(html, { status: 500, headers: { "Content-Type": "text/html; charset=utf-8" } });
}

/** Calls `changed` after files in the folder changed, until the returned function is called. */
function watchFolder(folder: string, changed: () => void): () => void {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return () => {};
    throw error;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  (async () => {
    for await (const { kind } of watcher) {
      if (kind === "access") continue;
      clearTimeout(timer);
      timer = setTimeout(changed, SETTLE_MS);
    }
  })();
  let isWatching = true;
  return () => {
    clearTimeout(timer);
    if (isWatching) watcher.close();
    isWatching = false;
  };
}
