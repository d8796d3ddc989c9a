/**
 * Bad networks: two people talk, each over a proxy that drops, delays, silences, cuts, strips or slows traffic. Their
 * messages are on both screens once, in the same order, and the pages show true states meanwhile.
 *
 * Time limits leave room for a busy machine; bench/ measures the real times.
 */
import { assert, assertEquals } from "@std/assert";
import { type ChooseRule, type FaultProxy, type FaultRule, isUpgrade, onlySockets } from "../faults/fault_proxy.ts";
import { fillRoom } from "../support/fill_room.ts";
import { Conversation } from "./conversation.ts";
import { type Field, rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

/** Promised: another transport within 5 s. Without it, CONNECT_TIMEOUT_MS alone would take 8 s. */
const OTHER_TRANSPORT_WITHIN_MS = 7_000;
/** Promised: noticed within 3 s. Otherwise a missing ack shows after ACK_TIMEOUT_MS, 10 s, and silence after 25 s. */
const DEAD_LINK_WITHIN_MS = 4_500;

/** Longest delivery over a trickle: two abandoned tries, and one that completes. */
const SLOWLY_WITHIN_MS = 40_000;

interface Scene {
  ada: Tab;
  ben: Tab;
  people: [Tab, Tab];
  /** Ada's network and Ben's. */
  networks: [FaultProxy, FaultProxy];
  talk: Conversation;
  path: string;
}

const PASS: ChooseRule = () => ({ fault: "pass" });

/** Ada and Ben in one room, over good networks at first. */
async function meet(field: Field, room: string): Promise<Scene> {
  const networks: Scene["networks"] = [field.network(field.server, PASS), field.network(field.server, PASS)];
  const ada = await field.person("Ada", { origin: networks[0].url });
  const ben = await field.person("Ben", { origin: networks[1].url });
  // Browsers log these errors for failed requests.
  for (const { device } of [ada, ben]) device.expects(/\/(socket|poll)\b/, /net::ERR_/);
  const talk = await Conversation.of(ada, ben);
  const path = await ada.startRoom(room);
  await ben.enter(path);
  await talk.goesOn("at first", 1);
  return { ada, ben, people: [ada, ben], networks, talk, path };
}

/** Applies these faults to both networks and reopens the room on both. Returns the longer time, in ms. */
async function enterOver({ people, networks, path }: Scene, rule: ChooseRule): Promise<number> {
  for (const network of networks) network.rule = rule;
  const took = people.map(async (person) => {
    await person.goTo(path);
    const startedAt = performance.now();
    await person.untilLive();
    return performance.now() - startedAt;
  });
  return Math.max(...await Promise.all(took));
}

/** Settings for rules that write faster than the limits for people allow. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };

/** Applies these faults to open and later connections. */
function turnInto({ networks }: Scene, rule: FaultRule): void {
  for (const network of networks) {
    for (const connection of network.open) connection.rule = rule;
    network.rule = () => rule;
  }
}

/** Applies these faults to the open WebSockets of a network, and to no other connection. */
function spoilSockets(network: FaultProxy, rule: FaultRule): void {
  for (const connection of network.open) if (isUpgrade(connection.head)) connection.rule = rule;
}

/** The transport that the page used last, by its console. */
function transportOf({ device }: Tab): string | undefined {
  return device.notes.findLast((note) => note.includes("transport: "))?.match(/transport: (\w+ \(\w+\))/)?.[1];
}

async function untilTransport(person: Tab, transport: string, withinMs?: number): Promise<void> {
  await person.until(
    () => Promise.resolve(transportOf(person)),
    (used) => used === transport,
    (used) => assertEquals(used, transport, `the transport of ${person.device.name}`),
    withinMs,
  );
}

for (
  const [what, fault, reason] of [
    ["strips Upgrade from requests", { fault: "strip_upgrade" }, "websocket_blocked"],
    ["answers WebSockets with 503", { fault: "answer", status: 503 }, "websocket_blocked"],
    ["drops all that belongs to WebSockets", { fault: "drop" }, "websocket_blocked"],
    ["lets WebSockets open and stay silent", { fault: "silent_after_head" }, "websocket_silent"],
  ] as [string, FaultRule, string][]
) {
  rule(`on a network that ${what} the room is open by polling within 5 s, and people talk`, async (field) => {
    const scene = await meet(field, what);
    const tookMs = await enterOver(scene, onlySockets(fault));
    assert(tookMs < OTHER_TRANSPORT_WITHIN_MS, `${tookMs} ms`);
    for (const person of scene.people) assertEquals(transportOf(person), `polling (${reason})`);
    await scene.talk.goesOn("by polling", 3);
    await scene.talk.settles();
  });
}

rule("a network that cuts idle connections: after the second cut the room is there by polling", async (field) => {
  const scene = await meet(field, "Cut when idle");
  await enterOver(scene, onlySockets({ fault: "cut_idle", ms: 400 }));
  for (const person of scene.people) await untilTransport(person, "polling (websocket_lost_early)");
  await scene.talk.goesOn("by polling");
  await scene.talk.settles();
});

rule("when WebSockets work again, the connection moves to one in the middle of the conversation", async (field) => {
  const scene = await meet(field, "Moving");
  await enterOver(scene, onlySockets({ fault: "strip_upgrade" }));
  for (const network of scene.networks) network.rule = PASS;
  // The page retries in the background 15 s after the failure. People keep talking while the connection moves.
  let rounds = 0;
  const moved = Promise.all(scene.people.map((person) => untilTransport(person, "websocket (first_choice)", 30_000)));
  let over = false;
  void moved.finally(() => over = true);
  while (!over) {
    await scene.talk.goesOn(`round ${++rounds}`, 1);
    await scene.talk.settles();
  }
  await moved;
  assert(rounds > 1, "nobody talked while it moved");
  await scene.talk.goesOn("by WebSocket");
  await scene.talk.settles();
});

rule("on a slow network a message shows as sending until it is stored, and never as more", async (field) => {
  const scene = await meet(field, "Far away");
  turnInto(scene, { fault: "delay", ms: 300 });
  await scene.talk.goesOn("from far away", 3);
  await scene.talk.settles();
  assertEquals(await scene.talk.states(scene.ada, "from far away: Ada 1"), ["queued", "on_its_way", "stored"]);
  for (const person of scene.people) assertEquals(transportOf(person), "websocket (first_choice)");
});

rule("a connection that turns into a black hole is noticed by the next message within 3 s", async (field) => {
  const { ada, networks: [network], talk } = await meet(field, "Black hole");
  await talk.settles();
  spoilSockets(network, { fault: "drop" });
  const noticed = ada.page.waitForEvent("console", (message) => message.text().startsWith("connection: no pong"));
  const startedAt = performance.now();
  await talk.say(ada, "into the hole");
  await ada.message("into the hole").getByText(t.delivery.on_its_way).waitFor();
  await noticed;
  const noticedMs = performance.now() - startedAt;
  assert(noticedMs < DEAD_LINK_WITHIN_MS, `noticed after ${noticedMs} ms`);
  await talk.goesOn("and on");
  await talk.settles();
});

rule("a connection that died while the page slept is replaced when it wakes, within 3 s", async (field) => {
  const { ada, ben, networks: [network], talk } = await meet(field, "Dead at dawn");
  await talk.settles();
  await ada.fallAsleep();
  spoilSockets(network, { fault: "drop" });
  await talk.say(ben, "while you slept");
  await ben.untilStored("while you slept");
  const startedAt = performance.now();
  await ada.wakeUp();
  await ada.hears("while you slept");
  const syncedMs = performance.now() - startedAt;
  assert(syncedMs < DEAD_LINK_WITHIN_MS, `in sync after ${syncedMs} ms`);
  await talk.goesOn("good morning");
  await talk.settles();
});

rule("when connections are cut ten times in mid-conversation, nothing is lost or doubled", async (field) => {
  const { ada, ben, networks, talk } = await meet(field, "Cut ten times");
  for (let cut = 1; cut <= 10; cut++) {
    await talk.goesOn(`cut ${cut}`, 1);
    const gone = networks.flatMap(({ open }) => open.filter(({ head }) => isUpgrade(head)));
    for (const connection of gone) connection.cut();
    // Every second cut hits before the connection is back.
    if (cut % 2 === 0) { for (const person of [ada, ben]) await person.untilLive(); }
  }
  await talk.settles();
});

rule(
  "in a dead zone that swallows everything, messages wait and say so, and are sent afterwards",
  async (field) => {
    const scene = await meet(field, "Dead zone");
    const { people, networks, talk } = scene;
    await talk.settles();
    turnInto(scene, { fault: "drop" });
    await talk.goesOn("in the dead zone", 3);
    for (const person of people) {
      const text = `in the dead zone: ${person.device.name} 3`;
      // Without any answer the page notices the lost connection, and shows no message as sending any more.
      await person.message(text).getByText(t.delivery.queued).waitFor();
      assertEquals(await person.status(t.connection.connected).count(), 0);
    }
    // Connections from the dead zone stay dead, as after a change of networks.
    for (const network of networks) {
      network.rule = PASS;
      network.cut();
    }
    await talk.settles();
  },
);

rule(
  "while a proxy answers 503 for the server, messages wait, and are sent afterwards",
  async (field) => {
    const scene = await meet(field, "Unavailable");
    const { people, networks, talk } = scene;
    await talk.settles();
    // The lazy code of the other transport, if the page asks for it now.
    for (const { device } of people) device.expects(/\/polling_transport-[^/]+\.js/);
    turnInto(scene, { fault: "answer", status: 503 });
    for (const network of networks) network.cut();
    for (const person of people) await person.status(t.connection.offline).waitFor();
    await talk.goesOn("unavailable");
    for (const person of people) {
      await person.message(`unavailable: ${person.device.name} 2`).getByText(t.delivery.queued).waitFor();
    }
    for (const network of networks) network.rule = PASS;
    await talk.settles();
  },
);

rule("a network that slows to a trickle still carries long messages, each once", async (field) => {
  const scene = await meet(field, "Trickle");
  const { ada, ben, talk } = scene;
  await talk.settles();
  turnInto(scene, { fault: "trickle", bytesPerSecond: 2_000 });
  await talk.say(ada, `long ${"x".repeat(1_990)}`);
  await talk.say(ben, `long ${"y".repeat(1_990)}`);
  // 2,000 characters of four bytes each.
  await talk.say(ada, "🎪".repeat(2_000));
  await talk.goesOn("slowly", 2);
  await talk.settles();
});

rule("a person who returns over a trickle gets all missed messages, and sends their own", async (field) => {
  const server = await field.ownServer(TALKATIVE);
  const network = field.network(server, PASS);
  const ada = await field.person("Ada", { origin: network.url });
  ada.device.expects(/\/(socket|poll)\b/, /net::ERR_/);
  const path = await ada.startRoom("Much missed");
  await ada.say("first");
  await ada.device.setOffline(true);
  await ada.status(t.connection.offline).waitFor();
  await ada.send("typed without a network");
  const missed = Array.from({ length: 150 }, (_, n) => `missed ${n}`);
  await fillRoom(server.url, path, missed);
  // The missed messages come in one frame, which takes longer than the limit for noticing a dead link.
  // No other transport helps.
  network.rule = (head) =>
    head.startsWith("POST") ? { fault: "answer", status: 503 } : { fault: "trickle", bytesPerSecond: 12_000 };
  await ada.device.setOffline(false);
  await ada.until(
    () => ada.messages(),
    (texts) => texts.includes("missed 149"),
    (texts) => assert(false, `after ${texts.length} messages no more came`),
    SLOWLY_WITHIN_MS,
  );
  await ada.untilStored("typed without a network");
  const seen = await ada.messages();
  assertEquals(seen.toSorted(), ["first", ...missed, "typed without a network"].toSorted());
});
