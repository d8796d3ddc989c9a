/** Typed messages stay until the room has them: once, in order, and with a true state. */
import { assert, assertEquals } from "@std/assert";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import { OUTBOX_MAX_EVENTS } from "../../lib/session/ports/session_limits.ts";
import type { RoomSession } from "../../lib/session/room/room_session.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { connected, lines, openRoom, openSession, tabHub } from "./open_session.ts";
// Loaded on demand, from a disk that knows no virtual time: here it is loaded before.
import "../../lib/session/browser/on_demand.ts";

const waitingOn = (disk: MemoryDisk, server: FakeServer) => disk.outboxes.get(server.room.id)?.entries ?? [];

/** Ids of my refused messages. */
function refusedIds(session: RoomSession): string[] {
  return session.messages.value.flatMap((item) =>
    item.type === "message" && item.delivery?.state === "refused" ? [item.id] : []
  );
}

Deno.test("a message is shown at once, sent, and stored by its ack", async () => {
  const { time, server, session } = await openRoom();
  assertEquals(await session.sendMessage("hello"), {});
  assertEquals(lines(session).at(-1), "hello (on_its_way)");
  await time.run(100);
  assertEquals(lines(session).at(-1), "hello");
  assertEquals(server.texts, ["hello"]);
  session.dispose();
});

Deno.test("a text that cannot be sent says why and leaves nothing behind", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  assertEquals(await session.sendMessage(" \n "), { problem: "empty" });
  assertEquals(await session.sendMessage("x".repeat(2_001)), { problem: "too_long" });
  assertEquals(await session.sendMessage("🎪".repeat(2_000)), {});
  await time.run(100);
  assertEquals(server.texts, ["🎪".repeat(2_000)]);
  assertEquals(waitingOn(disk, server), []);
  session.dispose();
});

Deno.test("messages typed offline are queued, shown last, and sent in order when there is a transport", async () => {
  const { time, server, session } = await openRoom();
  server.down = true;
  server.cut();
  for (const text of ["one", "two", "three"]) await session.sendMessage(text);
  await server.say("meanwhile");
  assertEquals(lines(session), ["opened Main stage", "one (queued)", "two (queued)", "three (queued)"]);
  await time.run(20_000);
  server.down = false;
  await connected(server, session);
  assertEquals(server.texts, ["meanwhile", "one", "two", "three"]);
  assertEquals(lines(session).toSorted(), ["meanwhile", "one", "opened Main stage", "three", "two"]);
  session.dispose();
});

Deno.test("nothing of mine is sent before welcome", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.silenced = true;
  const session = openSession({ server });
  await session.sendMessage("early");
  await time.run(1_000);
  assertEquals(lines(session), ["early (queued)"]);
  server.silenced = false;
  await connected(server, session);
  assertEquals(server.texts, ["early"]);
  session.dispose();
});

Deno.test("the outbox survives the page: an entry is sent by the next one on the same storage", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  server.down = true;
  const first = openSession({ server, disk });
  await first.sendMessage("written before the crash");
  first.dispose();
  server.down = false;
  const second = openSession({ server, disk });
  await second.ready;
  assertEquals(lines(second), ["written before the crash (queued)"]);
  await connected(server, second);
  assertEquals(server.texts, ["written before the crash"]);
  assertEquals(waitingOn(disk, server), []);
  second.dispose();
});

Deno.test("an entry left unsigned by a crash is signed by the next page", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  let dead = false;
  const storage = memoryStorage(disk, { lasting: true, turn: () => dead ? new Promise(() => {}) : Promise.resolve() });
  const first = openSession({ server, storage });
  await connected(server, first);
  void first.sendMessage("unsigned");
  await time.until(() => waitingOn(disk, server).length === 1);
  dead = waitingOn(disk, server)[0]!.wire === undefined;
  first.dispose();
  const second = openSession({ server, disk });
  await connected(server, second);
  assertEquals(server.texts, ["unsigned"]);
  second.dispose();
});

Deno.test("[ACK-5] an ack lost with its transport makes no duplicate", async () => {
  const { time, server, session } = await openRoom();
  server.losesAcks = true;
  server.transports[0]!.catchUp = () => {};
  await session.sendMessage("once");
  await time.run(50);
  assertEquals(server.texts, ["once"]);
  server.losesAcks = false;
  server.cut();
  await time.run(0);
  assertEquals(lines(session).at(-1), "once (queued)");
  await connected(server, session);
  assertEquals(lines(session), ["opened Main stage", "once"]);
  assertEquals(server.texts, ["once"]);
  session.dispose();
});

Deno.test("an event in the log counts as stored, with or without an ack", async () => {
  const { time, server, session } = await openRoom();
  server.losesAcks = true;
  await session.sendMessage("seen");
  await time.run(100);
  assertEquals(lines(session).at(-1), "seen");
  session.dispose();
});

