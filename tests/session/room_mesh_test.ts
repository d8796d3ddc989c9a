/** Sessions and meshes as in pages: with a server, without one, and while it goes and returns. */
import { assert, assertEquals } from "@std/assert";
import { newRoomSecret, sealerOf } from "../../lib/crypto/seal.ts";
import { signEvent } from "../../lib/crypto/signing.ts";
import type { WireEvent } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { CLOCK_MAX_LEAD } from "../../lib/protocol/limits.ts";
import { FORWARD_MOST_MS, LAZY_HELD_MS, LAZY_SERVER_MS } from "../../lib/session/ports/session_limits.ts";
import { MemoryDisk } from "../../lib/session/storage/memory_storage.ts";
import { meshHost } from "../../lib/session/mesh/session_hosts.ts";
import { RoomMesh } from "../../lib/session/mesh/room_mesh.ts";
import type { RoomSession } from "../../lib/session/room/room_session.ts";
import { messageFrames } from "../../lib/transport/link_frames.ts";
import type { DeliverySituation } from "../../lib/routing/delivery_route.ts";
import { fakeSigner } from "../simulation/fake_ed25519.ts";
import { SeededRandom } from "../simulation/random.ts";
import { FakeServer } from "../support/fake_server.ts";
import { drained, VirtualTime } from "../support/virtual_time.ts";
import { FakeNetwork, type FakePeerConnection } from "../transport/fake_peer_connections.ts";
import { lines, openSession, tabHub } from "./open_session.ts";

/** From one phone to the server's log, and from there to another phone's screen. */
const TO_SERVER_MS = 20;
const TO_SCREEN_MS = 60;
/** Over one link. */
const OVER_LINK_MS = 40;
/** Until a message is stored, whichever way it went first. */
const STORED_MS = LAZY_HELD_MS + TO_SCREEN_MS;

/** One device and its page. */
class Phone {
  readonly disk = new MemoryDisk();
  readonly connections: FakePeerConnection[] = [];
  readonly logs: string[] = [];
  online = true;
  preference: DeliverySituation["preference"] = "auto";
  /** Its receipts are signed by nobody. */
  silent = false;
  session!: RoomSession;
  mesh: RoomMesh | undefined;
  readonly #tabs: ReturnType<typeof tabHub>;
  #page = 0;

  constructor(readonly world: World, readonly number: number, readonly name: string) {
    this.#tabs = tabHub(world.time);
    this.open();
  }

  /** The page of this device that has links. */
  open(): void {
    this.session = this.openTab();
  }

  /** One more page of this device. */
  openTab(): RoomSession {
    const { server, time, secret } = this.world;
    return openSession({
      server,
      disk: this.disk,
      name: this.name,
      seed: 100 * this.number + ++this.#page,
      logs: this.logs,
      tabs: this.#tabs(),
      preference: () => this.preference,
      ...(secret !== undefined && { secret }),
      openTransport: (events) => {
        if (this.online) return server.openTransport(events);
        time.after(10, () => events.closed(1006));
        return { send: () => false, close() {} };
      },
    });
  }

