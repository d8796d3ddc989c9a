/**
 * "Let nobody in", each line against the real server: the production build with exactly the permissions that its task in
 * deno.json names, asked over real sockets.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serverPermissions } from "../../lib/operating/start.ts";
import { adminTexts } from "../../lib/ui/texts/admin_texts.ts";
import { AUDIT_SHOWN } from "../../lib/server/admin/audit_log.ts";
import { newGenesis, TestClient, webSocketWire } from "../support/client.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { OPERATOR_KEY, PASSWORD, PASSWORD_HASH } from "./operators.ts";

let folder: string;
let server: ServerProcess;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "festival-security-" });
  server = await startServer({
    dataDir: `${folder}/data`,
    env: {
      FESTIVAL_ADMIN_PASSWORD_HASH: PASSWORD_HASH,
      FESTIVAL_OPERATOR_KEY: OPERATOR_KEY,
    },
  });
});

Deno.test.afterAll(async () => {
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

/** Addresses of visitors, so that tests do not use up each other's limits. */
let addresses = 0;

/** A browser as far as cookies go, at an address of its own. */
class Visitor {
  readonly cookies = new Map<string, string>();
  readonly address = `203.0.113.${++addresses}`;
  readonly scheme: "http" | "https";

  readonly #url: string | undefined;

  /** `url`: of another server than the tests' common one. */
  constructor(scheme: "http" | "https" = "https", url?: string) {
    this.scheme = scheme;
    this.#url = url;
  }

  async ask(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const response = await fetch((this.#url ?? server.url) + path, {
      redirect: "manual",
      ...init,
      headers: {
        "x-forwarded-for": this.address,
        "x-forwarded-proto": this.scheme,
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        ...init.headers,
      },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === "") this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
    return response;
  }

  async text(path: string): Promise<string> {
    return await (await this.ask(path)).text();
  }

  /** Sends a form as a page of ours does; the page's own token unless another one is named. */
  async post(path: string, fields: Record<string, string>, { token, headers = {} }: {
    token?: string | null;
    headers?: Record<string, string>;
  } = {}): Promise<Response> {
    const own = token === undefined ? tokenIn(await this.text(path)) : token;
    const body = new URLSearchParams({ ...fields, ...own !== null && { token: own } });
    return await this.ask(path, {
      method: "POST",
      body,
      headers: { origin: server.url, "sec-fetch-site": "same-origin", ...headers },
    });
  }

  async logIn(password = PASSWORD): Promise<Response> {
    const response = await this.post("/admin/login", { password });
    await response.body?.cancel();
    return response;
  }
}

function tokenIn(html: string): string {
  return /name="token" value="([^"]+)"/.exec(html)![1]!;
}

async function statusOf(response: Response | Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

/** Writes raw bytes and reads until the server ends the connection, or `forMs` have passed. */
async function raw(text: string, forMs = 5_000): Promise<{ answer: string; ended: boolean }> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(server.url).port) });
  let answer = "", ended = false, timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), forMs));
  const writing = (async () => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  })().catch(() => {}); // The server hung up, as expected.
  const buffer = new Uint8Array(4_096);
  for (;;) {
    const read = await Promise.race([connection.read(buffer).catch(() => 0), late]);
    if (read === null) {
      ended = (await Promise.race([late, Promise.resolve("open")])) === "ended";
      break;
    }
    if (read === 0 || read === undefined) {
      ended = true;
      break;
    }
    answer += new TextDecoder().decode(buffer.subarray(0, read));
    if (/^HTTP\/1\.1 \d+/.test(answer) && /content-length: 0|connection: close/i.test(answer)) break;
  }
  clearTimeout(timer);
  connection.close();
  await writing;
  return { answer, ended };
}

const PAGES = ["/", "/offline", "/r/cosmic-stage-417", "/nowhere", "/admin", "/admin/login", "/api/rooms", "/health"];

