import { type App, type ListenOptions, serve, setBuildCache } from "../app.ts";
import type { BuildCache } from "../build_cache.ts";
import { bundleErrors, stopBundler } from "./bundle.ts";
import { errorPage } from "./error_page.ts";

/** URL paths of the development server's own answers, below the app's base path. */
const RELOAD_SCRIPT = "/_frsh/reload.js";
const ALIVE = "/_frsh/alive";

/** Changes that come within this time are one change. */
const SETTLE_MS = 50;

/** Reloads the page when the server says another revision, also after the server was away. Runs in the browser. */
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
  /** Folders whose changes reload the page without a restart. */
  watched: readonly string[];
  /** Loads and builds the app. */
  load: () => Promise<{ app: App<State>; build: BuildCache<State> }>;
}

/** Starts a server for the app, or for the reason why there is none. Returns when it listens. */
export async function startDevServer<State>({ options, watched, load }: DevServerSettings<State>): Promise<void> {
  const sockets = new Set<WebSocket>();
  let revision = String(Date.now());
  let basePath = "";
  let answer: (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response>;
  try {
    const { app, build } = await load();
    basePath = app.config.basePath;
    const showError = (error: unknown) => errorPage("The page failed", describe(error), basePath + RELOAD_SCRIPT);
    setBuildCache(app, {
      ...build,
      reloadEntry: RELOAD_SCRIPT,
      errorPage: showError,
    }, "development");
    answer = app.handler();
  } catch (error) {
    const reason = await bundleErrors(error) ?? describe(error);
    // deno-lint-ignore no-console -- also for whoever looks at the terminal
    console.error(reason);
    answer = () => Promise.resolve(errorPage("The app could not be loaded", reason, RELOAD_SCRIPT));
  } finally {
    await stopBundler();
  }

  const stopWatching = watchFolders(watched, () => {
    revision = String(Date.now());
    for (const socket of sockets) socket.send(revision);
  });

  const server = await serve(
    async (request, info) => {
      const { pathname } = new URL(request.url);
      if (pathname === basePath + RELOAD_SCRIPT) {
        return script(RELOAD_SCRIPT_TEXT);
      }
      if (pathname !== basePath + ALIVE) return await answer(request, info);
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        return new Response(null, { status: 501 });
      }
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => {
        sockets.add(socket);
        socket.send(revision);
      };
      socket.onclose = () => sockets.delete(socket);
      return response;
    },
    options,
    basePath,
  );
  options.signal?.addEventListener("abort", stopWatching);
  server.finished.then(stopWatching);
}

function script(text: string): Response {
  return new Response(text, {
    headers: {
      "Content-Type": "text/javascript; charset=UTF-8",
      "Cache-Control": "no-store",
    },
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? `${error.name}: ${error.message}` : String(error);
}

/** Calls `changed` after files in the folders changed, until the returned function is called. */
function watchFolders(folders: readonly string[], changed: () => void): () => void {
  const existing = folders.filter((folder) => {
    try {
      return Deno.statSync(folder).isDirectory;
    } catch {
      return false;
    }
  });
  if (existing.length === 0) return () => {};
  const watcher = Deno.watchFs(existing);
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