  startMesh(maxLinks = 8): void {
    const { time, network } = this.world;
    const host = meshHost(this.session.peers!);
    const { author } = host.signer;
    const sign = (text: string) => this.silent ? Promise.reject(new Error("silent")) : host.signer.sign(text);
    this.mesh = new RoomMesh({
      host: { ...host, signer: { author, sign } },
      clock: time.clock,
      timers: time.timers,
      random: new SeededRandom(100 * this.number + this.#page, "mesh"),
      open: (events) => {
        const connection = network.open(events) as FakePeerConnection;
        this.connections.push(connection);
        return connection;
      },
      maxLinks,
      onCleared: () => {},
      onChange: () => {},
      log: (line) => this.logs.push(line),
    });
    this.session.peers?.use(this.mesh);
  }

  stopMesh(): void {
    const { mesh } = this;
    this.mesh = undefined;
    this.session.peers?.use(undefined);
    mesh?.close();
  }

  /** The page ends as pages do. */
  async close(): Promise<void> {
    await this.session.persist();
    this.stopMesh();
    this.session.dispose();
  }

  /** This device alone has no way to the server. */
  goOffline(): void {
    this.online = false;
    const author = meshHost(this.session.peers!).signer.author;
    for (const transport of this.world.server.open) if (transport.person?.author === author) transport.cut();
  }

  /** All links go silent, and nobody is told. */
  cutLinks(): void {
    for (const connection of this.connections) connection.cut = true;
  }

  async say(text: string): Promise<void> {
    assertEquals(await this.session.sendMessage(text), {});
  }

  get lines(): string[] {
    return lines(this.session);
  }

  get live(): boolean {
    return this.session.connection.value.state === "connected";
  }

  get reaches(): { reached: number; missing: number } {
    return this.mesh!.coverage();
  }

  /** How many phones hold my message; undefined when that is not what is shown. */
  onPhones(text: string): number | undefined {
    const item = this.session.messages.value.find((item) => item.type === "message" && item.text === text);
    return item?.type === "message" && item.delivery?.state === "on_phones" ? item.delivery.phones : undefined;
  }
}

class World {
  readonly time: VirtualTime;
  readonly server: FakeServer;
  readonly network: FakeNetwork;
  readonly secret: string | undefined;
  readonly phones: Phone[] = [];

  private constructor(time: VirtualTime, server: FakeServer, secret?: string) {
    this.time = time;
    this.server = server;
    this.network = new FakeNetwork(time);
    this.secret = secret;
  }

  static async make({ sealed = false } = {}): Promise<World> {
    const time = new VirtualTime();
    if (!sealed) return new World(time, await FakeServer.create(time));
    const secret = newRoomSecret((bytes) => bytes.fill(5));
    const sealer = await sealerOf(secret);
    return new World(time, await FakeServer.create(time, { kind: "sealed", sealer }), secret);
  }

  add(name: string): Phone {
    const phone = new Phone(this, this.phones.length + 1, name);
    this.phones.push(phone);
    return phone;
  }

  async untilLive(): Promise<void> {
    await this.until(() => this.phones.every(({ live, session }) => live && session.people.value.count > 0));
    await this.time.run(200);
  }

  async untilLinked(phones = this.phones): Promise<void> {
    await this.until(() =>
      phones.every(({ reaches }) => reaches.reached >= phones.length - 1 && reaches.missing === 0)
    );
    // Hellos and first digests have gone.
    await this.time.run(1_500);
  }

  async stopServer(): Promise<void> {
    this.server.down = true;
    this.server.cut();
    await this.until(() => this.phones.every(({ live }) => !live));
  }

  /** Web Crypto works outside of virtual time: goes on in small steps. */
  async until(done: () => boolean, withinMs = 60_000): Promise<void> {
    const endsAt = this.time.now() + withinMs;
    while (!done() && this.time.now() < endsAt) {
      await this.time.run(10, done);
      if (this.secret !== undefined) await drained();
    }
    assert(done(), `did not happen within ${withinMs} ms: ${done}`);
  }

  /** Texts that the server got, frame by frame. */
  get sent(): string[][] {
    return this.server.framesOf("send").map(({ events }) => events.map(([payload]) => textIn(payload)));
  }

  [Symbol.dispose](): void {
    for (const phone of this.phones) {
      phone.stopMesh();
      phone.session.dispose();
    }
  }
}

const textIn = (payload: string) => /"text":"([^"]*)"/.exec(payload)?.[1] ?? "";

/** Phones that are connected, and linked when `meshed`. */
async function crowd(names: string[], { sealed = false, meshed = names.length } = {}): Promise<World> {
  const world = await World.make({ sealed });
  for (const name of names) world.add(name);
  await world.untilLive();
  const linked = world.phones.slice(0, meshed);
  for (const phone of linked) phone.startMesh();
  if (meshed === names.length) await world.untilLinked();
  else await world.until(() => linked.every(({ reaches }) => reaches.reached === meshed - 1));
  return world;
}

