/** A real process seen from outside: its log, its figures, and its OpenTelemetry export. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import parsePrometheus from "parse-prometheus-text-format";
import { newRoomSecret, roomNamePlace, sealerOf } from "../../../lib/crypto/seal.ts";
import { toBase64Url } from "../../../lib/shared/base64url.ts";
import { newGenesis, TestClient, webSocketWire } from "../../support/client.ts";
import { type ServerProcess, startServer } from "../../support/server_process.ts";

async function withServer(env: Record<string, string>, run: (server: ServerProcess) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const server = await startServer({ dataDir, env });
  try {
    await run(server);
  } finally {
    await server.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Texts, names, codes and addresses that must not appear. */
const CANARIES = {
  text: "canarytext",
  name: "canaryname",
  roomName: "Canaryroom",
  address: "203.0.113.77",
  junk: "canaryjunk",
  path: "canary-path-417",
  agent: "canaryagent",
};

/** Uses rooms of all kinds correctly and incorrectly. Returns the rooms' secrets. */
async function beSeen(url: string): Promise<string[]> {
  const headers = { "x-forwarded-for": CANARIES.address, "user-agent": CANARIES.agent };
  const secrets: string[] = [];
  for (const roomKind of ["listed", "unlisted", "sealed"] as const) {
    const room = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
    const key = newRoomSecret((bytes) => crypto.getRandomValues(bytes));
    const name = roomKind === "sealed"
      ? await (await sealerOf(key)).seal(CANARIES.roomName, roomNamePlace(room))
      : CANARIES.roomName;
    const genesis = await newGenesis({ roomKind, name, room });
    if (roomKind === "sealed") secrets.push(key, name);
    const made = await fetch(`${url}/api/rooms`, { method: "POST", headers, body: JSON.stringify(genesis.wire) });
    assertEquals(made.status, 201);
    const { code } = await made.json();
    secrets.push(genesis.room, genesis.author, ...(code === undefined ? [] : [code]));
    const page = await fetch(`${url}${code === undefined ? `/s/${genesis.room}` : `/r/${code}`}`, { headers });
    await page.body?.cancel();
    if (roomKind === "sealed") continue;
    const open = webSocketWire(`${url.replace("http", "ws")}/api/rooms/${genesis.room}/socket`, headers);
    const client = await TestClient.join({ open, room: genesis.room, name: CANARIES.name });
    secrets.push(client.signer.author);
    await client.say(CANARIES.text);
    client.sendRaw(`{"type": "${CANARIES.junk}"`);
    await client.waitFor("problem");
    await client.close();
  }
  const junk = { method: "POST", headers, body: `{"${CANARIES.junk}` };
  for (const path of ["/api/rooms", "/api/reports", "/api/rooms/x/poll", `/nowhere/${CANARIES.path}`]) {
    await (await fetch(`${url}${path}`, junk)).body?.cancel();
  }
  await (await fetch(`${url}/api/codes/${CANARIES.path}`, { headers })).body?.cancel();
  return [...secrets, ...Object.values(CANARIES)];
}

Deno.test("log, figures and analytics contain no text, name, address, code or id of anybody", () =>
  withServer(
    { FESTIVAL_LOG_LEVEL: "debug", FESTIVAL_PROXY_HOPS: "1", FESTIVAL_PROBE_SECONDS: "5" },
    async (server) => {
      const secrets = await beSeen(server.url);
      const texts = new Map<string, string>();
      for (const path of ["/metrics", "/analytics", "/analytics?range=day", "/analytics/dashboard", "/health"]) {
        const response = await fetch(`${server.url}${path}`);
        assertEquals([path, response.status], [path, 200]);
        texts.set(path, await response.text());
      }
      assertMatch(texts.get("/metrics")!, /festival_events_stored_total [1-9]/);
      await server.stop();
      texts.set("log", server.log.join("\n"));
      assertMatch(texts.get("log")!, /"message":"request GET \/r\/:code"/);
      for (const [where, text] of texts) {
        for (const secret of secrets) {
          assert(!text.includes(secret), `${secret} is in ${where}: ${text.slice(0, 2_000)}`);
        }
      }
    },
  ));

Deno.test("every line of the log is JSON in production", () =>
  withServer({ FESTIVAL_LOG_LEVEL: "debug" }, async (server) => {
    await (await fetch(`${server.url}/nowhere`)).body?.cancel();
    await server.stop();
    const own = server.log.filter((line) => !/Listening on/.test(line));
    assert(own.length > 0);
    for (const line of own) assertEquals(typeof JSON.parse(line).level, "string");
  }));

