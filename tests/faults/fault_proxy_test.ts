/** The fault proxy does what its rules say: otherwise tests through it show nothing. */
import { assert, assertEquals } from "@std/assert";
import { FaultProxy, type FaultProxyOptions, isUpgrade, onlySockets } from "./fault_proxy.ts";

/** A server that echoes WebSocket messages and answers anything else with `size` bytes, behind a proxy. */
function start(options: Omit<FaultProxyOptions, "port"> = {}, size = 10) {
  const upgrades: (string | null)[] = [];
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    upgrades.push(request.headers.get("upgrade"));
    if (request.headers.get("upgrade") !== "websocket") return new Response("x".repeat(size));
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  const proxy = new FaultProxy({ port: http.addr.port, ...options });
  return {
    proxy,
    upgrades,
    get: async (signal?: AbortSignal) => {
      // A connection of its own each time.
      const response = await fetch(proxy.url, { headers: { connection: "close" }, ...(signal && { signal }) });
      return { status: response.status, text: await response.text() };
    },
    async close() {
      await proxy.close();
      await http.shutdown();
    },
  };
}

/** A socket through the proxy, and what it told. */
function openSocket(proxy: FaultProxy) {
  const socket = new WebSocket(proxy.url.replace("http", "ws"));
  const opened = new Promise<void>((resolve) => socket.onopen = () => resolve());
  const closed = new Promise<void>((resolve) => socket.onclose = () => resolve());
  const next = () => new Promise<string>((resolve) => socket.onmessage = ({ data }) => resolve(data));
  return { socket, opened, closed, next };
}

Deno.test("pass: requests and sockets go through, and each is a connection with its head", async () => {
  const { proxy, get, close } = start({ rule: () => ({ fault: "pass" }) });
  assertEquals(await get(), { status: 200, text: "xxxxxxxxxx" });
  const { socket, opened, closed, next } = openSocket(proxy);
  await opened;
  const echo = next();
  socket.send("hello");
  assertEquals(await echo, "hello");
  assertEquals(proxy.connections.map(({ head }) => isUpgrade(head)), [false, true]);
  socket.close();
  await closed;
  await close();
});

Deno.test("cut: both ends are closed, and the proxy reports that it did it", async () => {
  const { proxy, close } = start();
  const { opened, closed } = openSocket(proxy);
  await opened;
  const connection = await proxy.connection();
  connection.cut();
  await closed;
  assertEquals(await connection.ended, "proxy");
  assertEquals(proxy.open, []);
  await close();
});

Deno.test("drop: a black hole accepts the connection and never answers", async () => {
  const { proxy, get, upgrades, close } = start({ rule: { fault: "drop" } });
  const given = new AbortController();
  const answer = get(given.signal).catch((error: Error) => error.name);
  const connection = await proxy.connection();
  await connection.muted;
  given.abort();
  assertEquals(await answer, "AbortError");
  await connection.ended;
  assertEquals([upgrades, connection.bytesToClient], [[], 0]);
  await close();
});

Deno.test("a changed rule applies to an open connection: it goes mute, then works again", async () => {
  const { proxy, close } = start();
  const { socket, opened, closed, next } = openSocket(proxy);
  await opened;
  proxy.apply({ fault: "drop" });
  const [connection] = proxy.open;
  await connection!.muted;
  const before = connection!.bytesToServer;
  const echo = next();
  socket.send("x");
  proxy.apply({ fault: "delay", ms: 30 });
  const startedAt = performance.now();
  // Whether the first one was still dropped is up to the machine; this one is not.
  socket.send("late");
  await echo;
  assert(performance.now() - startedAt >= 29);
  assert(connection!.bytesToServer > before);
  proxy.cut();
  await closed;
  await close();
});

Deno.test("mute: a number of bytes pass, then nothing", async () => {
  const { proxy, get, close } = start({ rule: { fault: "mute", afterBytes: 1_000 } }, 100_000);
  const given = new AbortController();
  const answer = get(given.signal).catch((error: Error) => error.name);
  const connection = await proxy.connection();
  await connection.muted;
  assertEquals(connection.bytesToClient, 1_000);
  assert(connection.isOpen);
  given.abort();
  assertEquals(await answer, "AbortError");
  await close();
});

Deno.test("mute_after_head: a socket opens, then no byte passes in either direction", async () => {
  const { proxy, close } = start({ rule: { fault: "mute_after_head" } });
  const { socket, opened, closed } = openSocket(proxy);
  await opened;
  const connection = await proxy.connection();
  await connection.muted;
  const before = [connection.bytesToClient, connection.bytesToServer];
  socket.onmessage = () => before.push(NaN);
  socket.send("hello");
  connection.cut();
  await closed;
  assertEquals([connection.bytesToClient, connection.bytesToServer], before);
  await close();
});

Deno.test("cut_idle: a connection ends after the set time without a byte, and not before", async () => {
  const { proxy, close } = start({ rule: { fault: "cut_idle", ms: 150 } });
  const { socket, opened, closed, next } = openSocket(proxy);
  await opened;
  for (let count = 0; count < 3; count++) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const echo = next();
    socket.send("I am here");
    await echo;
  }
  const startedAt = performance.now();
  await closed;
  assert(performance.now() - startedAt >= 140);
  await close();
});

Deno.test("strip_upgrade: the server sees a plain request, and no socket opens", async () => {
  const { proxy, upgrades, close } = start({ rule: onlySockets({ fault: "strip_upgrade" }) });
  const { closed } = openSocket(proxy);
  await closed;
  assertEquals(upgrades, [null]);
  await close();
});

Deno.test("answer: the proxy itself answers", async () => {
  const { get, upgrades, close } = start({ rule: { fault: "answer", status: 503 } });
  assertEquals(await get(), { status: 503, text: "" });
  assertEquals(upgrades, []);
  await close();
});

Deno.test("a rule may apply to sockets only", async () => {
  const { proxy, get, close } = start({ rule: onlySockets({ fault: "answer", status: 503 }) });
  const { closed } = openSocket(proxy);
  await closed;
  assertEquals((await get()).status, 200);
  await close();
});

Deno.test("trickle: bytes arrive at the set rate", async () => {
  const { get, close } = start({ rule: { fault: "trickle", bytesPerSecond: 20_000 } }, 4_000);
  const startedAt = performance.now();
  assertEquals((await get()).text.length, 4_000);
  assert(performance.now() - startedAt >= 190);
  await close();
});

Deno.test("a missing server ends the connection", async () => {
  const { get, proxy, close } = start();
  const nowhere = new FaultProxy({ port: proxy.port });
  await close();
  await fetch(nowhere.url).then(({ body }) => body?.cancel(), (error) => assert(error instanceof TypeError));
  assertEquals(await (await nowhere.connection()).ended, "server");
  await nowhere.close();
  assertEquals(await get().catch(() => "refused"), "refused");
});