Deno.test("[WAY-2] the first message goes to the server at once, whether or not links are being set up", async () => {
  using world = await crowd(["Ada", "Ben"], { meshed: 0 });
  const [ada, ben] = world.phones;
  world.network.down = true;
  for (const phone of world.phones) phone.startMesh();
  await world.time.run(3_000);
  assert(world.network.connections.length > 0, "nobody tried to link");
  await ada!.say("hello");
  await world.time.run(TO_SERVER_MS);
  assertEquals(world.server.texts, ["hello"]);
  await world.time.run(TO_SCREEN_MS);
  assertEquals(ben!.lines.at(-1), "hello");
});

Deno.test("[WAY-3] peers that reach everyone have it first; the server gets a batch within LAZY_SERVER_MS", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"]);
  const [ada, ...others] = world.phones;
  for (const phone of others) phone.silent = true;
  assertEquals(ada!.session.delivery.reason, "peers_reach_everyone");
  for (const text of ["one", "two", "three"]) {
    await ada!.say(text);
    await world.time.run(100);
    for (const phone of others) assertEquals(phone.lines.at(-1), text);
  }
  assertEquals(world.sent, []);
  assertEquals(ada!.onPhones("one"), undefined);
  await world.time.run(LAZY_SERVER_MS - 300 + TO_SERVER_MS);
  assertEquals(world.sent, [["one", "two", "three"]]);
  await world.time.run(TO_SCREEN_MS);
  for (const phone of world.phones) assertEquals(phone.lines.slice(-3), ["one", "two", "three"]);
});

Deno.test("[WAY-8] once every phone has signed that it holds a message, the server waits for more, up to LAZY_HELD_MS", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"]);
  const [ada, ...others] = world.phones;
  for (const text of ["one", "two", "three"]) {
    await ada!.say(text);
    await world.time.run(1_200);
    for (const phone of others) assertEquals(phone.lines.at(-1), text);
    assertEquals(ada!.onPhones(text), 2);
  }
  assertEquals(world.sent, []);
  await world.time.run(LAZY_HELD_MS - 3_600 + TO_SERVER_MS);
  assertEquals(world.sent, [["one", "two", "three"]]);
  await world.time.run(TO_SCREEN_MS);
  for (const phone of world.phones) assertEquals(phone.lines.slice(-3), ["one", "two", "three"]);
});

Deno.test("[WAY-8] an event that one phone lacks is not held back, and waiting events go along", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"]);
  const [ada, ben] = world.phones;
  await ada!.say("everybody has it");
  await world.time.run(LAZY_SERVER_MS + 100);
  assertEquals(world.sent, []);
  ben!.silent = true;
  await ada!.say("Ben says nothing");
  await world.time.run(LAZY_SERVER_MS + TO_SERVER_MS);
  assertEquals(world.sent, [["everybody has it", "Ben says nothing"]]);
});

Deno.test("[WAY-8] a newcomer does not wait for messages that were held back", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada] = world.phones;
  await ada!.say("a moment ago");
  await world.time.run(LAZY_SERVER_MS + 100);
  assertEquals(world.sent, []);
  const cleo = world.add("Cleo");
  await world.until(() => cleo.lines.at(-1) === "a moment ago", 1_500);
});

Deno.test("[WAY-8] a page that may end sends immediately; if it cannot, a phone that holds its message does", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  await ada!.say("good night");
  await world.time.run(LAZY_SERVER_MS + 100);
  await ada!.session.persist();
  await world.time.run(TO_SERVER_MS);
  assertEquals(world.sent, [["good night"]]);
  await ben!.say("the battery is");
  await world.time.run(LAZY_SERVER_MS + 100);
  ben!.goOffline();
  ben!.cutLinks();
  await world.until(() => world.server.texts.length === 2, LAZY_HELD_MS + FORWARD_MOST_MS);
  assertEquals(world.server.texts, ["good night", "the battery is"]);
});

