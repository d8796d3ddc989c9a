import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { App, csp, csrf } from "fresh";
import { h } from "preact";

async function policyOf(
  options?: Parameters<typeof csp>[0],
): Promise<{ policy: string[]; headers: Headers; html: string }> {
  const app = new App().use(csp(options)).get("/", (ctx) => ctx.render(h("script", null, "1")));
  const response = await app.handler()(new Request("http://localhost/"));
  const header = response.headers.get("content-security-policy") ??
    response.headers.get("content-security-policy-report-only") ?? "";
  return { policy: header.split("; "), headers: response.headers, html: await response.text() };
}

Deno.test("the default policy allows this site and inline scripts, and no frames around it", async () => {
  const { policy } = await policyOf();
  assertEquals(policy, [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "upgrade-insecure-requests",
  ]);
});

Deno.test("with useNonce only the page's own inline scripts run, under a new nonce each time", async () => {
  const [one, two] = [await policyOf({ useNonce: true }), await policyOf({ useNonce: true })];
  const nonce = /nonce="(\w+)"/.exec(one.html)?.[1];
  assertMatch(nonce ?? "", /^[0-9a-f]{32}$/);
  assertEquals(one.policy[1], `script-src 'self' 'nonce-${nonce}'`);
  assertEquals(one.policy[2], `style-src 'self' 'nonce-${nonce}'`);
  assertEquals(one.html.includes(`<script nonce="${nonce}">1</script>`), true);
  assertEquals(two.html.includes(`${nonce}`), false);
});

Deno.test("given directives replace the defaults of their name or are added", async () => {
  const { policy } = await policyOf({ csp: ["img-src 'self' blob:", "manifest-src 'self'"] });
  assertEquals(policy.filter((directive) => directive.startsWith("img-src")), ["img-src 'self' blob:"]);
  assertEquals(policy.at(-1), "manifest-src 'self'");
});

Deno.test("reportTo asks for reports, and reportOnly blocks nothing", async () => {
  const { policy, headers } = await policyOf({ reportOnly: true, reportTo: "/reports" });
  assertEquals(headers.get("content-security-policy"), null);
  assertEquals(policy.slice(-2), ["report-to csp-endpoint", "report-uri /reports"]);
  assertEquals(headers.get("reporting-endpoints"), 'csp-endpoint="/reports"');
});

async function statusOf(headers: HeadersInit, options?: Parameters<typeof csrf>[0], method = "POST"): Promise<number> {
  const app = new App().use(csrf(options)).all("/", () => new Response("done"));
  const response = await app.handler()(new Request("http://localhost/", { method, headers }));
  await response.text();
  return response.status;
}

Deno.test("csrf passes requests from this site, from the address bar and from clients that are not browsers", async () => {
  assertEquals(await statusOf({ "sec-fetch-site": "same-origin" }), 200);
  assertEquals(await statusOf({ "sec-fetch-site": "none" }), 200);
  assertEquals(await statusOf({ origin: "http://localhost" }), 200);
  assertEquals(await statusOf({}), 200);
});

Deno.test("csrf refuses requests that another site makes a browser send, except reads", async () => {
  assertEquals(await statusOf({ "sec-fetch-site": "cross-site" }), 403);
  assertEquals(await statusOf({ "sec-fetch-site": "same-site", origin: "http://sub.localhost" }), 403);
  assertEquals(await statusOf({ origin: "http://evil.example" }), 403);
  assertEquals(await statusOf({ origin: "null" }), 403);
  assertEquals(await statusOf({ origin: "http://evil.example" }, undefined, "GET"), 200);
});

Deno.test("csrf passes requests from the given origins", async () => {
  const headers = { "sec-fetch-site": "cross-site", origin: "https://friend.example" };
  assertEquals(await statusOf(headers, { origin: "https://friend.example" }), 200);
  assertEquals(await statusOf(headers, { origin: ["https://a.example", "https://friend.example"] }), 200);
  assertEquals(await statusOf(headers, { origin: (origin) => origin.endsWith(".example") }), 200);
  assertEquals(await statusOf(headers, { origin: "https://other.example" }), 403);
});

Deno.test("the policy of an answer that is not a page has no nonce", async () => {
  const app = new App().use(csp({ useNonce: true })).get("/", () => new Response("plain"));
  const response = await app.handler()(new Request("http://localhost/"));
  await response.text();
  assertStringIncludes(response.headers.get("content-security-policy") ?? "", "default-src 'self'");
});
