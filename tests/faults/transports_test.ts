/** The production transports through the fault proxy to a real server: what each bad network comes to, and how fast. */
import { assert, assertEquals } from "@std/assert";
import type { TransportReason } from "../../lib/routing/transport_choice.ts";
import { realEnvironment } from "../../lib/server/environment.ts";
import { TransportManager } from "../../lib/session/connection/transport_manager.ts";
import { pollingTransport } from "../../lib/transport/polling_transport.ts";
import { socketTransport } from "../../lib/transport/socket_transport.ts";
import { startBothTransports, transportWire } from "../server/both_transports.ts";
import { TestClient } from "../support/client.ts";
import { type ChooseRule, FaultProxy, type FaultRule, isUpgrade, onlySockets } from "./fault_proxy.ts";

/** A client of a new room, on the production transports, behind a proxy. */
async function start(rule: FaultRule | ChooseRule) {
  const server = startBothTransports();
  const { id: room } = await server.newRoom();
  const proxy = new FaultProxy({ port: server.port, rule });
  let better = () => {};
  const transports = new TransportManager({
    steady: realEnvironment.clock,
    timers: realEnvironment.timers,
    openers: {
      websocket: (events) => socketTransport(new WebSocket(`ws://127.0.0.1:${proxy.port}/${room}/socket`), events),
      polling: (events) =>
        pollingTransport(`${proxy.url}/${room}/poll`, { fetch, timers: realEnvironment.timers }, events),
    },
    onBetterTransport: () => better(),
  });
  const movesOn = new Promise<void>((resolve) => better = resolve);
  const client = await TestClient.create({ room, open: transportWire(transports.open) });
  return {
    proxy,
    transports,
    client,
    movesOn,
    async close() {
      await client.close();
      transports.dispose();
      await proxy.close();
      await server.close();
    },
  };
}

for (
  const [what, rule, reason] of [
    ["strips Upgrade", { fault: "strip_upgrade" }, "websocket_blocked"],
    ["answers WebSockets with 503", { fault: "answer", status: 503 }, "websocket_blocked"],
    ["swallows WebSockets", { fault: "drop" }, "websocket_blocked"],
    ["lets a WebSocket open and stay mute", { fault: "mute_after_head" }, "websocket_mute"],
  ] as [string, FaultRule, TransportReason][]
) {
  Deno.test(`on a network that ${what} the room is open by polling within 5 s`, async () => {
    const { client, transports, close } = await start(onlySockets(rule));
    const startedAt = performance.now();
    await client.connect();
    const tookMs = performance.now() - startedAt;
    assertEquals(transports.route, { transport: "polling", reason });
    assert(tookMs < 5_000, `${tookMs} ms`);
    await client.say("still here");
    assertEquals(client.violations, []);
    await close();
  });
}

Deno.test("on a network that cuts idle WebSockets the room moves to polling after the second cut and loses nothing", async () => {
  const { client, transports, close } = await start(onlySockets({ fault: "cut_idle", ms: 150 }));
  for (let cuts = 0; cuts < 2; cuts++) {
    await client.connect();
    assertEquals(transports.route?.transport, "websocket");
    await client.say(`before cut ${cuts}`);
    await client.closed();
  }
  await client.connect();
  assertEquals(transports.route, { transport: "polling", reason: "websocket_cut_early" });
  await client.say("after the cuts");
  await client.holds(4);
  assertEquals(client.texts, ["before cut 0", "before cut 1", "after the cuts"]);
  assertEquals(client.violations, []);
  await close();
});

Deno.test("both transports work over a very slow network", async () => {
  const { client, transports, proxy, close } = await start({ fault: "trickle", bytesPerSecond: 4_000 });
  await client.connect();
  assertEquals(transports.route?.transport, "websocket");
  await client.say("slow");
  await client.close();
  transports.setPreference("polling");
  await client.connect();
  assertEquals(transports.route?.transport, "polling");
  await client.say("slower");
  assertEquals(client.violations, []);
  proxy.apply({ fault: "pass" });
  await close();
});

Deno.test("when WebSockets work again, the connection moves to one, and resumes where it was", async () => {
  const { client, transports, proxy, movesOn, close } = await start(onlySockets({ fault: "strip_upgrade" }));
  await client.connect();
  await client.say("by polling");
  await client.holds(2);
  proxy.rule = { fault: "pass" };
  // Told by the device, so that the test need not wait for the next trial.
  transports.networkChanged();
  await movesOn;
  await client.closed();
  const welcome = await client.connect();
  assertEquals([transports.route?.transport, welcome?.mode], ["websocket", "resume"]);
  await client.say("by WebSocket");
  await client.holds(3);
  assertEquals(client.texts, ["by polling", "by WebSocket"]);
  assert(proxy.connections.every(({ head }) => head === "" || isUpgrade(head) || head.startsWith("POST")));
  assertEquals(client.violations, []);
  await close();
});
