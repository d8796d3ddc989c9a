import { assert, assertEquals } from "@std/assert";
import { type CacheStorageLike, PageCache } from "../../lib/offline/page_cache.ts";
import { PAGE_CACHE } from "../../lib/offline/strategy.ts";
import { OFFLINE_PATH } from "../../lib/shared/page_paths.ts";

const ORIGIN = "https://chat.example";

const addressOf = (request: RequestInfo | URL) =>
  new URL(request instanceof Request ? request.url : request, ORIGIN).href;

/** A cache in memory, in the order of a browser's. */
class MemoryShelf implements CacheStorageLike {
  readonly #kept = new Map<string, Response>();

  match(request: RequestInfo | URL): Promise<Response | undefined> {
    return Promise.resolve(this.#kept.get(addressOf(request))?.clone());
  }
  put(request: RequestInfo | URL, response: Response): Promise<void> {
    this.#kept.set(addressOf(request), response);
    return Promise.resolve();
  }
  delete(request: RequestInfo | URL): Promise<boolean> {
    return Promise.resolve(this.#kept.delete(addressOf(request)));
  }
  keys(): Promise<Request[]> {
    return Promise.resolve(Array.from(this.#kept.keys(), (url) => new Request(url)));
  }
  get paths(): string[] {
    return Array.from(this.#kept.keys(), (url) => url.slice(ORIGIN.length));
  }
}

/** room.js needs one module and may load two more, one of which needs a third. */
const MODULES: Record<string, string> = {
  "Room.js": `import"./chunk.js";const a=()=>import("./Share.js"),b=()=>import("./chunk.js")`,
  "chunk.js": ``,
  "Share.js": `import"./qr.js"`,
  "qr.js": ``,
};
const IMMUTABLE = { "cache-control": "public, max-age=31536000, immutable" };

const noNetwork = () => Promise.reject(new TypeError("no network"));
const answers = (status: number) => () =>
  new Response(`status ${status}`, { status, headers: { "content-type": "text/html" } });

/** A browser with one server. `answer` may be replaced, e.g. by a slow or failing one. */
function setUp() {
  const [pages, assets] = [new MemoryShelf(), new MemoryShelf()];
  const asked: string[] = [];
  const beside: Promise<unknown>[] = [];
  const server = {
    build: "1",
    answer(path: string): Response | Promise<Response> {
      if (path.startsWith("/_fresh/")) return new Response(MODULES[path.split("/").at(-1)!], { headers: IMMUTABLE });
      const html = `<script nonce="n">import "/_fresh/js/${server.build}/Room.js"</script>${path} of ${server.build}`;
      const policy = "script-src 'nonce-n'";
      const headers = { "content-type": "text/html", "content-security-policy": policy, "set-cookie": "d=1" };
      return new Response(html, { headers });
    },
  };
  let giveUp = () => {};
  const keeper = new PageCache({
    origin: ORIGIN,
    caches: { open: (name) => Promise.resolve(name === PAGE_CACHE ? pages : assets) },
    fetch: async (request) => {
      const path = addressOf(request).slice(ORIGIN.length);
      asked.push(path);
      return await server.answer(path);
    },
    wait: () => new Promise((resolve) => giveUp = () => resolve(undefined)),
  });
  const open = (path: string) => keeper.page(new Request(ORIGIN + path), (work) => beside.push(work));
  const settled = async () => {
    while (beside.length > 0) await beside.pop();
  };
  const read = async (response: Response) =>
    response.type === "error" ? "nothing" : (await response.text()).replace(/<.*>/, "");
  return {
    server,
    asked,
    keeper,
    pages,
    assets,
    open,
    read,
    settled,
    /** Lets the time limit of the last page request pass. */
    giveUp: () => giveUp(),
    /** The page shown for this path, after all background work is done. */
    async visit(path: string): Promise<string> {
      const text = await read(await open(path));
      await settled();
      return text;
    },
  };
}

Deno.test("a visited page opens offline, with its own headers and no cookie", async () => {
  const { visit, open, server, pages } = setUp();
  assertEquals(await visit("/r/x"), "/r/x of 1");
  server.answer = noNetwork;
  assertEquals(await visit("/r/x"), "/r/x of 1");
  const { headers } = await open("/r/x");
  assertEquals(headers.get("content-security-policy"), "script-src 'nonce-n'");
  assertEquals(headers.get("set-cookie"), null);
  assertEquals(pages.paths, ["/r/x"]);
});

Deno.test("a page is cached with the modules it needs to start, or not at all", async () => {
  const { visit, server, assets } = setUp();
  await visit("/r/x");
  assertEquals(assets.paths, ["/_fresh/js/1/Room.js", "/_fresh/js/1/chunk.js"]);
  const { answer } = server;
  server.build = "2";
  server.answer = (path) => path.endsWith("chunk.js") ? answers(404)() : answer(path);
  assertEquals(await visit("/r/x"), "/r/x of 2");
  server.answer = noNetwork;
  assertEquals(await visit("/r/x"), "/r/x of 1");
});

Deno.test("on a slow network the cached page is shown, and the late answer is cached", async () => {
  const { visit, open, read, settled, server, giveUp } = setUp();
  await visit("/r/x");
  const late = Promise.withResolvers<void>(), asked = Promise.withResolvers<void>();
  const { answer } = server;
  server.build = "2";
  server.answer = async (path) => {
    asked.resolve();
    await late.promise;
    return answer(path);
  };
  const opening = open("/r/x");
  await asked.promise;
  giveUp();
  assertEquals(await read(await opening), "/r/x of 1");
  late.resolve();
  await settled();
  server.answer = noNetwork;
  assertEquals(await visit("/r/x"), "/r/x of 2");
});

Deno.test("on a server error the cached page is shown and kept", async () => {
  const { visit, server } = setUp();
  await visit("/r/x");
  server.answer = answers(503);
  for (let times = 0; times < 2; times++) assertEquals(await visit("/r/x"), "/r/x of 1");
  assertEquals(await visit("/r/y"), "status 503");
});

Deno.test("a deleted room is shown as such, and its cached page is deleted", async () => {
  const { visit, server, pages } = setUp();
  await visit("/r/x");
  server.answer = answers(404);
  assertEquals(await visit("/r/x"), "status 404");
  assertEquals(pages.paths, []);
});

Deno.test("instead of a page that is not cached, the offline page or the browser's own is shown", async () => {
  const { visit, server, keeper } = setUp();
  const { answer } = server;
  server.answer = noNetwork;
  assertEquals(await visit("/r/y"), "nothing");
  server.answer = answer;
  await keeper.cacheOpenPage("/r/x", false);
  server.answer = noNetwork;
  assertEquals(await visit("/r/y"), "/offline of 1");
});

Deno.test("an open page and the offline page are cached; later modules only with `ahead`", async () => {
  const { keeper, pages, assets } = setUp();
  await keeper.cacheOpenPage("/r/x", false);
  assertEquals(pages.paths, ["/r/x", OFFLINE_PATH]);
  assertEquals(assets.paths, ["/_fresh/js/1/Room.js", "/_fresh/js/1/chunk.js"]);
  await keeper.cacheOpenPage("/r/x", true);
  assertEquals(assets.paths.slice(2), ["/_fresh/js/1/Share.js", "/_fresh/js/1/qr.js"]);
});

Deno.test("nothing is loaded twice, and nothing is cached for other paths", async () => {
  const { keeper, asked } = setUp();
  await keeper.cacheOpenPage("/r/x", true);
  assertEquals(asked.length, new Set(asked).size);
  const before = asked.length;
  for (const path of ["/r/x", "/api/rooms", "https://elsewhere.example/"]) await keeper.cacheOpenPage(path, true);
  assertEquals(asked.length, before);
});

Deno.test("after a new build cached pages are reloaded and files of unused builds are deleted", async () => {
  const { keeper, server, visit, pages, assets } = setUp();
  await keeper.cacheOpenPage("/r/x", true);
  await keeper.cacheOpenPage("/r/y", true);
  for (const build of ["2", "3"]) {
    server.build = build;
    await visit("/r/y");
    await keeper.cacheOpenPage("/r/y", true);
  }
  const builds = new Set(assets.paths.map((path) => path.split("/")[3]));
  assertEquals([...builds], ["2", "3"]);
  server.answer = noNetwork;
  for (const path of ["/r/x", "/r/y", "/r/z"]) assert((await visit(path)).endsWith("of 3"), path);
  assertEquals(pages.paths.toSorted(), [OFFLINE_PATH, "/r/x", "/r/y"]);
});

Deno.test("a file is requested once, unless it may change, as in development", async () => {
  const { keeper, server, asked } = setUp();
  const load = (path: string) => keeper.asset(new Request(ORIGIN + path), () => {});
  for (let times = 0; times < 2; times++) await (await load("/_fresh/js/1/Room.js")).text();
  assertEquals(asked.length, 1);
  server.answer = () => new Response("body {}", { headers: { "cache-control": "no-store" } });
  for (let times = 0; times < 2; times++) assertEquals(await (await load("/styles.css?__frsh_c=1")).text(), "body {}");
  assertEquals(asked.length, 3);
});
