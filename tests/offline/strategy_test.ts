import { assertEquals } from "@std/assert";
import {
  assetsIn,
  buildOf,
  BUILDS_MAX,
  type CachedPage,
  isCachedPath,
  modulesIn,
  PAGES_MAX,
  type Strategy,
  strategyOf,
  surplus,
} from "../../lib/offline/strategy.ts";
import { OFFLINE_PATH } from "../../lib/shared/page_paths.ts";

const ORIGIN = "https://chat.example";

const REQUESTS: [Strategy, string, RequestMode, string][] = [
  ["page", "GET", "navigate", "/"],
  ["page", "GET", "navigate", "/?from=poster"],
  ["page", "GET", "navigate", "/r/cosmic-stage-417"],
  ["page", "GET", "navigate", "/s/9yQlo4z3ZYKJDLPKwcHAVQ#key"],
  ["network", "GET", "navigate", "/r?code=cosmic"],
  ["network", "GET", "navigate", "/r/"],
  ["network", "GET", "navigate", "/r/a/b"],
  ["network", "GET", "navigate", "/health"],
  ["page", "GET", "navigate", "/offline"],
  ["network", "GET", "cors", "/r/cosmic-stage-417"],
  ["network", "GET", "cors", "/api/rooms"],
  ["network", "POST", "cors", "/api/rooms/9yQlo4z3ZYKJDLPKwcHAVQ/poll"],
  ["network", "GET", "cors", "/health"],
  ["network", "GET", "same-origin", "/sw.js"],
  ["network", "GET", "cors", "/manifest.webmanifest"],
  ["asset", "GET", "cors", "/_fresh/js/5e5012ba372b0680/Room.js"],
  ["asset", "GET", "no-cors", "/styles.css?__frsh_c=5e5012ba372b0680"],
  ["network", "HEAD", "cors", "/_fresh/js/5e5012ba372b0680/Room.js"],
  ["network", "GET", "cors", "https://elsewhere.example/_fresh/js/5e5012ba372b0680/Room.js"],
];

for (const [strategy, method, mode, path] of REQUESTS) {
  Deno.test(`${method} ${path} (${mode}): ${strategy}`, () => {
    assertEquals(strategyOf({ method, mode, url: new URL(path, ORIGIN).href }, ORIGIN), strategy);
  });
}

Deno.test("only the home page, rooms and the offline page are cached", () => {
  const paths = ["/", "/r/x", "/s/x", "/r", "/s/", "/offline", "/api/rooms", "/x", "", "//elsewhere.example"];
  assertEquals(paths.filter(isCachedPath), ["/", "/r/x", "/s/x", OFFLINE_PATH]);
});

Deno.test("a file's address contains its build", () => {
  const builds = ["/_fresh/js/abc/Room.js", "/icons/app.png?__frsh_c=abc", "/icons/app.png", "/_fresh/js/Room.js"];
  assertEquals(builds.map((path) => buildOf(new URL(path, ORIGIN))), ["abc", "abc", undefined, undefined]);
});

Deno.test("a page references its build's files, each counted once", () => {
  const html =
    `<link rel="stylesheet" href="/styles.css?__frsh_c=abc"><link rel="manifest" href="/manifest.webmanifest">
    <link rel="modulepreload" href="/_fresh/js/abc/Room.js"><a href="/">home</a><a href="//elsewhere.example/_fresh/">
    <script type="module" nonce="n">import { boot } from "/_fresh/js/abc/boot.js";import * as I from '/_fresh/js/abc/Room.js'</script>`;
  assertEquals(assetsIn(html, ORIGIN), [
    "/styles.css?__frsh_c=abc",
    "/_fresh/js/abc/Room.js",
    "/_fresh/js/abc/boot.js",
  ]);
});

Deno.test("a module references the modules it needs and those it may load later", () => {
  const code = `import{a as b}from"./chunk-1.js";import"./chunk-2.js";export{c}from './chunk-3.js';` +
    `const d=()=>import("./Share-4.js"),e=import( "../Scan-5.js" );f("./not-6.js");import g from "preact"`;
  assertEquals(modulesIn(code, "/_fresh/js/abc/Room.js"), {
    needs: ["/_fresh/js/abc/chunk-1.js", "/_fresh/js/abc/chunk-2.js", "/_fresh/js/abc/chunk-3.js"],
    later: ["/_fresh/js/abc/Share-4.js", "/_fresh/js/Scan-5.js"],
  });
});

const rooms = (count: number, build: string): CachedPage[] =>
  Array.from({ length: count }, (_, i) => ({ path: `/r/${i}`, build }));

Deno.test("within the limits nothing is dropped", () => {
  assertEquals(surplus([{ path: "/", build: "b" }, ...rooms(PAGES_MAX, "a")], ["a", "b"]), { pages: [], builds: [] });
});

Deno.test("with too many rooms the oldest are dropped, never the home page or the offline page", () => {
  const pages = [{ path: "/", build: "a" }, { path: OFFLINE_PATH, build: "a" }, ...rooms(PAGES_MAX + 2, "a")];
  assertEquals(surplus(pages, ["a"]).pages, ["/r/0", "/r/1"]);
});

Deno.test("a build's files stay while a cached page needs them; the newest two always stay", () => {
  const pages = [{ path: "/r/0", build: "a" }, { path: "/", build: "d" }];
  assertEquals(surplus(pages, ["a", "b", "c", "d"]), { pages: [], builds: ["b"] });
});

Deno.test("pages of a build that is too old are dropped with its files", () => {
  const builds = Array.from({ length: BUILDS_MAX + 1 }, (_, i) => `build ${i}`);
  const pages = builds.map((build, i) => ({ path: `/r/${i}`, build }));
  assertEquals(surplus(pages, builds), { pages: ["/r/0"], builds: ["build 0"] });
});
