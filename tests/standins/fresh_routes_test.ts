import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { routesToCommands } from "../../lib/standins/fresh_core/routing/file_routes.ts";
import { fixtureHandler } from "./build_once.ts";

const ask = await fixtureHandler();

async function textOf(path: string, init?: RequestInit): Promise<string> {
  return await (await ask(path, init)).text();
}

Deno.test("a page is rendered inside the app wrapper", async () => {
  const html = await textOf("/blog/new");
  assertStringIncludes(html, "<body><article>fixed path</article></body>");
  assertStringIncludes(html, "<title>Fixture</title>");
});

Deno.test("middleware files run from the root down, arrays in order", async () => {
  const response = await ask("/nested", { method: "PUT" });
  assertEquals(await response.json(), { trace: ["main", "first", "second", "nested"], method: "PUT" });
  assertEquals(response.headers.get("x-trace"), "main first second nested");
});

Deno.test("a dynamic segment is a param", async () => {
  const post = await ask("/blog/a%20post");
  assertEquals([post.status, post.headers.get("x-slug")], [203, "yes"]);
  assertStringIncludes(await post.text(), "a post|a post|/blog/a%20post");
});

Deno.test("a fixed file wins over a dynamic one", async () => {
  assertStringIncludes(await textOf("/blog/new"), "fixed path");
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

Deno.test("an unhandled error is answered with 500 and reveals nothing", async () => {
  const { error } = console;
  console.error = () => {};
  const response = await ask("/fail").finally(() => console.error = error);
  assertEquals([response.status, await response.text()], [500, "Internal server error"]);
});

Deno.test("Head replaces elements of the app wrapper that say the same thing, and adds the rest", async () => {
  const html = await textOf("/");
  assertEquals(html.match(/<title>/g)?.length, 1);
  assertStringIncludes(html, "<title>Home</title>");
  assertStringIncludes(html, '<meta name="description" content="The home page"/>');
  assertEquals(html.match(/name="description"/g)?.length, 1);
  assert(html.indexOf("<title>") < html.indexOf("</head>"));
});

Deno.test("asset() carries the build id, and inline scripts carry the nonce", async () => {
  const response = await ask("/plain");
  const html = await response.text();
  assert(/href="\/dot\.svg\?__frsh_c=\w+#x"/.test(html), html);
  const nonce = /'nonce-(\w+)'/.exec(response.headers.get("content-security-policy") ?? "")?.[1];
  assertStringIncludes(html, `<script nonce="${nonce}">globalThis.inline = true;</script>`);
});

Deno.test("a page without islands loads no client code", async () => {
  const response = await ask("/plain");
  assert(!(await response.text()).includes("/_fresh/js/"));
  assertEquals(response.headers.get("link"), null);
});

Deno.test("every module that a page imports is preloaded and can be fetched", async () => {
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

Deno.test("a page loads only the code of its own islands", async () => {
  const html = await textOf("/");
  assertStringIncludes(html, "/Counter.js");
  assert(!html.includes("/Lonely.js"));
});

Deno.test("no island prop can break out of the page's script", async () => {
  const html = await textOf("/props");
  assertEquals(html.match(/<\/script/gi)?.length, 1);
  const script = html.slice(html.indexOf("<script"), html.lastIndexOf("</script>"));
  assert(!script.includes("<!--"));
});

Deno.test("route files that use more of Fresh than the stand-in knows are refused by name", () => {
  const component = () => null;
  const refused: [file: string, module: Record<string, unknown>][] = [
    ["_layout.tsx", { default: component }],
    ["_error.tsx", { default: component }],
    ["(group)/page.tsx", { default: component }],
    ["[[optional]].tsx", { default: component }],
    ["[...rest].tsx", { default: component }],
    ["page.tsx", { default: component, config: {} }],
    ["page.tsx", { default: () => Promise.resolve(null), css: [] }],
    ["page.tsx", { default: async () => await null }],
    ["page.tsx", {}],
    ["_middleware.ts", { default: {} }],
  ];
  for (const [file, module] of refused) {
    const error = assertThrows(() => routesToCommands({ [`./routes/${file}`]: module }), Error);
    assertStringIncludes(error.message, file.split("/")[0]!.replace(/\.tsx?$/, ""));
  }
});
