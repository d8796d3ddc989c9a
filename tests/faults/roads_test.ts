/** The production roads through the fault proxy to a real server: what each bad network comes to, and how fast. */
import { assert, assertEquals } from "@std/assert";
import type { RoadReason } from "../../lib/routing/road_choice.ts";
import { realSurroundings } from "../../lib/server/surroundings.ts";
import { Roads } from "../../lib/session/roads.ts";
import { pollingRoad } from "../../lib/transport/polling.ts";
import { socketRoad } from "../../lib/transport/socket.ts";
import { roadWire, startBothRoads } from "../server/both_roads.ts";
import { TestClient } from "../support/client.ts";
import { type ChooseRule, FaultProxy, type FaultRule, isUpgrade, onlySockets } from "./fault_proxy.ts";

/** A client of a new room, on the production roads, behind a proxy. */
async function start(rule: FaultRule | ChooseRule) {
  const server = startBothRoads();
  const { id: room } = await server.newRoom();
  const proxy = new FaultProxy({ port: server.port, rule });
  let better = () => {};
  const roads = new Roads({
    steady: realSurroundings.clock,
    timers: realSurroundings.timers,
    openers: {
      websocket: (events) => socketRoad(new WebSocket(`ws://127.0.0.1:${proxy.port}/${room}/socket`), events),
      polling: (events) => pollingRoad(`${proxy.url}/${room}/poll`, { fetch, timers: realSurroundings.timers }, events),
    },
    onBetterRoad: () => better(),
  });
  const movesOn = new Promise<void>((resolve) => better = resolve);
  const client = await TestClient.create({ room, open: roadWire(roads.open) });
  return {
    proxy,
    roads,
    client,
    movesOn,
    async close() {
      await client.close();
      roads.dispose();
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
  ] as [string, FaultRule, RoadReason][]
) {
  Deno.test(`a network that ${what}: the room is there by polling within 5 s`, async () => {
    const { client, roads, close } = await start(onlySockets(rule));
    const startedAt = performance.now();
    await client.connect();
    const tookMs = performance.now() - startedAt;
    assertEquals(roads.route, { road: "polling", reason });
    assert(tookMs < 5_000, `${tookMs} ms`);
    await client.say("still here");
    assertEquals(client.violations, []);
    await close();
  });
}

Deno.test("a network that cuts idle WebSockets: after the second cut the room is there by polling, nothing lost", async () => {
  const { client, roads, close } = await start(onlySockets({ fault: "cut_idle", ms: 150 }));
  for (let cuts = 0; cuts < 2; cuts++) {
    await client.connect();
    assertEquals(roads.route?.road, "websocket");
    await client.say(`before cut ${cuts}`);
    await client.closed();
  }
  await client.connect();
  assertEquals(roads.route, { road: "polling", reason: "websocket_cut_early" });
  await client.say("after the cuts");
  await client.holds(4);
  assertEquals(client.texts, ["before cut 0", "before cut 1", "after the cuts"]);
  assertEquals(client.violations, []);
  await close();
});

Deno.test("a network of a trickle carries both roads", async () => {
  const { client, roads, proxy, close } = await start({ fault: "trickle", bytesPerSecond: 4_000 });
  await client.connect();
  assertEquals(roads.route?.road, "websocket");
  await client.say("slow");
  await client.close();
  roads.setPreference("polling");
  await client.connect();
  assertEquals(roads.route?.road, "polling");
  await client.say("slower");
  assertEquals(client.violations, []);
  proxy.apply({ fault: "pass" });
  await close();
});

Deno.test("when WebSockets work again, the connection moves to one, and resumes where it was", async () => {
  const { client, roads, proxy, movesOn, close } = await start(onlySockets({ fault: "strip_upgrade" }));
  await client.connect();
  await client.say("by polling");
  await client.holds(2);
  proxy.rule = { fault: "pass" };
  // Told by the device, so that the test need not wait for the next trial.
  roads.networkChanged();
  await movesOn;
  await client.closed();
  const welcome = await client.connect();
  assertEquals([roads.route?.road, welcome?.mode], ["websocket", "resume"]);
  await client.say("by WebSocket");
  await client.holds(3);
  assertEquals(client.texts, ["by polling", "by WebSocket"]);
  assert(proxy.connections.every(({ head }) => head === "" || isUpgrade(head) || head.startsWith("POST")));
  assertEquals(client.violations, []);
  await close();
});