Deno.test("[WAY-4] peers that reach some: both at once", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"], { meshed: 2 });
  const [ada, ben, cleo] = world.phones;
  assertEquals(ada!.session.delivery.reason, "peers_reach_some");
  await ada!.say("to all");
  await world.time.run(TO_SERVER_MS);
  assertEquals([ben!.lines.at(-1), world.server.texts], ["to all", ["to all"]]);
  await world.time.run(TO_SCREEN_MS);
  assertEquals(cleo!.lines.at(-1), "to all");
});

Deno.test("[WAY-5] an event that comes over both transports is shown once, and nothing is carried that the log has", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"], { meshed: 2 });
  const [ada, ben] = world.phones;
  for (let number = 1; number <= 5; number++) {
    await (number % 2 === 1 ? ada! : ben!).say(`text ${number}`);
    await world.time.run(30);
  }
  await world.time.run(20_000);
  const said = ["text 1", "text 2", "text 3", "text 4", "text 5"];
  for (const phone of world.phones) assertEquals(phone.lines.slice(1), said, phone.name);
  assertEquals(world.server.texts, said);
  for (const phone of world.phones) assertEquals(phone.disk.relayed.get(world.server.room.id)?.size ?? 0, 0);
});

Deno.test("[MESH-62] phones that lost the server link over a phone that both are linked to", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"], { meshed: 2 });
  const [ada, ben, cleo] = world.phones;
  cleo!.startMesh(1);
  await world.until(() => cleo!.reaches.reached === 2);
  await world.stopServer();
  // A phone with room for one more link calls the phone behind its neighbour, without a server for the signals.
  cleo!.mesh!.setMaxLinks(8);
  const linksOf = (phone: Phone) => phone.mesh!.links.filter(({ state }) => state === "connected").length;
  await world.until(() => [ada!, ben!, cleo!].every((phone) => linksOf(phone) === 2));
});

Deno.test("[PHONES-1] on how many phones a message is outlives the page, while there is no server", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada] = world.phones;
  await world.stopServer();
  await ada!.say("held by Ben");
  await world.until(() => ada!.onPhones("held by Ben") === 1);
  await drained();
  const { entries } = ada!.disk.outboxes.get(world.server.room.id)!;
  assertEquals(entries.map(({ phones }) => phones), [1]);
});

Deno.test("[PHONES-3] without a server those are here whom peers reach", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"], { meshed: 2 });
  const [ada] = world.phones;
  assertEquals(ada!.session.people.value.count, 3);
  await world.stopServer();
  await world.until(() => ada!.session.people.value.count === 2);
  assertEquals(ada!.session.people.value.shown.map(({ name }) => name), ["Ada", "Ben"]);
});

Deno.test("[WAY-6] without a server peers relay, and screens say so; when it is back, everything is stored once, in one order", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo", "Dora"]);
  await world.phones[0]!.say("before");
  await world.time.run(STORED_MS);
  await world.stopServer();
  for (const phone of world.phones) assertEquals(phone.session.delivery.reason, "no_server");
  for (const phone of world.phones) {
    await phone.say(`${phone.name} without`);
    await world.time.run(OVER_LINK_MS);
    for (const other of world.phones) {
      if (other !== phone) assert(other.lines.includes(`${phone.name} without`), `${other.name}: ${other.lines}`);
    }
  }
  await world.time.run(5_000);
  assertEquals(world.server.texts, ["before"]);
  world.server.down = false;
  await world.until(() => world.phones.every(({ live }) => live), 20_000);
  await world.time.run(FORWARD_MOST_MS + 5_000);
  const said = ["before", "Ada without", "Ben without", "Cleo without", "Dora without"];
  assertEquals(world.server.texts.toSorted(), said.toSorted());
  for (const phone of world.phones) {
    assertEquals(phone.lines, world.phones[0]!.lines);
    assertEquals(phone.lines.slice(1).toSorted(), said.toSorted());
    assertEquals(phone.disk.relayed.get(world.server.room.id)?.size ?? 0, 0);
  }
});

