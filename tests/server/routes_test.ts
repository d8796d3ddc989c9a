import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { App } from "fresh";
import { signEvent } from "../../lib/crypto/signing.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import type { RequestState } from "../../lib/server/http/route_helpers.ts";
import { stopOwnServer } from "../../lib/server/instance.ts";
import { contentPolicy, ownOriginOnly, securityHeaders, visitor } from "../../lib/server/http/security.ts";
import errorPages from "../../routes/_middleware.tsx";
import apiMiddleware from "../../routes/api/_middleware.ts";
import { handler as rooms } from "../../routes/api/rooms/index.ts";
import { handler as room } from "../../routes/api/rooms/[id]/index.ts";
import { handler as socket } from "../../routes/api/rooms/[id]/socket.ts";
import { handler as codes } from "../../routes/api/codes/[code].ts";
import { handler as typedCode } from "../../routes/r/index.ts";
import { handler as health } from "../../routes/health/index.ts";
import { handler as live } from "../../routes/health/live.ts";
import { handler as ready } from "../../routes/health/ready.ts";
import { newGenesis, signerOf, TestClient, webSocketWire } from "../support/client.ts";

/** The app of main.ts with these routes, on a real port and a database in a folder of its own. */
async function withApp(run: (base: string) => Promise<void>, settings: Record<string, string> = {}): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const env = { ...settings, FESTIVAL_DATA_DIR: dataDir };
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  const app = new App<RequestState>()
    .use(securityHeaders(DEFAULT_CONFIG))
    .use(contentPolicy)
    .use(ownOriginOnly(DEFAULT_CONFIG))
    .use(visitor(DEFAULT_CONFIG))
    .use(errorPages)
    .use("/api", apiMiddleware)
    .route("/api/rooms", { handler: rooms })
    .route("/api/rooms/:id", { handler: room })
    .route("/api/rooms/:id/socket", { handler: socket })
    .route("/api/codes/:code", { handler: codes })
    .route("/r", { handler: typedCode })
    .route("/health", { handler: health })
    .route("/health/live", { handler: live })
    .route("/health/ready", { handler: ready })
    .get("/page", (ctx) => ctx.html("<p>page</p>"));
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.handler());
  try {
    await run(`http://127.0.0.1:${http.addr.port}`);
  } finally {
    await stopOwnServer();
    await http.shutdown();
    for (const name of Object.keys(env)) Deno.env.delete(name);
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("the answer to a socket's handshake is unchanged; every other answer gets the policy", async () => {
  // Headers that cannot be changed, as those of a handshake's answer in some runtimes.
  const app = new App<RequestState>().use(contentPolicy).get("/", () => Response.redirect("http://localhost/elsewhere"))
    .get("/page", (ctx) => ctx.html("<p>page</p>"));
  const ask = (path: string, headers: HeadersInit) =>
    app.handler()(new Request(`http://localhost${path}`, { headers }));
  const handshake = await ask("/", { upgrade: "WebSocket", connection: "upgrade" });
  assertEquals([handshake.status, handshake.headers.has("content-security-policy")], [302, false]);
  const page = await ask("/page", { connection: "upgrade" });
  assertMatch(page.headers.get("content-security-policy")!, /default-src 'self'/);
});

Deno.test("a code that a form sent leads to its page; a sealed room's key that came all the same is in no further address", () =>
  withApp(async (base) => {
    const leadsTo = async (typed: string) => {
      const answer = await fetch(`${base}/r?code=${encodeURIComponent(typed)}`, { redirect: "manual" });
      await answer.body?.cancel();
      return answer.headers.get("location");
    };
    assertEquals(await leadsTo(" Cosmic Stage 417 "), "/r/cosmic-stage-417");
    assertEquals(await leadsTo("cosmicstage417"), "/r/cosmicstage417");
    assertEquals(await leadsTo(" "), "/");
    const key = "k3yK3yk3y-K3y_k3yK3yKw";
    for (const typed of [key, `https://chat.example/s/AbCdEfGhIjKlMnOpQrStUv#${key}`, `x %23${key}`]) {
      assertEquals(await leadsTo(typed), "/r/-");
    }
  }));

Deno.test("a room is made over HTTP, found by id and by code as typed, and joined over its socket", () =>
  withApp(async (base) => {
    const genesis = await newGenesis({ roomKind: "listed", name: "Camp fire" });
    const made = await fetch(`${base}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) });
    assertEquals(made.status, 201);
    const info = await made.json();
    assertEquals([info.id, info.name, info.kind, info.host], [genesis.room, "Camp fire", "listed", genesis.author]);
    assertMatch(info.code, /^[a-z]+-[a-z]+-\d+$/);

    const again = await fetch(`${base}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) });
    assertEquals(await again.json(), info);
    assertEquals(await (await fetch(`${base}/api/rooms/${genesis.room}`)).json(), info);
    const typed = encodeURIComponent(` ${info.code.toUpperCase().replaceAll("-", " ")} `);
    assertEquals(await (await fetch(`${base}/api/codes/${typed}`)).json(), info);

    const open = webSocketWire(`${base.replace("http", "ws")}/api/rooms/${genesis.room}/socket`, { origin: base });
    const client = await TestClient.join({ open, room: genesis.room });
    assertEquals((await client.say("hello")).position, 2);
    const listed = await (await fetch(`${base}/api/rooms`)).json();
    assertEquals(listed.rooms.map(({ room }: { room: { id: string } }) => room.id), [genesis.room]);
    await client.close();
  }));