Deno.test("[SEC-1] every answer over https is isolated: policy with nonces, COOP, CORP, referrer, permissions, HSTS", async () => {
  const visitor = new Visitor();
  await visitor.logIn();
  type Asked = [path: string, init?: RequestInit & { headers?: Record<string, string> }];
  const paths: Asked[] = [...PAGES, "/admin/limits", "/styles.css", "/sw.js", "/favicon.ico", "/metrics"]
    .map((path) => [path]);
  const refused: Asked[] = [
    ["/styles.css?__frsh_c=old"],
    ["/api/rooms", { method: "POST", headers: { origin: "https://evil.example" } }],
    ["/admin", { method: "DELETE" }],
    [`/${"a".repeat(5_000)}`],
  ];
  for (const [path, init] of [...paths, ...refused]) {
    const response = await visitor.ask(path, init);
    const html = await response.text();
    const { headers } = response;
    const has = (name: string, value: string) => assertEquals(headers.get(name), value, `${name} of ${path}`);
    has("x-content-type-options", "nosniff");
    has("x-frame-options", "DENY");
    has("referrer-policy", "same-origin");
    has("cross-origin-opener-policy", "same-origin");
    has("cross-origin-resource-policy", "same-origin");
    has("strict-transport-security", "max-age=31536000");
    assertMatch(headers.get("permissions-policy")!, /camera=\(self\), microphone=\(\), geolocation=\(\)/);
    assertMatch(headers.get("x-request-id")!, /./);
    const policy = headers.get("content-security-policy")!;
    assert(!policy.includes("unsafe-inline") && !policy.includes("unsafe-eval"), `${path}: ${policy}`);
    if (!headers.get("content-type")?.startsWith("text/html")) continue;
    for (const directive of ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]) {
      assertStringIncludes(policy, directive);
    }
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!;
    for (const [tag] of html.matchAll(/<(script|style)\b[^>]*>/g)) {
      assert(tag.includes(`nonce="${nonce}"`) || tag.includes(' src="/'), `${path}: ${tag}`);
    }
    assert(!/<[^>]*\s(?:on\w+=|(?:href|src|action)="javascript:)/i.test(html), `${path} has no inline handlers`);
    const again = (await visitor.ask(path, init)).headers.get("content-security-policy")!;
    assert(!again.includes(nonce), "a nonce is good for one answer");
  }
});

Deno.test("[SEC-2] no page loads anything of another origin", async () => {
  const visitor = new Visitor();
  await visitor.logIn();
  for (const path of [...PAGES, "/admin/notices", "/admin/audit"]) {
    const html = await visitor.text(path);
    for (
      const [, url] of html.matchAll(/<(?:script|img|link|iframe|source|video|audio)\b[^>]*(?:src|href)="([^"]*)"/g)
    ) {
      assert(url!.startsWith("/") && !url!.startsWith("//"), `${path} loads ${url}`);
    }
  }
});

Deno.test("[SEC-3] a foreign page opens no socket, polls nothing and sends no form, with any cookies of its visitor", async () => {
  const visitor = new Visitor();
  await visitor.logIn();
  const genesis = await newGenesis();
  const body = JSON.stringify(genesis.wire);
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site", origin: server.url.replace("127.0.0.1", "sub.localhost") },
  ];
  for (const headers of foreign as Record<string, string>[]) {
    assertEquals(await statusOf(visitor.ask("/api/rooms", { method: "POST", body, headers })), 403);
    const poll = `/api/rooms/${genesis.room}/poll`;
    assertEquals(await statusOf(visitor.ask(poll, { method: "POST", body: '{"type":"open"}\n', headers })), 403);
    const form = { action: "wipe", typed: "delete everything" };
    assertEquals(
      await statusOf(visitor.post("/admin/data", form, { headers: { "sec-fetch-site": "", ...headers } })),
      403,
    );
    const client = await TestClient.create({
      open: webSocketWire(`${server.url.replace("http", "ws")}/api/rooms/${genesis.room}/socket`, headers),
      room: genesis.room,
    });
    client.openOnly();
    await client.closed();
    assertEquals(client.frames, []);
  }
});