Deno.test("[PHONES-1] on N phones: as many as have signed for it, and none before", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"]);
  const [ada, , cleo] = world.phones;
  await world.stopServer();
  await ada!.say("who has it");
  assertEquals(ada!.onPhones("who has it"), undefined);
  await world.until(() => ada!.onPhones("who has it") === 2, 3_000);
  // Cleo is not there any more, and does not know of what comes now.
  cleo!.cutLinks();
  await ada!.say("and this");
  await world.until(() => ada!.onPhones("and this") === 1, 3_000);
  await world.time.run(30_000);
  assertEquals([ada!.onPhones("who has it"), ada!.onPhones("and this")], [2, 1]);
});

Deno.test("[PHONES-1] a message without receipts is shown as waiting", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  await world.stopServer();
  ben!.cutLinks();
  await ada!.say("nobody hears");
  await world.time.run(10_000);
  assertEquals(ada!.lines.at(-1), "nobody hears (queued)");
});

for (const heardAgoMs of [0, 300, 900, 2_000, 4_500]) {
  Deno.test(`[WAY-7] a link that died silently, last heard ${heardAgoMs} ms ago: the server has the message within 1 s`, async () => {
    using world = await crowd(["Ada", "Ben"]);
    const [ada, ben] = world.phones;
    await ben!.say("heard");
    await world.until(() => ada!.lines.at(-1) === "heard");
    await world.time.run(50);
    ben!.cutLinks();
    await world.time.run(heardAgoMs);
    await ada!.say("are you there");
    const saidAt = world.time.now();
    await world.until(() => ben!.lines.at(-1) === "are you there", 5_000);
    const tookMs = world.time.now() - saidAt;
    assert(tookMs <= 1_000, `${tookMs} ms`);
    assertEquals(world.server.texts, ["heard", "are you there"]);
  });
}

Deno.test("[WAY-7] when links end with a goodbye, events waiting for the batch are sent immediately", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  await ada!.say("waits for others");
  await world.time.run(OVER_LINK_MS);
  assertEquals(world.server.texts, []);
  ben!.stopMesh();
  await world.time.run(OVER_LINK_MS + TO_SERVER_MS);
  assertEquals(world.server.texts, ["waits for others"]);
});

Deno.test("[WAY-7] when the user switches peers off, events waiting for the batch are sent immediately", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada] = world.phones;
  await ada!.say("waits for others");
  await world.time.run(OVER_LINK_MS);
  assertEquals(world.server.texts, []);
  ada!.stopMesh();
  await world.time.run(TO_SERVER_MS);
  assertEquals(world.server.texts, ["waits for others"]);
});

Deno.test("[WAY-7] a person behind a suspect link only is not reached", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"], { meshed: 0 });
  const [ada, ben, cleo] = world.phones;
  // A chain: Ada and Cleo have one link each, to Ben.
  ada!.startMesh(1);
  ben!.startMesh();
  await world.until(() => ada!.mesh!.stats.links === 1);
  cleo!.startMesh(1);
  await world.untilLinked();
  assertEquals([ada!.mesh!.stats.links, cleo!.mesh!.stats.links], [1, 1]);
  ada!.preference = "p2p";
  ada!.cutLinks();
  await world.time.run(2_000);
  await ada!.say("over what");
  await world.until(() => ada!.reaches.reached === 0, 1_000);
  assertEquals(ada!.session.delivery.reason, "no_peers");
});

