import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { Builder } from "fresh/dev";
import { App, staticFiles } from "fresh";
import { FIXTURE, fixtureHandler } from "./build_once.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Longest wait for a server to start. */
const START_TIMEOUT_MS = 20_000;

/** Text of a stream up to the first match. The rest is read and dropped, so that the process can go on writing. */
async function firstMatch(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<RegExpExecArray> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The process ended and said: ${text}`);
    text += decoder.decode(value, { stream: true });
    const match = pattern.exec(text);
    if (match === null) continue;
    (async () => {
      while (!(await reader.read()).done);
    })();
    return match;
  }
}

/** Runs a production build in a process of its own for the time of `run`. */
async function served(outDir: string, flags: string[], run: (origin: string) => Promise<void>): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["serve", "-A", "--config", CONFIG, "--host", "127.0.0.1", "--port", "0", ...flags, `${outDir}/server.js`],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  try {
    const [, origin] = await firstMatch(child.stderr, /Listening on (http:\/\/[\d.]+:\d+)/);
    clearTimeout(timer);
    await run(origin!);
  } finally {
    clearTimeout(timer);
    try {
      // Not SIGTERM: with --parallel it is sometimes lost.
      child.kill("SIGKILL");
    } catch {
      // It ended by itself: its status says why.
    }
    await child.status;
  }
}

async function builtFixture(): Promise<string> {
  const outDir = await Deno.makeTempDir({ prefix: "fixture-build-" });
  const { log } = console;
  console.log = () => {};
  try {
    await new Builder({ root: FIXTURE, outDir }).build();
  } finally {
    console.log = log;
  }
  return outDir;
}

Deno.test("a production build serves pages, client code and static files without bundling", async (t) => {
  const outDir = await builtFixture();
  try {
    await served(outDir, [], async (origin) => {
      const get = (path: string, init?: RequestInit) => fetch(origin + path, { redirect: "manual", ...init });
      const page = await (await get("/")).text();
      const entry = /from"([^"]+fresh-runtime\.js)"/.exec(page)![1]!;
      const buildId = entry.split("/")[3]!;

      await t.step("a page is rendered with its islands", () => {
        assertStringIncludes(page, "<h1>Fixture</h1>");
        assertStringIncludes(page, `/_fresh/js/${buildId}/Counter.js`);
      });

      await t.step("browsers may keep client code for a year", async () => {
        const response = await get(entry);
        assertEquals(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
        assertStringIncludes(await response.text(), "frsh:");
      });

      await t.step("a static file has an ETag, and a client that has the file gets 304", async () => {
        const response = await get("/big.css");
        const tag = response.headers.get("etag")!;
        assertMatch(tag, /^W\/"[0-9a-f]{16}"$/);
        assertStringIncludes(response.headers.get("cache-control")!, "must-revalidate");
        assertEquals(response.headers.get("content-type"), "text/css; charset=UTF-8");
        assertStringIncludes(await response.text(), "teal");
        for (const sent of [tag, `"other", ${tag}`, "*"]) {
          const again = await get("/big.css", { headers: { "if-none-match": sent } });
          assertEquals([again.status, await again.text()], [304, ""]);
        }
      });

      await t.step(
        "a URL with this build's id is immutable, one with another id redirects to the current file",
        async () => {
          const now = await get(`/app.css?__frsh_c=${buildId}`);
          assertStringIncludes(now.headers.get("cache-control")!, "immutable");
          await now.body?.cancel();
          const old = await get("/app.css?__frsh_c=old&x=1");
          assertEquals([old.status, old.headers.get("location")], [307, "/app.css?x=1"]);
          await old.body?.cancel();
        },
      );

      await t.step("only files of the static folder are served, and hidden ones only in .well-known", async () => {
        assertEquals(await (await get("/.well-known/known.txt")).text(), "well\n");
        assertEquals(await (await get("/sub/with%20space,%20comma.txt")).text(), "in a folder\n");
        const paths = [
          "/.hidden/secret.txt",
          "/%2e%2e%2fserver.js",
          "/..%2f..%2fsnapshot.json",
          "/sub/..%5c..%5cserver.js",
          "/static/app.css",
          "/sub",
          "/%00",
          "/%",
          "/favicon.ico",
        ];
        for (const path of paths) {
          const response = await get(path);
          assertEquals(response.status, 404, path);
          await response.body?.cancel();
        }
      });

      await t.step("a static file cannot be posted to", async () => {
        const response = await get("/app.css", { method: "POST" });
        assertEquals(response.status, 405);
        await response.body?.cancel();
      });
    });
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
});

Deno.test("deno serve --parallel serves the same build from every worker", async () => {
  const outDir = await builtFixture();
  try {
    await served(outDir, ["--parallel"], async (origin) => {
      const pages = await Promise.all(Array.from({ length: 8 }, async () => {
        const response = await fetch(`${origin}/inside`, { headers: { connection: "close" } });
        return (await response.text()).match(/_fresh\/js\/\w+/)?.[0];
      }));
      assertEquals(new Set(pages).size, 1);
    });
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
});

Deno.test("the same source makes the same build, and fresh.gen.ts is up to date and formatted", async () => {
  const before = await Deno.readTextFile(`${FIXTURE}/fresh.gen.ts`);
  const [one, two] = [await builtFixture(), await builtFixture()];
  try {
    const snapshot = (dir: string) => Deno.readTextFile(`${dir}/snapshot.json`);
    assertEquals(await snapshot(one), await snapshot(two));
    assertEquals(await Deno.readTextFile(`${FIXTURE}/fresh.gen.ts`), before);
    for (const args of [["fmt", "--check"], ["lint"]]) {
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, "--config", CONFIG, `${FIXTURE}/fresh.gen.ts`],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
    }
  } finally {
    await Deno.remove(one, { recursive: true });
    await Deno.remove(two, { recursive: true });
  }
});

Deno.test("fresh.gen.ts lists every route and island by its path from the root", async () => {
  const text = await Deno.readTextFile(`${FIXTURE}/fresh.gen.ts`);
  assertStringIncludes(text, '"./routes/blog/[slug].tsx": route');
  assertStringIncludes(text, '"./islands/Lonely.tsx": island');
  assertEquals(text.includes("fixture"), false);
});

Deno.test("a route file with handlers by method answers another method with 405", async () => {
  const ask = await fixtureHandler();
  const response = await ask("/api/items", { method: "DELETE", headers: { origin: "http://localhost" } });
  await response.text();
  assertEquals(response.status, 405);
});

Deno.test("a transform gets the static files that it asks for, after the transforms before it", async () => {
  const builder = new Builder({ root: FIXTURE });
  builder.onTransformStaticFile({ pluginName: "one", filter: /p\.css$/ }, (args) => ({
    content: `${args.text}/* one ${args.mode} */`,
  }));
  builder.onTransformStaticFile(
    { pluginName: "two", filter: /app\.css$/ },
    ({ text }) => ({ content: `${text}/* two */` }),
  );
  const apply = await builder.build({ snapshot: "memory" });
  const app = new App().use(staticFiles());
  apply(app);
  const textOf = async (path: string) => await (await app.handler()(new Request(`http://localhost${path}`))).text();
  assertStringIncludes(await textOf("/app.css"), "/* one production *//* two */");
  assertEquals((await textOf("/big.css")).includes("/* one"), false);
});

Deno.test("an island that does not compile fails the build and names the file", async () => {
  const root = await Deno.makeTempDir({ dir: new URL(".", import.meta.url).pathname, prefix: "broken-" });
  try {
    await Deno.mkdir(`${root}/islands`);
    await Deno.writeTextFile(`${root}/islands/Broken.tsx`, "export default function Broken() { return <p>; }\n");
    const error = await assertRejects(() => new Builder({ root }).build({ snapshot: "memory" }), Error);
    assertStringIncludes(error.message, "Broken.tsx");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a build in memory serves nothing outside of the static folder and no hidden files either", async () => {
  const ask = await fixtureHandler();
  for (const path of ["/..%2fmain.ts", "/sub/%2e%2e/%2e%2e/main.ts", "/sub/..%5c..%5cmain.ts", "/.hidden/secret.txt"]) {
    const response = await ask(path);
    await response.text();
    assertEquals(response.status, 404, path);
  }
});
