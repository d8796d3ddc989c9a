/** The WebSocket transport, over real sockets on this machine. */
import { assert, assertEquals } from "@std/assert";
import { closeReasonOf } from "../../lib/protocol/codes.ts";
import { socketTransport, socketUrl } from "../../lib/transport/socket_transport.ts";
import { TRANSPORT_MAX_BUFFERED_BYTES } from "../../lib/transport/transport.ts";
import type { Transport, TransportEvents } from "../../lib/transport/transport.ts";

/** A server whose next socket a test holds in its hands. */
function startServer() {
  const { promise: accepted, resolve } = Promise.withResolvers<WebSocket>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => resolve(socket);
    return response;
  });
  return { server, accepted, url: `ws://127.0.0.1:${server.addr.port}/` };
}

/** A transport, and what it told, in order. */
function openTransport(url: string) {
  const told: unknown[] = [];
  let hear = () => {};
  const tell = (what: unknown) => {
    told.push(what);
    hear();
  };
  const events: TransportEvents = {
    opened: () => tell("opened"),
    received: (data) => tell(data),
    closed: (code) => tell(code),
  };
  const socket = new WebSocket(url);
  const transport: Transport = socketTransport(socket, events);
  const tells = async (count: number) => {
    while (told.length < count) await new Promise<void>((resolve) => hear = resolve);
    return told;
  };
  return { transport, socket, told, tells };
}

Deno.test("each room has a socket address on the page's server, encrypted if the page is", () => {
  assertEquals(socketUrl("https://chat.example/r/cosmic-stage-417", "ID"), "wss://chat.example/api/rooms/ID/socket");
  assertEquals(socketUrl("http://127.0.0.1:8000/s/ID#KEY", "ID"), "ws://127.0.0.1:8000/api/rooms/ID/socket");
});

Deno.test("a transport opens, carries frames in both directions in order, and reports how it ended", async () => {
  const { server, accepted, url } = startServer();
  const { transport, tells } = openTransport(url);
  assertEquals(transport.send("too early"), false);
  const socket = await accepted;
  const heard: string[] = [];
  socket.onmessage = ({ data }) => {
    heard.push(data);
    if (data === "two") socket.send("answer");
  };
  await tells(1);
  assert(transport.send("one") && transport.send("two"));
  assertEquals(await tells(2), ["opened", "answer"]);
  assertEquals(heard, ["one", "two"]);
  socket.close(4001, "too_slow");
  assertEquals(await tells(3), ["opened", "answer", 4001]);
  assertEquals(transport.send("too late"), false);
  await server.shutdown();
});

Deno.test("a closed transport emits no events", async () => {
  const { server, accepted, url } = startServer();
  const { transport, socket: own, told, tells } = openTransport(url);
  const socket = await accepted;
  await tells(1);
  const ended = new Promise<void>((resolve) => socket.onclose = () => resolve());
  const gone = new Promise<void>((resolve) => own.addEventListener("close", () => resolve(), { once: true }));
  socket.send("on its way");
  transport.close();
  transport.close();
  await Promise.all([ended, gone]);
  assertEquals(told, ["opened"]);
  await server.shutdown();
});

Deno.test("a transport rejects frames beyond its limit and accepts more once the buffer drains", async () => {
  const { server, accepted, url } = startServer();
  const { transport, socket: own, tells } = openTransport(url);
  const socket = await accepted;
  await tells(1);
  let received = 0;
  const frame = "x".repeat(65_536);
  let taken = 0;
  while (transport.send(frame)) taken++;
  assert(taken <= TRANSPORT_MAX_BUFFERED_BYTES / frame.length + 1, `${taken} frames taken`);
  assert(taken >= TRANSPORT_MAX_BUFFERED_BYTES / frame.length - 1, `${taken} frames taken`);
  await new Promise<void>((resolve) => {
    socket.onmessage = () => ++received === taken && resolve();
  });
  assertEquals(own.bufferedAmount, 0);
  assert(transport.send("again"));
  transport.close();
  await new Promise<void>((resolve) => own.addEventListener("close", () => resolve(), { once: true }));
  await server.shutdown();
});

Deno.test("an absent server is reported as an end with a code outside the protocol's own", async () => {
  const { server, url } = startServer();
  await server.shutdown();
  const { tells } = openTransport(url);
  const [code] = await tells(1);
  assert(typeof code === "number" && closeReasonOf(code) === undefined, String(code));
});