Deno.test("[FWD-1] a message of a phone that never returns is stored by a phone that received it, even after a reload", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  await world.stopServer();
  await ada!.say("one");
  await ada!.say("two");
  await world.until(() => ben!.lines.at(-1) === "two");
  await ada!.close();
  await ben!.close();
  ben!.open();
  await ben!.session.ready;
  assertEquals(ben!.lines.slice(-2), ["one", "two"]);
  world.server.down = false;
  await world.until(() => ben!.live, 20_000);
  await world.time.run(FORWARD_MOST_MS + 100);
  assertEquals(world.server.texts, ["one", "two"]);
  const cleo = world.add("Cleo");
  await world.until(() => cleo.lines.at(-1) === "two");
  assertEquals(ben!.lines, cleo.lines);
});

Deno.test("[FWD-1] an author who returns first stores the message, and nobody sends it again", async () => {
  using world = await crowd(["Ada", "Ben", "Cleo"]);
  const [ada] = world.phones;
  await world.stopServer();
  await ada!.say("mine");
  await world.time.run(1_000);
  world.server.down = false;
  await world.until(() => world.phones.every(({ live }) => live), 20_000);
  await world.time.run(30_000);
  assertEquals(world.sent, [["mine"]]);
});

Deno.test("[FWD-4] a phone with a server relays between the room and a phone without one", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  ben!.goOffline();
  await world.time.run(500);
  await world.server.say("from afar");
  await world.until(() => ben!.lines.at(-1) === "from afar", 2_000);
  await ben!.say("from the tent");
  await world.until(() => ada!.lines.at(-1) === "from the tent", 200);
  await world.until(() => world.server.texts.includes("from the tent"), FORWARD_MOST_MS + 100);
  // Its own line says who has it, until it sees the log itself.
  assertEquals(ben!.onPhones("from the tent"), 1);
  ben!.online = true;
  await world.until(() => ben!.live, 20_000);
  await world.until(() => ben!.lines.at(-1) === "from the tent", 1_000);
  assertEquals(world.server.texts, ["from afar", "from the tent"]);
});

Deno.test("[TAB-8] a message typed in another tab of the device goes to peers too, and its tab sees it stored", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  const tab = ada!.openTab();
  await world.until(() => tab.connection.value.state === "connected");
  await world.stopServer();
  await tab.sendMessage("from the other tab");
  await world.until(() => ben!.lines.at(-1) === "from the other tab", 1_000);
  await world.until(() => ada!.onPhones("from the other tab") === 1, 3_000);
  // That tab has no links: it says what it knows.
  assertEquals(lines(tab).at(-1), "from the other tab (queued)");
  world.server.down = false;
  await world.until(() => lines(tab).at(-1) === "from the other tab", 20_000);
  assertEquals(world.server.texts, ["from the other tab"]);
  tab.dispose();
});

Deno.test("[TAB-9] messages from peers without a server are shown in the other tabs of the device too", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  const other = ada!.openTab();
  await world.until(() => other.connection.value.state === "connected");
  await world.stopServer();
  await ben!.say("over peers");
  await world.until(() => lines(other).at(-1) === "over peers", 1_000);
  // It answers what it has seen, and nothing stands there twice when the server is back.
  await other.sendMessage("from the other tab");
  await world.until(() => ben!.lines.at(-1) === "from the other tab", 1_000);
  world.server.down = false;
  await world.until(() => world.server.texts.length === 2, 20_000);
  await world.until(() => lines(other).slice(-2).join() === "over peers,from the other tab", 20_000);
  other.dispose();
});