Deno.test("[SEC-4] a form without its token does nothing, nor with one of another session or of the log-in", async () => {
  const [visitor, other] = [new Visitor(), new Visitor()];
  const login = tokenIn(await visitor.text("/admin/login"));
  await visitor.logIn();
  await other.logIn();
  const theirs = tokenIn(await other.text("/admin/limits"));
  for (const token of [null, "", "x", login, theirs]) {
    assertEquals(await statusOf(visitor.post("/admin/limits", { message_burst: "9" }, { token })), 403);
  }
  assertStringIncludes(await visitor.text("/admin/limits"), 'value="5"');
  assertEquals(await statusOf(visitor.post("/admin/limits", { message_burst: "9" })), 303);
  assertStringIncludes(await visitor.text("/admin/limits"), 'value="9"');
  assertEquals(await statusOf(visitor.post("/admin/limits", {})), 303);
  // The log-in form has one of its own, bound to the device that asked for it.
  const third = new Visitor();
  assertEquals(await statusOf(third.post("/admin/login", { password: PASSWORD }, { token: login })), 403);
  assertEquals(await statusOf(third.post("/admin/login", { password: PASSWORD }, { token: null })), 403);
});

Deno.test("[SEC-5] the cookie is bound to this host and https and hidden from scripts, and after log-out a copy of it opens nothing", async () => {
  const visitor = new Visitor();
  const cookie = (await visitor.logIn()).headers.getSetCookie().find((cookie) => cookie.includes("operator"))!;
  const [pair, ...attributes] = cookie.split("; ");
  assertMatch(pair!, /^__Host-operator=/);
  assertEquals(attributes.sort(), ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]);
  const copy = visitor.cookies.get("__Host-operator")!;
  assertEquals(await statusOf(visitor.ask("/admin/audit")), 200);
  assertEquals(
    await statusOf(visitor.post("/admin/logout", {}, { token: tokenIn(await visitor.text("/admin")) })),
    303,
  );
  visitor.cookies.set("__Host-operator", copy);
  const replayed = await visitor.ask("/admin/audit");
  assertEquals([await statusOf(replayed), replayed.headers.get("location")], [303, "/admin/login"]);
  const action = { token: "x" };
  assertEquals(await statusOf(visitor.post("/admin/limits", action, { token: "x" })), 401);
});

Deno.test("[SEC-6] the password is not accepted over plain http from another machine", async () => {
  const visitor = new Visitor("http");
  const page = await visitor.ask("/admin/login", { headers: { host: "chat.example" } });
  // fetch sets its own Host: a raw request names another one.
  await page.body?.cancel();
  const { answer } = await raw(
    "GET /admin/login HTTP/1.1\r\nHost: chat.example\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n",
  );
  assertMatch(answer, /^HTTP\/1\.1 403/);
});

Deno.test("[SEC-7] guessing the password is blocked after five tries, with the time to wait", async () => {
  const visitor = new Visitor();
  const statuses: number[] = [];
  let last: Response | undefined;
  for (let n = 0; n < 6; n++) {
    last = await visitor.post("/admin/login", { password: `guess ${n}` });
    statuses.push(last.status);
    if (n < 5) await last.body?.cancel();
  }
  assertEquals(statuses, [403, 403, 403, 403, 403, 429]);
  assert(Number(last!.headers.get("retry-after")) > 0);
  assertStringIncludes(await last!.text(), "Too many tries");
  assertEquals(await statusOf(visitor.logIn()), 429, "the right one has to wait as well");
});