Deno.test("a live transport that never acks is replaced, and the event sent again", async () => {
  const { time, server, session } = await openRoom();
  server.losesAcks = true;
  server.transports[0]!.catchUp = () => {};
  await session.sendMessage("anybody?");
  await time.run(9_000);
  assertEquals(server.transports.length, 1);
  server.losesAcks = false;
  await time.run(4_000);
  assertEquals(server.transports.length, 2);
  assertEquals(lines(session).at(-1), "anybody?");
  session.dispose();
});

Deno.test("a rate refusal waits its time, keeps the order, and is no failure", async () => {
  const { time, server, session } = await openRoom();
  let refusals = 0;
  server.judge = () => refusals++ < 2 ? { reason: "rate_limited", retryAfterMs: 1_500 } : undefined;
  for (const text of ["a", "b", "c"]) await session.sendMessage(text);
  await time.run(1_000);
  assertEquals(lines(session).slice(1), ["a (queued)", "b (queued)", "c (queued)"]);
  await time.run(5_000);
  assertEquals(server.texts, ["a", "b", "c"]);
  assertEquals(session.connection.value.state, "connected");
  assertEquals(server.transports.length, 1);
  session.dispose();
});

for (const reason of ["overloaded", "storage_unavailable"] as const) {
  Deno.test(`${reason} leaves the message queued until it is accepted`, async () => {
    const { time, server, session } = await openRoom();
    server.judge = () => ({ reason, retryAfterMs: 1_000 });
    await session.sendMessage("patience");
    await time.run(3_500);
    assertEquals(lines(session).at(-1), "patience (queued)");
    server.judge = () => undefined;
    await time.run(2_000);
    assertEquals(lines(session).at(-1), "patience");
    session.dispose();
  });
}

Deno.test("the room's rate limit is kept: a flood is not sent only to be refused", async () => {
  const { time, server, session } = await openRoom();
  server.limits = { messageBurst: 5, messageEveryMs: 1_000, inFlight: 64 };
  server.cut();
  await connected(server, session);
  for (let at = 0; at < 8; at++) await session.sendMessage(`${at}`);
  await time.run(100);
  assertEquals(server.texts.length, 5);
  await time.run(3_000);
  assertEquals(server.texts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
  session.dispose();
});

Deno.test("no more events are in flight than the server allows", async () => {
  const { time, server, session } = await openRoom();
  server.limits = { ...server.limits, inFlight: 3 };
  server.down = true;
  server.cut();
  for (let at = 0; at < 10; at++) await session.sendMessage(`${at}`);
  server.down = false;
  await connected(server, session);
  await time.run(1_000);
  assert(server.framesOf("send").every(({ events }) => events.length <= 3));
  assertEquals(server.texts.length, 10);
  session.dispose();
});

Deno.test("a message refused for good says why and stays for its writer, and later messages are sent", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  server.judge = (event) =>
    event.kind === "message" && event.body.text === "bad" ? { reason: "wrong_kind" } : undefined;
  for (const text of ["good", "bad", "better"]) await session.sendMessage(text);
  await time.run(5_000);
  assertEquals(server.texts, ["good", "better"]);
  assertEquals(lines(session), ["opened Main stage", "good", "better", "bad (refused)"]);
  assertEquals(waitingOn(disk, server).map(({ refused }) => refused), ["wrong_kind"]);
  const [id] = refusedIds(session);
  assertEquals(await session.discardRefused(id!), "bad");
  assertEquals(lines(session), ["opened Main stage", "good", "better"]);
  assertEquals(waitingOn(disk, server), []);
  assertEquals(await session.discardRefused(id!), undefined);
  session.dispose();
});

Deno.test("signed bytes keep their number after a refusal before them: late bytes of an old transport make no duplicate", async () => {
  const { time, server, session } = await openRoom();
  server.judge = (event) => event.kind === "message" && event.body.text === "bad" ? { reason: "bad_event" } : undefined;
  await session.sendMessage("bad");
  await session.sendMessage("after");
  await time.run(5_000);
  // Everything ever sent arrives again, as from a replaced transport.
  const late = server.framesOf("send").flatMap(({ events }) => events);
  session.forceReconnect();
  await connected(server, session);
  server.open[0]!.send(JSON.stringify({ type: "send", events: late }));
  await time.run(1_000);
  assertEquals(server.texts, ["after"]);
  session.dispose();
});

Deno.test("a text whose number another event has is signed again with the next number", async () => {
  const disk = new MemoryDisk();
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.down = true;
  const session = openSession({ server, disk });
  await session.sendMessage("one");
  await session.sendMessage("two");
  // The room has numbers of this key that this storage does not know: an old copy of it was restored.
  const other = openSession({ server, disk: Object.assign(new MemoryDisk(), { secret: disk.secret }) });
  server.down = false;
  await connected(server, other);
  for (const text of ["x", "y", "z"]) await other.sendMessage(text);
  await time.run(500);
  await connected(server, session);
  await time.run(3_000);
  assertEquals(server.texts.toSorted(), ["one", "two", "x", "y", "z"]);
  assertEquals(lines(session).toSorted(), ["one", "opened Main stage", "two", "x", "y", "z"]);
  assertEquals(await session.sendMessage("three"), {});
  await time.run(500);
  assertEquals(server.texts.at(-1), "three");
  session.dispose();
  other.dispose();
});