Deno.test("[FWD-5] a newcomer that gets history from phones does not send it to the server, which has it", async () => {
  using world = await World.make();
  for (let number = 1; number <= 10; number++) await world.server.say(`long ago ${number}`, { by: 2 });
  for (let number = 1; number <= 290; number++) await world.server.say(`old ${number}`);
  const ada = world.add("Ada");
  await world.untilLive();
  for (let page = 0; page < 3; page++) {
    ada.session.loadOlder();
    await world.time.run(500);
  }
  assertEquals(ada.lines.length, 301);
  const ben = world.add("Ben");
  await world.untilLive();
  const before = ben.lines.length;
  for (const phone of world.phones) phone.startMesh();
  await world.untilLinked();
  await world.time.run(60_000);
  assert(ben.lines.length > before);
  const sent = world.sent.flat();
  assert(sent.length <= 2 && sent.every((text) => text.startsWith("long ago")), sent.join(", "));
  assertEquals(ben.disk.relayed.get(world.server.room.id)?.size ?? 0, 0);
  assertEquals(world.server.texts.length, 300);
});

Deno.test("[FWD-1] a message that this phone stored for somebody else is unread here until it is seen", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  ben!.session.seen();
  await world.stopServer();
  await ada!.say("look at this");
  await world.until(() => ben!.lines.at(-1) === "look at this");
  await ada!.close();
  world.server.down = false;
  await world.until(() => world.server.texts.length === 1, 30_000);
  await world.time.run(1_000);
  assertEquals(ben!.session.unread.value.size, 1);
  assertEquals(ben!.disk.relayed.get(world.server.room.id)?.size ?? 0, 0);
});

// ---- what must never appear ----

const pushOf = (wire: WireEvent) =>
  messageFrames(JSON.stringify({ type: "push", event: wire, hopsLeft: 5, copies: 1, asked: false }));

/** How a phone of the room visibly reacts when its neighbour pushes this. */
async function pushed(make: (signed: (room?: string, clock?: number) => Promise<Event>) => Promise<WireEvent>) {
  const world = await crowd(["Ada", "Ben", "Cleo"]);
  const [ada, ben] = world.phones;
  const stranger = fakeSigner(new Uint8Array(32).fill(77));
  const wire = await make((room = world.server.room.id, clock = 5) =>
    signEvent(stranger, { room, n: 1, clock, at: 1 }, { kind: "message", body: { name: "X", text: "junk" } })
  );
  // Over the first link of Ben's.
  const link = ben!.connections.find(({ closed }) => !closed)!;
  for (const frame of pushOf(wire)) link.inject(frame);
  await world.time.run(30_000);
  const seen = world.phones.filter(({ lines }) => lines.some((line) => line.includes("junk"))).map(({ name }) => name);
  const result = { seen, stored: world.server.texts, forged: ben!.mesh!.stats.forged, closed: link.closed };
  // Nothing else is concerned.
  await ada!.say("as before");
  await world.time.run(STORED_MS);
  for (const phone of world.phones) assertEquals(phone.lines.at(-1), "as before");
  world[Symbol.dispose]();
  return result;
}

Deno.test("[VERIFY-1] a valid event appears everywhere, and is stored for its author", async () => {
  const result = await pushed(async (signed) => (await signed()).wire);
  assertEquals(result, { seen: ["Ada", "Ben", "Cleo"], stored: ["junk"], forged: 0, closed: false });
});

Deno.test("[VERIFY-1] a forged event never appears, and costs the peer that passed it on its link", async () => {
  const result = await pushed(async (signed) => [(await signed()).wire[0], "A".repeat(86)]);
  assertEquals(result, { seen: [], stored: [], forged: 1, closed: true });
});

Deno.test("[VERIFY-1] an event of another room never appears", async () => {
  const result = await pushed(async (signed) => (await signed("B".repeat(22))).wire);
  assertEquals(result, { seen: [], stored: [], forged: 0, closed: false });
});

Deno.test("[VERIFY-1] an event whose clock is far ahead never appears", async () => {
  const result = await pushed(async (signed) => (await signed(undefined, 100 + CLOCK_MAX_LEAD)).wire);
  assertEquals(result, { seen: [], stored: [], forged: 0, closed: false });
});

