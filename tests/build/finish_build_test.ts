import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { App, staticFiles } from "fresh";
import { Builder } from "fresh/dev";
import { setBuildCache, storedBuild } from "fresh/internal";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { finishBuild } from "../../lib/build/finish_build.ts";
import type { State } from "../standins/fixture/lib/define.ts";
import { compressedFiles } from "../../lib/server/http/compression.ts";

const FIXTURE = new URL("../standins/fixture", import.meta.url).pathname;

interface Build {
  dir: string;
  /** The folder of client code, which is named after the build id. */
  js: string;
  ask: (path: string, headers?: HeadersInit) => Promise<Response>;
}

/** Builds the fixture, once as Fresh does it and once finished, and serves each. */
async function withBuilds(run: (plain: Build, finished: Build) => Promise<void>): Promise<void> {
  const builds: Build[] = [];
  const { log } = console;
  console.log = () => {};
  try {
    for (const isFinished of [false, true]) {
      const dir = await Deno.makeTempDir({ prefix: "finished-" });
      const builder = new Builder({ root: FIXTURE, outDir: dir });
      await builder.build();
      if (isFinished) await finishBuild(builder);
      builds.push(await served(dir));
    }
    await run(builds[0]!, builds[1]!);
  } finally {
    console.log = log;
    for (const { dir } of builds) await Deno.remove(dir, { recursive: true });
  }
}

async function served(dir: string): Promise<Build> {
  const app = new App<State>().use(compressedFiles(`${dir}/static`)).use(staticFiles()).use((ctx) => {
    ctx.state.trace = [];
    return ctx.next();
  }).fsRoutes();
  const manifest = await import("../standins/fixture/fresh.gen.ts");
  setBuildCache(app, storedBuild(dir, manifest, JSON.parse(await Deno.readTextFile(`${dir}/snapshot.json`))));
  const handler = app.handler();
  const [{ name }] = [...Deno.readDirSync(`${dir}/static/_fresh/js`)] as [Deno.DirEntry];
  return {
    dir,
    js: `${dir}/static/_fresh/js/${name}`,
    ask: (path, headers) => handler(new Request(`http://localhost${path}`, { headers })),
  };
}

const scriptsIn = (dir: string) =>
  [...Deno.readDirSync(dir)].map(({ name }) => name).filter((name) => name.endsWith(".js"));

Deno.test("a finished build has fewer client files, and a page finds all that it names", async () => {
  await withBuilds(async (plain, finished) => {
    assert(scriptsIn(finished.js).length < scriptsIn(plain.js).length);
    const response = await finished.ask("/");
    const named = [...`${response.headers.get("link")} ${await response.text()}`.matchAll(/\/_fresh\/js\/[^">]+\.js/g)];
    const left = new Set(named.map(([path]) => path));
    assert(left.size >= 2);
    for (const path of left) {
      const code = await finished.ask(path);
      assertEquals(code.status, 200, path);
      for (const [, next] of (await code.text()).matchAll(/(?:from|import)\(?"\.\/([^"]+)"/g)) {
        left.add(`${path.slice(0, path.lastIndexOf("/"))}/${next}`);
      }
    }
    assertEquals(left.size, scriptsIn(finished.js).length - 1, "all but the island that is on no page");
  });
});

Deno.test("a finished build has a build id of its own, the same for the same content", async () => {
  await withBuilds(async (plain, finished) => {
    assertNotEquals(plain.js.split("/").at(-1), finished.js.split("/").at(-1));
    assertMatch(finished.js, /\/[0-9a-f]{16}$/);
    await withBuilds((_, again) => {
      assertEquals(again.js.split("/").at(-1), finished.js.split("/").at(-1));
      return Promise.resolve();
    });
  });
});

Deno.test("a finished build has the compressed forms of large text files, and nothing else can be fetched", async () => {
  await withBuilds(async (_, { ask, dir }) => {
    const text = await (await ask("/big.css")).text();
    for (
      const [encoding, suffix, unpack] of [["br", ".br", brotliDecompressSync], ["gzip", ".gz", gunzipSync]] as const
    ) {
      const response = await ask("/big.css", { "accept-encoding": encoding });
      assertEquals(response.headers.get("content-encoding"), encoding);
      const body = new Uint8Array(await response.arrayBuffer());
      assertEquals(unpack(body).toString(), text);
      assertEquals(body, await Deno.readFile(`${dir}/static/big.css${suffix}`));
      const file = await ask(`/big.css${suffix}`);
      await file.body?.cancel();
      assertEquals(file.status, 404);
    }
    // Too small to gain anything.
    const small = await ask("/app.css", { "accept-encoding": "br" });
    await small.body?.cancel();
    assertEquals(small.headers.get("content-encoding"), null);
  });
});

Deno.test("the module in which the published Fresh lists its build names the joined files and the new build id", async () => {
  await withBuilds(async ({ dir, js }) => {
    const buildId = js.split("/").at(-1)!;
    const { files } = JSON.parse(await Deno.readTextFile(`${dir}/snapshot.json`));
    const staticFiles = Object.keys(files).map((name) => [name, { name, filePath: `static${name}` }]);
    await Deno.writeTextFile(
      `${dir}/snapshot.js`,
      `export const clientEntry = "/_fresh/js/${buildId}/fresh-runtime.js"
export const version = "${buildId}"
export const staticFiles = new Map(${JSON.stringify(staticFiles)});
`,
    );
    await Deno.remove(`${dir}/snapshot.json`);
    await Deno.writeTextFile(`${js}/fresh-runtime.js`, `export const BUILD_ID="${buildId}";`, { append: true });

    await finishBuild(new Builder({ root: FIXTURE, outDir: dir }));
    const snapshot: { clientEntry: string; version: string; staticFiles: Map<string, { filePath: string }> } =
      await import(`file://${dir}/snapshot.js`);
    assertNotEquals(snapshot.version, buildId);
    for (const { filePath } of snapshot.staticFiles.values()) await Deno.stat(`${dir}/${filePath}`);
    const runtime = await Deno.readTextFile(`${dir}/static${snapshot.clientEntry}`);
    assert(runtime.includes(snapshot.version) && !runtime.includes(buildId));
  });
});