Deno.test("[SEC-8] no spelling of an address bypasses the log-in of /admin or leaves the folder of files", async () => {
  const tricks = [
    "/%61dmin/limits",
    "//admin/limits",
    "/admin//limits",
    "/./admin/limits",
    "/x/../admin/limits",
    "/x/..%2fadmin/limits",
    "/admin%2flimits",
    "/ADMIN/limits",
    "/admin/limits/",
    "/admin/limits;x",
    "/admin/limits%00",
    "/admin/login/../limits",
    "/admin/login%2f..%2flimits",
    "/admin/rooms/..%2f..%2flimits",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/../../etc/passwd",
    "/..%5c..%5cetc%5cpasswd",
    "/static/../server.js",
    "/server.js",
    "/snapshot.json",
    "/.data/festival.kv",
    "/..%2f.data%2ffestival.kv",
    "/r/%00",
    "/r/..%2f..%2fadmin",
    "/api/rooms/..%2f..%2fhealth",
    "/%",
    "/%c0%ae%c0%ae/etc/passwd",
  ];
  for (const path of tricks) {
    const { answer } = await raw(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n`,
    );
    assertMatch(answer, /^HTTP\/1\.1 (30[1238]|40[0134]|429) /, path);
    for (const secret of ["root:x:", adminTexts.limits.hint, "storedBuild", "SQLite format"]) {
      assert(!answer.includes(secret), `${path} shows ${secret}`);
    }
  }
});

Deno.test("[SEC-13] a malformed cookie header causes no error", async () => {
  for (const cookie of ["", "=", "; ;", "=x; y", 'device="; __Host-operator', "\u00ff"]) {
    const { answer } = await raw(
      `GET /health/live HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    assertMatch(answer, /^HTTP\/1\.1 (200|400)/, JSON.stringify(cookie));
  }
});

Deno.test("[SEC-9] heads beyond their bounds are refused, and the server goes on", async () => {
  const head = (more: string) => raw(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n\r\n`);
  assertMatch((await head("A: b")).answer, /^HTTP\/1\.1 200/);
  assertMatch((await head(`A: ${"b".repeat(20_000)}`)).answer, /^HTTP\/1\.1 431/);
  assertMatch((await head(`Cookie: ${"a=b; ".repeat(4_000)}x=y`)).answer, /^HTTP\/1\.1 431/);
  assertMatch((await head(`A: ${"b".repeat(2_000_000)}`)).answer, /^HTTP\/1\.1 4\d\d|^$/);
  const many = Array.from({ length: 1_000 }, (_, at) => `A${at}: b`).join("\r\n");
  assertMatch((await head(many)).answer, /^HTTP\/1\.1 4\d\d/);
  const long = await raw(`GET /${"x".repeat(10_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  assertMatch(long.answer, /^HTTP\/1\.1 414/);
  assertEquals(await statusOf(new Visitor().ask("/health/live")), 200);
});

Deno.test("[SEC-10] a body beyond its bound is refused before it has arrived", async () => {
  const visitor = new Visitor();
  await visitor.logIn();
  const cases: [string, number, number][] = [
    ["/api/rooms", 70_000, 413],
    [`/api/rooms/${"A".repeat(22)}/poll`, 200_000, 413],
    ["/admin/login", 70_000, 413],
    ["/admin/limits", 70_000, 413],
  ];
  for (const [path, bytes, status] of cases) {
    const body = `token=${"x".repeat(bytes)}`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assertEquals(await statusOf(visitor.ask(path, { method: "POST", body, headers })), status, path);
  }
});

Deno.test("[SEC-11] a slow body is answered when its time is over, and delays nobody", async () => {
  const slow = `POST /api/rooms HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n["half`;
  const startedAt = performance.now();
  const { answer } = await raw(slow, 25_000);
  assertMatch(answer, /^HTTP\/1\.1 408/);
  const tookMs = performance.now() - startedAt;
  assert(tookMs > 14_000 && tookMs < 20_000, `${tookMs} ms`);
});

Deno.test("[SEC-12] five hundred sockets that send half a head, or nothing, displace nobody", async () => {
  const port = Number(new URL(server.url).port);
  const half = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nA: b");
  const idle = await Promise.all(Array.from({ length: 500 }, async (_, at) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    if (at % 2 === 0) await connection.write(half);
    return connection;
  }));
  try {
    const visitor = new Visitor();
    const startedAt = performance.now();
    const made = await visitor.ask("/api/rooms", { method: "POST", body: JSON.stringify((await newGenesis()).wire) });
    assertEquals(await statusOf(made), 201);
    assert(performance.now() - startedAt < 2_000);
    const { connections } = await (await visitor.ask("/health")).json();
    assertEquals(connections, 0, "no place in a room is theirs");
  } finally {
    for (const connection of idle) connection.close();
  }
});

Deno.test("[SEC-12] a server without a file descriptor left keeps its connections, and accepts again when some end", async () => {
  // Started by a shell, because only that can lower the limit.
  const few = await startServer({ dataDir: `${folder}/few`, descriptors: 200 });
  const port = Number(new URL(few.url).port);
  const { id } = await (await fetch(`${few.url}/api/rooms`, {
    method: "POST",
    body: JSON.stringify((await newGenesis()).wire),
  })).json();
  const open = webSocketWire(`${few.url.replace("http", "ws")}/api/rooms/${id}/socket`);
  const ada = await TestClient.join({ room: id, open });
  const half = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nA: b");
  const idle: Deno.Conn[] = [];
  const flood = async () => {
    for (let at = 0; at < 400; at++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      idle.push(connection);
      await connection.write(half);
    }
  };
  try {
    // Refused at the end: nobody listens any more for a moment.
    await flood().catch(() => {});
    const until = async (isTrue: () => boolean | Promise<boolean>) => {
      for (let tries = 0; !await isTrue(); tries++) {
        assert(tries < 200, few.log.join("\n"));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await until(() => few.log.some((line) => line.includes("LimitNOFILE")));
    await ada.say("still here");
    for (const connection of idle) connection.close();
    await until(() =>
      Deno.connect({ hostname: "127.0.0.1", port }).then((connection) => (connection.close(), true), () => false)
    );
    const bob = await TestClient.join({ room: id, open });
    await bob.until(() => bob.log.size === 2);
    await Promise.all([ada.close(), bob.close()]);
  } finally {
    await few.stop();
  }
});

Deno.test("[SEC-14] an unlisted room is on no list, and its id and code reveal no more than nonexistent ones", async () => {
  const visitor = new Visitor();
  const genesis = await newGenesis({ roomKind: "unlisted", name: "Hidden place" });
  const made = await (await visitor.ask("/api/rooms", { method: "POST", body: JSON.stringify(genesis.wire) })).json();
  for (const path of ["/", "/api/rooms", "/health", "/mesh/config"]) {
    const text = await visitor.text(path);
    for (const secret of [made.id, made.code, "Hidden place"]) {
      assert(!text.includes(secret), `${path} tells ${secret}`);
    }
  }
  assertEquals(await statusOf(visitor.ask("/debug/rooms")), 404);
});

Deno.test("operators who are logged in read the figures and all of /health; a wrong cookie reads nothing", async () => {
  const closed = await startServer({
    dataDir: `${folder}/closed`,
    env: { FESTIVAL_ADMIN_PASSWORD_HASH: PASSWORD_HASH, FESTIVAL_FIGURES: "closed" },
  });
  try {
    const operator = new Visitor("https", closed.url);
    assertEquals(await statusOf(operator.ask("/metrics")), 403);
    await operator.logIn();
    for (const path of ["/metrics", "/analytics", "/analytics/dashboard"]) {
      assertEquals([path, await statusOf(operator.ask(path))], [path, 200]);
    }
    assert("build" in await (await operator.ask("/health")).json());
    const forger = new Visitor("https", closed.url);
    const [name, cookie] = [...operator.cookies].find(([name]) => name.includes("operator"))!;
    forger.cookies.set(name, cookie.replace(/.$/, (last) => last === "A" ? "B" : "A"));
    assertEquals(await statusOf(forger.ask("/metrics")), 403);
  } finally {
    await closed.stop();
  }
});

Deno.test("[SEC-15] an operator's action goes through its form and is in the log; the log has no form at all", async () => {
  const visitor = new Visitor();
  await visitor.logIn();
  const html = await visitor.text("/admin/audit");
  assertStringIncludes(html, adminTexts.audit.whole);
  assertEquals([...html.matchAll(/<form/g)].length, 1, "only the one that logs out");
  // 405 by Fresh's documentation; what is published answers 404 to a method that a route does not handle.
  const status = await statusOf(visitor.post("/admin/audit", { action: "clear" }, { token: tokenIn(html) }));
  assert(status === 405 || status === 404, `${status}`);
  assert([...html.matchAll(/<li class="border-b/g)].length <= AUDIT_SHOWN);
  const witness = server.log.find((line) => line.includes("audit ") && line.includes("logged_in"))!;
  assertMatch(JSON.parse(witness).message, /^audit \d+ logged_in \S{43}$/, "JSON, as every line of the log");
});

Deno.test("[SEC-18] a malformed Host header is refused, and its text is not in the log", async () => {
  const { answer } = await raw("GET / HTTP/1.1\r\nHost: a b<canaryhost>\r\nConnection: close\r\n\r\n");
  assertMatch(answer, /^HTTP\/1\.1 400 /);
  assertEquals(server.log.filter((line) => line.includes("canaryhost")), []);
});

Deno.test("[SEC-16] without a password admin is off, explains how to turn it on, and has no pages below it", async () => {
  const off = await startServer({ dataDir: `${folder}/off` });
  try {
    for (const path of ["/admin", "/admin/login", "/admin/limits"]) {
      const response = await fetch(off.url + path, { redirect: "manual" });
      const html = await response.text();
      assertEquals(response.status, 404);
      assertStringIncludes(html, "deno task admin:hash");
      assert(!html.includes("<form"));
    }
    assertEquals(await statusOf(fetch(`${off.url}/admin/limits`, { method: "POST", body: "token=x" })), 404);
  } finally {
    await off.stop();
  }
});

Deno.test("[SEC-17] the tasks of production name the permissions they need, and no more than these", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const embedded = serverPermissions({ dataDir: "data", kvUrl: undefined }).join(" ");
  const elsewhere = serverPermissions({ dataDir: "data", kvUrl: "https://kv.example" }).join(" ");
  const commands = ["backup", "restore", "repair", "admin:hash", "admin:key"].map((name): string =>
    tasks[name].command
  );
  // The free space of the disk and the RAM are all that it may ask of the system.
  for (
    const command of [
      ...commands,
      ...[embedded, elsewhere].map((command) => command.replace(/ --allow-sys=(statfs,)?systemMemoryInfo/, "")),
    ]
  ) {
    assert(!/(^| )(-A|--allow-all|--allow-run|--allow-ffi|--allow-sys|--allow-import)( |=|$)/.test(command), command);
    assert(command.includes("--no-prompt"), command);
  }
  assert(/ (-A|--no-prompt) /.test(tasks.dev.command), "the first command anybody runs asks nothing");
  assert(!embedded.includes("--allow-net"), "on the embedded database it reaches no network itself");
  const embeddedOnly = "--allow-read=_fresh,static,data --allow-write=data --allow-sys=statfs,systemMemoryInfo";
  assert(embedded.endsWith(embeddedOnly), embedded);
  assert(elsewhere.endsWith("--allow-read=_fresh,static --allow-net --allow-sys=systemMemoryInfo"), elsewhere);
});
