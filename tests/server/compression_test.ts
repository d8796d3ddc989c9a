import { assert, assertEquals } from "@std/assert";
import { App } from "fresh";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { compressedFiles } from "../../lib/server/http/compression.ts";

const SCRIPT = "export const words = 'hello festival';\n".repeat(40);

/** An app that answers as `staticFiles()` of the published Fresh does. */
function filesApp({ content = SCRIPT, type = "text/javascript", maxKeptBytes = 10_000, hasEtag = true } = {}) {
  const app = new App().use(compressedFiles(maxKeptBytes)).all("*", ({ url }) => {
    const headers = new Headers({
      "content-type": type,
      "content-length": String(content.length),
      vary: "If-None-Match",
    });
    if (hasEtag) headers.set("etag", `W/"${url.pathname}"`);
    return new Response(content, { headers });
  });
  const ask = (accepted?: string, { method = "GET", path = "/a.js" } = {}) =>
    app.handler()(
      new Request(`http://localhost${path}`, { method, headers: accepted ? { "accept-encoding": accepted } : {} }),
    );
  return { ask };
}

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

Deno.test("a static script is sent with brotli if accepted, else with gzip, else uncompressed", async () => {
  const { ask } = filesApp();
  for (
    const [accepted, encoding, unpack] of [
      ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
      ["gzip", "gzip", gunzipSync],
      ["br;q=0, gzip", "gzip", gunzipSync],
    ] as const
  ) {
    for (const time of ["first", "second"]) {
      const response = await ask(accepted);
      assertEquals(response.headers.get("content-encoding"), encoding, `${accepted}, ${time} time`);
      const body = await bytesOf(response);
      assertEquals(Number(response.headers.get("content-length")), body.length);
      assert(body.length < SCRIPT.length / 4);
      assertEquals(unpack(body).toString(), SCRIPT);
      assertEquals(response.headers.get("vary"), "If-None-Match, Accept-Encoding");
      assertEquals(response.headers.get("etag"), 'W/"/a.js"');
    }
  }
  for (const accepted of [undefined, "zstd", "identity"]) {
    const response = await ask(accepted);
    assertEquals(response.headers.get("content-encoding"), null);
    assertEquals(response.headers.get("vary"), "If-None-Match, Accept-Encoding");
    assertEquals(await response.text(), SCRIPT);
  }
});

Deno.test("only static, textual, large and uncompressed files are compressed", async () => {
  for (const app of [filesApp({ hasEtag: false }), filesApp({ type: "image/png" }), filesApp({ content: "let a;" })]) {
    const response = await app.ask("br");
    assertEquals([response.headers.get("content-encoding"), response.headers.get("vary")], [null, "If-None-Match"]);
    await response.body?.cancel();
  }
  const app = new App().use(compressedFiles()).get("/", () =>
    new Response(SCRIPT, {
      headers: { etag: "1", "content-type": "text/css", "content-length": "9999", "content-encoding": "gzip" },
    }));
  assertEquals(await (await app.handler()(new Request("http://localhost/"))).text(), SCRIPT);
});

Deno.test("a HEAD request and an answer without a body get no compressed form", async () => {
  const head = await filesApp().ask("br", { method: "HEAD" });
  assertEquals([head.headers.get("content-encoding"), head.body], [null, null]);
});

Deno.test("the compressed forms have a size limit; beyond it files are sent uncompressed and complete", async () => {
  const size = Number((await filesApp().ask("br")).headers.get("content-length"));
  const { ask } = filesApp({ maxKeptBytes: size + 1 });
  const [kept, more] = [await ask("br", { path: "/a.js" }), await ask("br", { path: "/b.js" })];
  assertEquals(kept.headers.get("content-encoding"), "br");
  assertEquals([more.headers.get("content-encoding"), await more.text()], [null, SCRIPT]);
  assertEquals((await ask("br", { path: "/a.js" })).headers.get("content-encoding"), "br");
  assertEquals(await (await ask("br", { path: "/b.js" })).text(), SCRIPT);
});