Deno.test("a server restored from a backup gets its missing numbers filled, and the conversation continues", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  for (const text of ["a", "b", "c"]) await session.sendMessage(text);
  await time.run(500);
  // A backup from after the first message was restored.
  server.log.splice(2);
  const mine = [...server.lastN.keys()].find((author) => author !== server.host.author)!;
  server.lastN.set(mine, 1);
  server.cut();
  await connected(server, session);
  await session.sendMessage("d");
  await time.run(5_000);
  assertEquals(server.texts, ["a", "d"]);
  session.dispose();
});

Deno.test("two tabs of one device give out numbers without holes or duplicates", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  const tab = tabHub(time);
  const tabs = [openSession({ server, disk, tabs: tab() }), openSession({ server, disk, tabs: tab(), seed: 2 })];
  for (const session of tabs) await connected(server, session);
  assertEquals(tabs[0]!.me.value?.author, tabs[1]!.me.value?.author);
  await Promise.all(Array.from({ length: 20 }, (_, at) => tabs[at % 2]!.sendMessage(`${at}`)));
  await time.run(5_000);
  assertEquals(server.texts.length, 20);
  assertEquals(new Set(server.texts).size, 20);
  assertEquals(waitingOn(disk, server), []);
  assertEquals(lines(tabs[0]!), lines(tabs[1]!));
  for (const session of tabs) session.dispose();
});

Deno.test("one tab sends the messages that another could not send", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  const tab = tabHub(time);
  const [first, second] = [openSession({ server, disk, tabs: tab() }), openSession({ server, disk, tabs: tab() })];
  await connected(server, first);
  await connected(server, second);
  server.transports[0]!.send = () => true; // The first tab's transport is dead.
  await first.sendMessage("through the other one");
  await time.run(200);
  assertEquals(server.texts, ["through the other one"]);
  assertEquals(lines(second).at(-1), "through the other one");
  await time.run(10_000);
  assertEquals(lines(first), ["opened Main stage", "through the other one"]);
  first.dispose();
  second.dispose();
});

Deno.test("a message discarded in one tab disappears in the other", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  const tab = tabHub(time);
  const [first, second] = [openSession({ server, disk, tabs: tab() }), openSession({ server, disk, tabs: tab() })];
  await connected(server, first);
  await connected(server, second);
  server.judge = (event) => event.kind === "message" ? { reason: "bad_event" } : undefined;
  await first.sendMessage("never mind");
  await time.run(3_000);
  assertEquals(lines(second).at(-1), "never mind (refused)");
  await first.discardRefused(refusedIds(first)[0]!);
  await time.run(3_000);
  assertEquals(lines(second), ["opened Main stage"]);
  assertEquals(lines(first), ["opened Main stage"]);
  first.dispose();
  second.dispose();
});

Deno.test("a full outbox says so and takes nothing more", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.down = true;
  const disk = new MemoryDisk();
  const session = openSession({ server, disk });
  for (let at = 0; at < OUTBOX_MAX_EVENTS; at++) assertEquals(await session.sendMessage(`${at}`), {});
  assertEquals(await session.sendMessage("one too many"), { problem: "outbox_full" });
  assertEquals(session.messages.value.length, OUTBOX_MAX_EVENTS);
  server.down = false;
  await connected(server, session);
  await time.run(10_000);
  assertEquals(server.texts.length, OUTBOX_MAX_EVENTS);
  assertEquals(waitingOn(disk, server), []);
  session.dispose();
});

Deno.test("a failing storage reports that nothing was stored; one that never worked is replaced by memory", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  let full = false;
  const turn = () => full ? Promise.reject(new Error("QuotaExceededError")) : Promise.resolve();
  const session = openSession({ server, storage: memoryStorage(new MemoryDisk(), { lasting: true, turn }) });
  await connected(server, session);
  assertEquals(session.stored.value, true);
  full = true;
  assertEquals(await session.sendMessage("dropped?"), { problem: "not_stored" });
  assertEquals(lines(session), ["opened Main stage"]);
  const other = openSession({ server, storage: memoryStorage(new MemoryDisk(), { lasting: true, turn }), seed: 2 });
  await connected(server, other);
  assertEquals(other.stored.value, false);
  assertEquals(await other.sendMessage("in memory"), {});
  await time.run(200);
  assertEquals(server.texts, ["in memory"]);
  session.dispose();
  other.dispose();
});

Deno.test("forty messages written at once are shown a few times, not forty times", async () => {
  const { time, session } = await openRoom();
  let shown = 0;
  const stop = session.messages.subscribe(() => void shown++);
  await Promise.all(Array.from({ length: 40 }, (_, at) => session.sendMessage(`line ${at}`)));
  await time.run(60_000);
  assertEquals(lines(session).slice(-2), ["line 38", "line 39"]);
  // Each is queued, on its way, stored, in the log.
  assert(shown < 2 * 40, `shown ${shown} times`);
  stop();
  session.dispose();
});
