import { assert, assertEquals } from "@std/assert";
import type { OpenTransport } from "../../lib/transport/transport.ts";
import { connectionDiagnostics } from "../../lib/session/connection/connection_diagnostics.ts";
import { RoomConnection } from "../../lib/session/connection/room_connection.ts";
import { SeededRandom } from "../simulation/random.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { connected, openSession } from "./open_session.ts";

/** A session on a RoomConnection; `blocked`: no WebSocket gets through. */
async function open({ blocked = false } = {}) {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const network = { blocked };
  const websocket: OpenTransport = (events) => {
    if (!network.blocked) return server.openTransport(events);
    time.after(10, () => events.closed(1006));
    return { send: () => false, close() {} };
  };
  const connection = new RoomConnection({
    clock: time.clock,
    steady: time.clock,
    timers: time.timers,
    random: new SeededRandom(1, "connection"),
    openers: { websocket, polling: server.openTransport },
    openSession: (connection) => openSession({ server, openTransport: connection.open, meter: connection }),
    checkServer: () => Promise.resolve(7),
    network: () => ({ online: true }),
    browser: "a test",
  });
  const { session } = connection;
  await connected(server, session);
  return { time, server, session, connection, network };
}

Deno.test("the route in use is reported with its reason, and none without a transport", async () => {
  const { time, server, connection } = await open({ blocked: true });
  assertEquals(connection.currentRoute.value, { transport: "polling", reason: "websocket_blocked" });
  server.down = true;
  server.cut();
  await time.run(100);
  assertEquals(connection.currentRoute.value, undefined);
});

Deno.test("a preferred route is used at once, and left when nothing is preferred", async () => {
  const { time, server, session, connection } = await open();
  assertEquals(connection.currentRoute.value?.transport, "websocket");
  connection.setPreferredRoute("polling");
  await time.until(() => connection.currentRoute.value?.transport === "polling");
  assertEquals(connection.currentRoute.value, { transport: "polling", reason: "preferred" });
  await connected(server, session);
  assertEquals(server.open.length, 1);
  connection.setPreferredRoute("auto");
  await time.until(() => connection.currentRoute.value?.transport === "websocket");
});

function qualityOf(connection: RoomConnection) {
  return connectionDiagnostics(connection.facts).transports;
}

Deno.test("round trips are measured on the transport that answered", async () => {
  const { time, connection } = await open();
  assertEquals(qualityOf(connection).websocket.latencyMs, undefined);
  connection.measure();
  await time.run(500);
  assertEquals(qualityOf(connection).websocket.latencyMs, 40);
  assertEquals(qualityOf(connection).polling.latencyMs, undefined);
  assertEquals(qualityOf(connection).websocket.reliability, 1);
});

Deno.test("received and stored events are counted by transport, my own not among the received", async () => {
  const { time, server, session, connection } = await open();
  const before = connection.transferStats.value.viaWebSocket;
  await server.say("one");
  await server.say("two");
  await session.sendMessage("mine");
  await time.run(1_000);
  const { viaWebSocket, viaPolling, stored, storedAfterMs, refused } = connection.transferStats.value;
  assertEquals([viaWebSocket - before, viaPolling, stored, refused], [2, 0, 1, 0]);
  assertEquals(storedAfterMs, 40);
});

Deno.test("diagnostics are plain data without text that people wrote", async () => {
  const { time, server, session, connection } = await open({ blocked: true });
  await session.sendMessage("a secret of mine");
  await server.say("a secret of theirs");
  await time.run(1_000);
  server.down = true;
  server.cut();
  await session.sendMessage("another secret");
  await time.run(100);
  const diagnostics = connectionDiagnostics(connection.facts);
  assertEquals(JSON.parse(JSON.stringify(diagnostics)).waiting, 1);
  assert(!JSON.stringify(diagnostics).includes("secret"));
  assertEquals(diagnostics.transports.websocket.obstacle, "blocked");
  assertEquals(diagnostics.connection.state, "disconnected");
});

Deno.test("a reset forgets all facts about the transports", async () => {
  const { time, connection, network } = await open({ blocked: true });
  assertEquals(qualityOf(connection).websocket.reliability, 0);
  network.blocked = false;
  connection.resetTransports();
  await time.until(() => connection.currentRoute.value?.transport === "websocket");
  assertEquals(connection.currentRoute.value, { transport: "websocket", reason: "first_choice" });
  assertEquals(qualityOf(connection).websocket.reliability, 1);
});
