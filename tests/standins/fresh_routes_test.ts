import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fixtureHandler } from "./build_once.ts";

const ask = await fixtureHandler();

async function textOf(path: string, init?: RequestInit): Promise<string> {
  return await (await ask(path, init)).text();
}

Deno.test("a page stands inside the layouts of its folders and the app wrapper", async () => {
  const html = await textOf("/inside");
  assertStringIncludes(html, '<body><div class="root-layout"><div class="group-layout"><p>inside the group');
  assertStringIncludes(html, "<title>Fixture</title>");
});

Deno.test("skipInheritedLayouts and skipAppWrapper leave the wrappers out", async () => {
  const alone = await textOf("/alone");
  assert(!alone.includes("root-layout"));
  assertStringIncludes(alone, "<title>Fixture</title>");
  const bare = await textOf("/bare");
  assert(!bare.includes("root-layout"));
  assert(!bare.includes("<title>"));
  assertStringIncludes(bare, "<p>bare</p>");
});

Deno.test("middleware files run from the root down, arrays in order", async () => {
  const response = await ask("/nested", { method: "PUT" });
  assertEquals(await response.json(), { trace: ["main", "first", "second", "nested"], method: "PUT" });
  assertEquals(response.headers.get("x-trace"), "main first second nested");
});

Deno.test("dynamic, optional and rest segments are params", async () => {
  const post = await ask("/blog/a%20post");
  assertEquals([post.status, post.headers.get("x-slug")], [203, "yes"]);
  assertStringIncludes(await post.text(), "a post|a post|/blog/a%20post");
  assertEquals(await textOf("/docs"), "docs none");
  assertEquals(await textOf("/docs/v2"), "docs v2");
  assertEquals(await textOf("/files/a/b.txt"), "files a/b.txt");
});

Deno.test("a fixed file wins over a dynamic one", async () => {
  assertStringIncludes(await textOf("/blog/new"), "fixed path");
});

Deno.test("routeOverride replaces the path", async () => {
  assertEquals(JSON.parse(await textOf("/custom/fresh@2")), { name: "fresh", version: "2" });
  assertEquals((await ask("/override")).status, 404);
});

Deno.test("handlers by method answer their methods, and HEAD as GET", async () => {
  assertEquals(await textOf("/api/items"), '["item"]');
  const made = await ask("/api/items", { method: "POST", body: "it", headers: { origin: "http://localhost" } });
  assertEquals([made.status, await made.text()], [201, "made it"]);
  const head = await ask("/api/items", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("a handler may redirect", async () => {
  const response = await ask("/blog/moved");
  assertEquals([response.status, response.headers.get("location")], [302, "/blog/new"]);
});

Deno.test("_404 answers unknown paths and thrown 404s inside the app wrapper", async () => {
  for (const path of ["/unknown/path", "/blog/missing"]) {
    const response = await ask(path);
    assertEquals(response.status, 404);
    const html = await response.text();
    assertStringIncludes(html, `nothing at ${path}`);
    assertStringIncludes(html, "<title>Fixture</title>");
  }
});

Deno.test("_error answers what is thrown and says nothing of it", async () => {
  const response = await ask("/fail");
  assertEquals(response.status, 500);
  const html = await response.text();
  assertStringIncludes(html, "error page ");
  assert(!html.includes("secret"));
});

Deno.test("Head replaces what the app wrapper says about the same thing and adds the rest", async () => {
  const html = await textOf("/");
  assertEquals(html.match(/<title>/g)?.length, 1);
  assertStringIncludes(html, "<title>Home</title>");
  assertStringIncludes(html, '<meta name="description" content="The home page"/>');
  assertEquals(html.match(/name="description"/g)?.length, 1);
  assert(html.indexOf("<title>") < html.indexOf("</head>"));
});

Deno.test("images get hashed URLs, links say where they lead, inline scripts carry the nonce", async () => {
  const response = await ask("/plain");
  const html = await response.text();
  const buildId = /src="\/dot\.svg\?__frsh_c=(\w+)"/.exec(html)?.[1];
  assert(buildId, html);
  assertStringIncludes(html, '<img src="/dot.svg" alt');
  assertStringIncludes(html, `href="/dot.svg?__frsh_c=${buildId}#x"`);
  assertStringIncludes(html, `/a.png?__frsh_c=${buildId} 1x, /b.png?__frsh_c=${buildId} 2x`);
  assertStringIncludes(html, '<a id="here" href="/plain" data-current="true" aria-current="page">');
  assertStringIncludes(html, '<a id="home" href="/" data-ancestor="true" aria-current="true">');
  assertStringIncludes(html, '<a id="other" href="/other">');
  const nonce = /'nonce-(\w+)'/.exec(response.headers.get("content-security-policy") ?? "")?.[1];
  assertStringIncludes(html, `<script nonce="${nonce}">globalThis.inline = true;</script>`);
});

Deno.test("a page without islands loads no client code", async () => {
  const response = await ask("/plain");
  assert(!(await response.text()).includes("/_fresh/js/"));
  assertEquals(response.headers.get("link"), null);
});

Deno.test("a page loads the code of its own islands only", async () => {
  const html = await textOf("/inside");
  assertStringIncludes(html, "/local.js");
  for (const other of ["Counter", "Echo", "Lonely", "Inspector"]) assert(!html.includes(`/${other}.js`));
});

Deno.test("every module that a page starts with is preloaded and can be fetched", async () => {
  const response = await ask("/");
  const html = await response.text();
  const link = response.headers.get("link") ?? "";
  const imported = [...html.matchAll(/from ?"([^"]+)"/g)].map(([, file]) => file!);
  assert(imported.length >= 3);
  for (const file of imported) {
    assertStringIncludes(link, `<${file}>; rel="modulepreload"`);
    const code = await ask(file);
    assertEquals(code.status, 200);
    assertStringIncludes(code.headers.get("content-type") ?? "", "text/javascript");
    await code.text();
  }
});

Deno.test("no island prop can break out of the page's script", async () => {
  const html = await textOf("/props");
  assertEquals(html.match(/<\/script/gi)?.length, 1);
  const script = html.slice(html.indexOf("<script"), html.lastIndexOf("</script>"));
  assert(!script.includes("</script"));
  assert(!script.includes("<!--"));
  assertStringIncludes(html, "only text");
  assertStringIncludes(html, '<b class="header">JSX prop</b>');
});
