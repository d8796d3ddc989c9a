import { assertEquals } from "@std/assert";
import { App } from "fresh";
import { compressedFiles } from "../../lib/server/http/compression.ts";

const SCRIPT = "export const words = 'hello festival';\n".repeat(40);
const STORED = { "/a.js.br": "brotli of a", "/a.js.gz": "gzip of a", "/sub/only.js.gz": "gzip of only" };

/** An app that answers as `staticFiles()` of Fresh does, with stored forms of two of its files. */
async function withFiles(
  run: (ask: (accepted?: string, init?: { method?: string; path?: string }) => Promise<Response>) => Promise<void>,
  { hasEtag = true, status = 200 } = {},
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "compressed-" });
  try {
    await Deno.mkdir(`${dir}/sub`);
    for (const [name, text] of Object.entries(STORED)) await Deno.writeTextFile(dir + name, text);
    const app = new App().use(compressedFiles(dir)).all("*", ({ url }) => {
      const headers = new Headers({ "content-length": String(SCRIPT.length), vary: "If-None-Match" });
      if (hasEtag) headers.set("etag", `W/"${url.pathname}"`);
      return new Response(status === 304 ? null : SCRIPT, { headers, status });
    });
    await run((accepted, { method = "GET", path = "/a.js" } = {}) =>
      app.handler()(
        new Request(`http://localhost${path}`, { method, headers: accepted ? { "accept-encoding": accepted } : {} }),
      )
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a static script is sent with brotli to clients that accept it, else with gzip, else uncompressed", () =>
  withFiles(async (ask) => {
    for (
      const [accepted, encoding, body] of [
        ["gzip, deflate, br, zstd", "br", "brotli of a"],
        ["gzip", "gzip", "gzip of a"],
        ["br;q=0, gzip", "gzip", "gzip of a"],
      ] as const
    ) {
      const response = await ask(accepted);
      assertEquals(response.headers.get("content-encoding"), encoding, accepted);
      assertEquals(response.headers.get("content-length"), String(body.length));
      assertEquals(response.headers.get("vary"), "If-None-Match, Accept-Encoding");
      assertEquals(response.headers.get("etag"), 'W/"/a.js"');
      assertEquals(await response.text(), body);
    }
    for (const accepted of [undefined, "zstd", "identity"]) {
      const response = await ask(accepted);
      assertEquals(response.headers.get("content-encoding"), null);
      assertEquals(response.headers.get("vary"), "If-None-Match, Accept-Encoding");
      assertEquals(await response.text(), SCRIPT);
    }
  }));

Deno.test("a file is sent in the forms that are stored, and unchanged if there is none", () =>
  withFiles(async (ask) => {
    const only = await ask("br, gzip", { path: "/sub/only.js" });
    assertEquals([only.headers.get("content-encoding"), await only.text()], ["gzip", "gzip of only"]);
    const none = await ask("br, gzip", { path: "/b.js" });
    assertEquals([none.headers.get("content-encoding"), none.headers.get("vary")], [null, "If-None-Match"]);
    assertEquals(await none.text(), SCRIPT);
  }));

Deno.test("an answer that is not a static file stays unchanged", () =>
  withFiles(async (ask) => {
    const response = await ask("br");
    assertEquals([response.headers.get("content-encoding"), response.headers.get("vary")], [null, "If-None-Match"]);
    assertEquals(await response.text(), SCRIPT);
  }, { hasEtag: false }));

Deno.test("a HEAD request and an answer without a body get no compressed form", async () => {
  await withFiles(async (ask) => {
    const head = await ask("br", { method: "HEAD" });
    assertEquals([head.headers.get("content-encoding"), head.body], [null, null]);
  });
  await withFiles(async (ask) => {
    const unchanged = await ask("br");
    assertEquals([unchanged.status, unchanged.headers.get("content-encoding"), unchanged.body], [304, null, null]);
  }, { status: 304 });
});

Deno.test("without a build nothing is compressed", async () => {
  const app = new App().use(compressedFiles("/nowhere")).get(
    "/",
    () => new Response(SCRIPT, { headers: { etag: "1" } }),
  );
  assertEquals(await (await app.handler()(new Request("http://localhost/"))).text(), SCRIPT);
});