Deno.test("a listed room is on the list as soon as it is made, even just after somebody read the list", () =>
  withApp(async (base) => {
    const listed = async () => (await (await fetch(`${base}/api/rooms`)).json()).rooms.length;
    assertEquals(await listed(), 0);
    const genesis = await newGenesis({ roomKind: "listed", name: "Just now" });
    await (await fetch(`${base}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) })).body?.cancel();
    assertEquals(await listed(), 1);
  }));

Deno.test("a room that cannot be made or found has a named problem and its status", () =>
  withApp(async (base) => {
    const post = (body: BodyInit) => fetch(`${base}/api/rooms`, { method: "POST", body });
    const genesis = await newGenesis();
    const cases: [string, Response, number, Record<string, unknown>][] = [
      ["not JSON", await post("{"), 400, { problem: "bad_event", field: "body" }],
      ["no event", await post("[1]"), 400, { problem: "bad_event", field: "event" }],
      ["too large", await post("x".repeat(70_000)), 413, { problem: "too_long", field: "body" }],
      [
        "another's signature",
        await post(JSON.stringify([genesis.wire[0], (await newGenesis()).wire[1]])),
        400,
        { problem: "bad_signature" },
      ],
      ["no room", await fetch(`${base}/api/rooms/${genesis.room}`), 404, { problem: "no_such_room" }],
      ["no id", await fetch(`${base}/api/rooms/x`), 404, { problem: "no_such_room" }],
      [
        "no code",
        await fetch(`${base}/api/codes/cosmic-stage-417`),
        404,
        { problem: "no_such_room", suggestions: [] },
      ],
    ];
    for (const [name, response, status, body] of cases) {
      assertEquals([name, response.status, await response.json()], [name, status, body]);
    }
  }));

Deno.test("[LOAD-1] an overloaded server makes no room over HTTP: 503 by name, with a time in answer and header; other routes answer", () =>
  withApp(async (base) => {
    // More than it may use, this process needs always.
    const looksBy = performance.now() + 10_000;
    for (let status = ""; status !== "degraded";) {
      ({ status } = await (await fetch(`${base}/health`)).json());
      assert(performance.now() < looksBy, `it is ${status}`);
    }
    const genesis = await newGenesis();
    const made = await fetch(`${base}/api/rooms`, { method: "POST", body: JSON.stringify(genesis.wire) });
    const { problem, retryAfterMs } = await made.json();
    assertEquals([made.status, problem, retryAfterMs >= 250], [503, "overloaded", true]);
    assertEquals(made.headers.get("retry-after"), String(Math.ceil(retryAfterMs / 1000)));
    const { rooms, notices } = await (await fetch(`${base}/api/rooms`)).json();
    assertEquals([rooms, notices], [[], []]);
    const wrong = await fetch(`${base}/api/codes/cosmic-stage-417`);
    assertEquals([wrong.status, await wrong.json()], [404, { problem: "no_such_room" }]);
  }, { FESTIVAL_MEMORY_MB: "128" }));

Deno.test("[ROOM-1] only a genesis event makes a room, and the same one makes it once", () =>
  withApp(async (base) => {
    const post = async (event: Event) => {
      const response = await fetch(`${base}/api/rooms`, { method: "POST", body: JSON.stringify(event.wire) });
      return [response.status, await response.json()];
    };
    const genesis = await newGenesis();
    const room = genesis.room;
    const signer = await signerOf(room);
    const content = { kind: "room", body: { roomKind: "unlisted", name: "Late" } } as const;
    const notFirst = [
      await signEvent(signer, { room, n: 2, clock: 1, at: 0 }, content),
      await signEvent(signer, { room, n: 1, clock: 2, at: 0 }, content),
      await signEvent(signer, { room, n: 1, clock: 1, at: 0 }, { kind: "message", body: { name: "Ada", text: "hi" } }),
    ];
    for (const event of notFirst) assertEquals(await post(event), [400, { problem: "not_a_genesis_event" }]);
    const made = await post(genesis);
    assertEquals([made[0], made[1].host], [201, genesis.author]);
    assertEquals(await post(genesis), made);
    assertEquals((await post(await newGenesis({ room })))[1].problem, "id_taken");
  }));

Deno.test("[ROOM-2] a room's name is one tidy line, else it is refused", () =>
  withApp(async (base) => {
    const untidy = [" Stage", "Stage ", "Main  stage", "Main\nstage", "Cafe\u0301", "\u202eegatS", "Sta\u200bge", " "];
    for (const name of untidy) {
      const response = await fetch(`${base}/api/rooms`, {
        method: "POST",
        body: JSON.stringify((await newGenesis({ name })).wire),
      });
      const refused = { problem: "bad_event", field: "body.name" };
      assertEquals([name, response.status, await response.json()], [name, 400, refused]);
    }
  }));

Deno.test("a body without end is cut off at its limit", () =>
  withApp(async (base) => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 8_192;
        if (sent > 10_000_000) controller.error(new Error("the server read on and on"));
        else controller.enqueue(new Uint8Array(8_192).fill(32));
      },
    });
    const response = await fetch(`${base}/api/rooms`, { method: "POST", body }).catch(() => undefined);
    if (response !== undefined) {
      assertEquals(response.status, 413);
      await response.body?.cancel();
    }
    assert(sent <= 10_000_000);
  }));

Deno.test("a foreign page can neither post nor open a socket", () =>
  withApp(async (base) => {
    const genesis = await newGenesis();
    const body = JSON.stringify(genesis.wire);
    const headers = { origin: "https://evil.example" };
    const posted = await fetch(`${base}/api/rooms`, { method: "POST", body, headers });
    assertEquals(posted.status, 403);
    await posted.body?.cancel();
    const open = webSocketWire(`${base.replace("http", "ws")}/api/rooms/${genesis.room}/socket`, headers);
    const client = await TestClient.create({ open, room: genesis.room });
    client.openOnly();
    await client.closed();
    assertEquals(client.frames, []);
  }));

Deno.test("every answer has the security headers, and a policy without foreign origins", () =>
  withApp(async (base) => {
    for (const [path, status] of [["/page", 200], ["/nowhere", 404]] as const) {
      const response = await fetch(`${base}${path}`);
      await response.body?.cancel();
      assertEquals(response.status, status);
      const { headers } = response;
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("x-frame-options"), "DENY");
      assertStringIncludes(headers.get("permissions-policy")!, "camera=(self)");
      const policy = headers.get("content-security-policy")!.split("; ");
      assert(policy.includes(`connect-src 'self' ws://${new URL(base).host}`), policy.join("\n"));
      assert(policy.includes("frame-ancestors 'none'"));
      assert(policy.includes("base-uri 'none'"));
      assert(!policy.includes("upgrade-insecure-requests"), "on plain http nothing could be upgraded");
    }
  }));

Deno.test("a device gets its cookie once, strict against scripts", () =>
  withApp(async (base) => {
    const first = await fetch(`${base}/page`);
    await first.body?.cancel();
    const cookie = first.headers.get("set-cookie")!;
    const [pair, ...attributes] = cookie.split("; ");
    assertMatch(pair!, /^device=[A-Za-z0-9_-]{22}$/);
    assertEquals(attributes.toSorted(), ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"]);
    const second = await fetch(`${base}/page`, { headers: { cookie: cookie.split(";")[0]! } });
    await second.body?.cancel();
    assertEquals(second.headers.get("set-cookie"), null);
  }));

Deno.test("/health reports measurements with the matching status", () =>
  withApp(async (base) => {
    const response = await fetch(`${base}/health`);
    const answer = await response.json();
    assertEquals([response.status, answer.status, answer.reasons], [200, "ok", []]);
    assertEquals([answer.rooms, answer.users, answer.connections], [0, 0, 0]);
    assert(answer.kvLatencyMs > 0 && answer.kvLatencyMs < 1_000);
    assertEquals(await (await fetch(`${base}/health/ready`)).json(), { ready: true, reasons: [] });
    assertEquals((await (await fetch(`${base}/health/live`)).json()).status, "ok");
  }));