Deno.test("an answer carries the request's id: the incoming one when valid, else a new one", () =>
  withServer({}, async (server) => {
    const idFor = async (given?: string) => {
      const headers: HeadersInit = given === undefined ? {} : { "x-request-id": given };
      const response = await fetch(`${server.url}/health/live`, { headers });
      await response.body?.cancel();
      return response.headers.get("x-request-id");
    };
    assertEquals(await idFor("abcDEF-123_456"), "abcDEF-123_456");
    for (const odd of [undefined, "short", "with space in it", "x".repeat(65), "<script>alert(1)"]) {
      assertMatch((await idFor(odd))!, /^[A-Za-z0-9_-]{16}$/);
    }
  }));

Deno.test("with a token configured, /metrics and /analytics need it; /health is public", () => {
  const token = "operators-only-please";
  return withServer({ FESTIVAL_METRICS_TOKEN: token }, async (server) => {
    const status = async (path: string, headers: HeadersInit = {}) => {
      const response = await fetch(`${server.url}${path}`, { headers });
      await response.body?.cancel();
      return response.status;
    };
    for (const path of ["/metrics", "/analytics", "/analytics/dashboard"]) {
      assertEquals([path, await status(path)], [path, 401]);
      assertEquals([path, await status(path, { authorization: `Bearer ${token}` })], [path, 200]);
    }
    for (const path of ["/health", "/health/live", "/health/ready"]) assertEquals(await status(path), 200);
  });
});

Deno.test("/metrics has Prometheus' content type, and an independent parser reads it", () =>
  withServer({}, async (server) => {
    const response = await fetch(`${server.url}/metrics`);
    assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const families: { name: string }[] = parsePrometheus(await response.text());
    const names = families.map(({ name }) => name);
    for (const name of ["festival_rooms", "festival_ack_duration_seconds", "process_resident_memory_bytes"]) {
      assert(names.includes(name), name);
    }
  }));

Deno.test("rooms are listed for developers in development only", async () => {
  for (const [environment, status] of [["production", 404], ["staging", 404], ["development", 200]] as const) {
    await withServer({ FESTIVAL_ENVIRONMENT: environment }, async (server) => {
      const response = await fetch(`${server.url}/debug/rooms`);
      assertEquals([environment, response.status], [environment, status]);
      await response.body?.cancel();
    });
  }
});

/** An OTLP collector over HTTP, and the texts that a server sends it. `until` says when there is enough. */
async function collected(env: Record<string, string>, until: (texts: Map<string, string>) => boolean) {
  const texts = new Map<string, string>();
  const enough = Promise.withResolvers<void>();
  const collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    texts.set(pathname, (texts.get(pathname) ?? "") + await request.text());
    if (until(texts)) enough.resolve();
    return Response.json({});
  });
  const otlp = {
    OTEL_DENO: "true",
    OTEL_SERVICE_NAME: "festival-chat",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    OTEL_METRIC_EXPORT_INTERVAL: "300",
    OTEL_BSP_SCHEDULE_DELAY: "100",
    OTEL_BLRP_SCHEDULE_DELAY: "100",
    FESTIVAL_PROXY_HOPS: "1",
    ...env,
  };
  let secrets: string[] = [];
  await withServer(otlp, async (server) => {
    secrets = await beSeen(server.url);
    await enough.promise;
  });
  await collector.shutdown();
  return { texts, secrets };
}

Deno.test("OpenTelemetry gets figures and log through Deno's export, and no data of any room", async () => {
  const names = ["festival.events_stored", "festival.kv.duration", "festival.users"];
  const { texts, secrets } = await collected(
    { OTEL_DENO_TRACING: "false", FESTIVAL_LOG_LEVEL: "debug" },
    (texts) => names.every((name) => texts.get("/v1/metrics")?.includes(`"${name}"`)) && texts.has("/v1/logs"),
  );
  assertEquals(texts.has("/v1/traces"), false);
  for (const secret of secrets) {
    for (const [path, text] of texts) assert(!text.includes(secret), `${secret} is in ${path}`);
  }
});

Deno.test("the log warns of traces, which contain addresses of rooms", async () => {
  const { texts } = await collected(
    {},
    (texts) => texts.has("/v1/traces") && texts.get("/v1/logs")?.includes("OTEL_DENO_TRACING") === true,
  );
  assertMatch(texts.get("/v1/logs")!, /OTEL_DENO_TRACING=false stops that/);
});