Deno.test("[VERIFY-1] a known payload with a signature that is not its author's is forged too", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada] = world.phones;
  await ada!.say("true words");
  await world.time.run(STORED_MS);
  const event = [...meshHost(ada!.session.peers!).held()].find(({ wire }) => textIn(wire[0]) === "true words")!;
  const host = meshHost(ada!.session.peers!);
  assertEquals(await host.verdict(event), "good");
  assertEquals(await host.verdict({ ...event, wire: [event.wire[0], "A".repeat(86)] }), "forged");
});

// ---- sealed ----

Deno.test("[WAY-6] a sealed room talks over peers without a server, opened for its people and sealed on every transport", async () => {
  using world = await crowd(["Ada", "Ben"], { sealed: true });
  const [ada, ben] = world.phones;
  const frames: string[] = [];
  for (const connection of world.network.connections) {
    const { send } = connection;
    connection.send = (text) => {
      frames.push(text);
      return send.call(connection, text);
    };
  }
  await world.stopServer();
  await ada!.say("canary one");
  await world.until(() => ben!.lines.at(-1) === "canary one");
  await world.until(() => ada!.onPhones("canary one") === 1);
  await ben!.say("canary two");
  await world.until(() => ada!.lines.includes("canary two"));
  assert(frames.length > 0 && !frames.some((frame) => /canary|Ada|Ben/.test(frame)));
  await ada!.close();
  await ben!.close();
  // The stored events are sealed, and open on the next page.
  ben!.open();
  await world.until(() => ben!.lines.some((line) => line.startsWith("canary two")));
  assert(ben!.lines.includes("canary one"));
  world.server.down = false;
  await world.until(() => ben!.live, 20_000);
  await world.until(() => world.server.log.length === 3, FORWARD_MOST_MS + 1_000);
  assert(!/canary/.test(JSON.stringify([world.server.log, [...ben!.disk.relayed.values()]])));
});

// ---- links ----

Deno.test("a phone that reloads is the same person, and is linked again in under 2 s", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  const { author } = meshHost(ben!.session.peers!).signer;
  await ben!.close();
  await world.time.run(500);
  ben!.open();
  await world.until(() => ben!.live);
  assertEquals(meshHost(ben!.session.peers!).signer.author, author);
  ben!.startMesh();
  const startedAt = world.time.now();
  await world.until(() => ada!.reaches.reached === 1 && ben!.reaches.reached === 1);
  const tookMs = world.time.now() - startedAt;
  assert(tookMs < 2_000, `${tookMs} ms`);
  assertEquals(ada!.mesh!.links.map(({ peer, state }) => [peer, state]), [[author, "connected"]]);
});

Deno.test("a closed mesh sends goodbyes, has no links, and accepts none", async () => {
  using world = await crowd(["Ada", "Ben"]);
  const [ada, ben] = world.phones;
  const { mesh } = ben!;
  ben!.stopMesh();
  await world.time.run(OVER_LINK_MS);
  assertEquals(ada!.reaches, { reached: 0, missing: 1 });
  await world.time.run(30_000);
  assertEquals([ada!.reaches, mesh!.links], [{ reached: 0, missing: 1 }, []]);
  assertEquals(ada!.session.delivery.reason, "no_peers");
});

Deno.test("[FILE-1] in a sealed room a file is offered to people with the key, and the server learns nothing of it", async () => {
  using world = await crowd(["Ada", "Ben"], { sealed: true });
  const [ada, ben] = world.phones;
  const file = { name: "secret plan.pdf", type: "application/pdf", bytes: 9, root: "A".repeat(43) };
  assertEquals(await ada!.session.sendFile(file, "for us"), {});
  const offered = () => ben!.session.messages.value.find((item) => item.type === "message" && item.text === "for us");
  await world.until(() => offered() !== undefined);
  const item = offered();
  assertEquals(item?.type === "message" && item.file, file);
  await world.time.run(STORED_MS);
  const stored = JSON.stringify(world.server.log);
  assert(world.server.log.length > 1);
  assert(!stored.includes(file.root) && !stored.includes("secret plan"));
});
