/** Unread messages, and messages that arrived late. */
import { assert, assertEquals } from "@std/assert";
import { signEvent } from "../../lib/crypto/signing.ts";
import { type Event, readEvent } from "../../lib/kinds/kinds.ts";
import { MEMORY_MAX_EVENTS, REPLICA_MAX_EVENTS, SEEN_KEEP_EVERY_MS } from "../../lib/session/ports/session_limits.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import type { RoomSession } from "../../lib/session/room/room_session.ts";
import { fakeSigner } from "../simulation/fake_ed25519.ts";
import type { FakeServer } from "../support/fake_server.ts";
import { connected, lines, openRoom, openSession } from "./open_session.ts";

const KEPT_MS = SEEN_KEEP_EVERY_MS + 500;

/** The texts of the unread messages, in the order of the screen. */
function unread(session: RoomSession): string[] {
  return session.messages.value.flatMap((item) =>
    item.type === "message" && session.unread.value.has(item.id) ? [item.text] : []
  );
}

const late = (session: RoomSession) =>
  session.messages.value.flatMap((item) => item.type === "message" && item.late ? [item.text] : []);

/** A message that its author wrote when the room's clock stood at `clock`, and that reaches the server only now. */
async function carry(server: FakeServer, text: string, clock: number, writtenAt: number, by = 5): Promise<Event> {
  const signer = fakeSigner(new Uint8Array(32).fill(by));
  const event = await signEvent(signer, { room: server.room.id, n: 1, clock, at: writtenAt }, {
    kind: "message",
    body: { name: "Cy", text },
  });
  server.store(event);
  return event;
}

Deno.test("messages of others are unread until they are seen; my own never are", async () => {
  const { time, server, session } = await openRoom();
  assertEquals(unread(session), []);
  await server.say("one");
  await session.sendMessage("mine");
  await server.say("two");
  await time.run(200);
  assertEquals(unread(session), ["one", "two"]);
  session.seen();
  assertEquals(unread(session), []);
  await server.say("three");
  await time.run(200);
  assertEquals(unread(session), ["three"]);
  session.dispose();
});

Deno.test("a file counts as a message", async () => {
  const { time, server, session } = await openRoom();
  const other = openSession({ server, seed: 9, name: "Ben" });
  await connected(server, other);
  const file = { name: "map.pdf", type: "application/pdf", bytes: 9, root: "A".repeat(43) };
  assertEquals(await other.sendFile(file, " the map "), {});
  assertEquals(await other.sendFile(file, ""), {});
  await time.run(500);
  assertEquals(unread(session), ["the map", ""]);
  const items = session.messages.value.filter((item) => item.type === "message");
  assertEquals(items.map((item) => item.file), [file, file]);
  await session.sendMessage("thanks", items[1]!.id);
  await time.run(500);
  const reply = session.messages.value.at(-1);
  assertEquals(reply?.type === "message" && reply.replyTo?.text, "map.pdf");
  session.dispose();
  other.dispose();
});

Deno.test("the read position is stored even where the copy of the room did not reach the disk", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await server.say("read");
  await time.run(200);
  session.seen();
  await time.run(KEPT_MS);
  await session.persist();
  session.dispose();
  disk.copies.clear();
  await server.say("missed");
  const again = openSession({ server, disk });
  await connected(server, again);
  assertEquals(unread(again), ["missed"]);
  again.dispose();
});

Deno.test("only messages are unread, and a deleted one is no longer a message", async () => {
  const { time, server, session } = await openRoom();
  const { id, n } = await server.say("taken back");
  await server.say("", { content: { kind: "reaction", body: { to: id, emoji: "🎉", on: true } } });
  await server.say("", { content: { kind: "profile", body: { name: "Bob" } } });
  await time.run(200);
  assertEquals([...session.unread.value], [id]);
  await server.say("", { content: { kind: "retract", body: { to: id, n } } });
  await time.run(200);
  assertEquals(unread(session), []);
  session.dispose();
});

Deno.test("a first visit finds history, the next one finds the messages in between unread", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  session.dispose();
  await time.run(100);
  await server.say("while closed");
  const second = openSession({ server, disk });
  await second.ready;
  assertEquals(unread(second), []);
  await connected(server, second);
  assertEquals(unread(second), ["while closed"]);
  second.seen();
  second.dispose();
  await time.run(100);
  const third = openSession({ server, disk });
  await connected(server, third);
  assertEquals(unread(third), []);
  third.dispose();
});

Deno.test("messages that were stored but not seen are unread on the next page, before there is a transport", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await server.say("seen");
  await time.run(200);
  session.seen();
  await server.say("not looked at");
  await time.run(200);
  session.dispose();
  await time.run(100);
  server.down = true;
  const second = openSession({ server, disk });
  await second.ready;
  assertEquals([lines(second).at(-1), unread(second)], ["not looked at", ["not looked at"]]);
  assertEquals(second.upToDate.value, false);
  second.dispose();
});

Deno.test("a copy without a stored read position counts as seen", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await server.say("on the screen once");
  await time.run(200);
  session.dispose();
  await time.run(100);
  disk.seen.clear();
  await server.say("missed");
  const second = openSession({ server, disk });
  await connected(server, second);
  assertEquals(unread(second), ["missed"]);
  second.dispose();
});

Deno.test("the read position is stored soon, and not for every message", async () => {
  const disk = new MemoryDisk();
  let writes = 0;
  const storage = memoryStorage(disk, { lasting: true });
  const changeSeen: typeof storage.changeReadCursor = (room, change) => {
    writes++;
    return storage.changeReadCursor(room, change);
  };
  const { time, server, session } = await openRoom({ storage: { ...storage, changeReadCursor: changeSeen } });
  await time.run(KEPT_MS);
  writes = 0;
  for (let at = 0; at < 10; at++) {
    await server.say(`m${at}`);
    await time.run(50);
    session.seen();
  }
  await time.run(KEPT_MS);
  assert(writes >= 1 && writes <= 2, `${writes} writes`);
  assertEquals(disk.seen.get(server.room.id), { epoch: server.epoch, position: 11 });
  session.dispose();
});

Deno.test("tabs of a device agree: a message seen in one is not new in the other", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  const hidden = openSession({ server, disk });
  await connected(server, hidden);
  await server.say("seen in one tab");
  await time.run(200);
  session.seen();
  assertEquals(unread(hidden), ["seen in one tab"]);
  await time.run(3 * KEPT_MS);
  hidden.wake();
  await time.run(200);
  assertEquals(unread(hidden), []);
  // A tab that lags behind does not move the position back.
  hidden.dispose();
  await time.run(100);
  assertEquals(disk.seen.get(server.room.id)?.position, 2);
  session.dispose();
});

Deno.test("a failing storage loses no unread message of this page, and is tried again", async () => {
  const disk = new MemoryDisk();
  const storage = memoryStorage(disk, { lasting: true });
  let full = true;
  const changeSeen: typeof storage.changeReadCursor = (room, change) =>
    full ? Promise.reject(new Error("full")) : storage.changeReadCursor(room, change);
  const { time, server, session } = await openRoom({ storage: { ...storage, changeReadCursor: changeSeen } });
  await server.say("one");
  await time.run(200);
  session.seen();
  await time.run(KEPT_MS);
  assertEquals([unread(session), disk.seen.size], [[], 0]);
  full = false;
  await server.say("two");
  await time.run(KEPT_MS);
  assertEquals([unread(session), disk.seen.get(server.room.id)?.position], [["two"], 2]);
  session.dispose();
});

Deno.test("up to date means connected, with every missed message on the screen", async () => {
  const { time, server, session } = await openRoom();
  assertEquals(session.upToDate.value, true);
  server.down = true;
  server.cut();
  assertEquals(session.upToDate.value, false);
  for (let at = 0; at < 450; at++) await server.say(`missed ${at}`);
  server.down = false;
  // At no moment it says so before all is here.
  await time.until(() => {
    assert(!session.upToDate.value || session.messages.value.length === 451);
    return session.upToDate.value;
  });
  assertEquals(unread(session).length, 450);
  session.dispose();
});

Deno.test("a device that wakes up is up to date once the server has answered: buffered messages count as missed", async () => {
  const { time, server, session } = await openRoom();
  session.wake();
  assertEquals(session.upToDate.value, false);
  await server.say("buffered");
  const states: boolean[] = [];
  await time.until(() => {
    if (session.unread.value.size > 0) states.push(session.upToDate.value);
    return session.upToDate.value;
  });
  assertEquals([states[0], unread(session)], [false, ["buffered"]]);
  session.dispose();
});

Deno.test("a gap is declared, and messages after it are unread", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  session.dispose();
  await time.run(100);
  for (let at = 1; at <= 200; at++) await server.say(`m${at}`);
  server.answersLatest = true;
  const second = openSession({ server, disk });
  await connected(server, second);
  assertEquals([lines(second)[1], unread(second).length, second.upToDate.value], ["gap 150", 50, true]);
  // Loaded while they are still reading: new as well.
  second.loadOlder();
  await time.run(200);
  assertEquals(unread(second).length, 150);
  second.seen();
  second.loadOlder();
  await time.run(200);
  assertEquals([lines(second).length, unread(second).length], [201, 0]);
  second.dispose();
});

Deno.test("older history is not new", async () => {
  const { time, server, session } = await openRoom();
  session.dispose();
  for (let at = 1; at <= 120; at++) await server.say(`m${at}`);
  const second = openSession({ server });
  await connected(server, second);
  assertEquals(lines(second).length, 50);
  second.loadOlder();
  await time.run(500);
  assert(lines(second).length > 50);
  assertEquals(unread(second), []);
  second.dispose();
});

Deno.test("in another log (a new epoch) messages of the page are not new again", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await server.say("before");
  await time.run(200);
  session.seen();
  await time.run(KEPT_MS);
  server.epoch = "CCCCCCCCCCA";
  server.cut();
  await connected(server, session);
  await server.say("in the new log");
  await time.run(200);
  assertEquals(unread(session), ["in the new log"]);
  session.seen();
  await time.run(KEPT_MS);
  assertEquals(disk.seen.get(server.room.id), { epoch: server.epoch, position: 3 });
  session.dispose();
});

Deno.test("where a log lost its end, messages at the reused positions are new, and stored as such", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  for (let at = 1; at <= 5; at++) await server.say(`m${at}`);
  await time.run(200);
  session.seen();
  await time.run(KEPT_MS);
  server.log.splice(3);
  server.cut();
  await connected(server, session);
  await server.say("again", { by: 2 });
  await time.run(KEPT_MS);
  assertEquals([unread(session), disk.seen.get(server.room.id)?.position], [["again"], 3]);
  session.dispose();
});

Deno.test("a message from an offline phone is unread and late although it stands above seen messages", async () => {
  const { time, server, session } = await openRoom();
  const writtenAt = time.now();
  for (let at = 1; at <= 3; at++) {
    await time.run(60_000);
    await server.say(`m${at}`);
  }
  await time.run(200);
  session.seen();
  const before = session.messages.value;
  await carry(server, "from the field", 2, writtenAt);
  await time.run(200);
  const after = session.messages.value;
  const place = lines(session).indexOf("from the field");
  assert(place > 0 && place < after.length - 1, `it stands at ${place}`);
  assertEquals([unread(session), late(session)], [["from the field"], ["from the field"]]);
  // Nothing else is drawn anew.
  assert(before.every((item) => after.includes(item)));
  session.dispose();
});

Deno.test("every screen marks the same messages as late, however it got the room", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  const writtenAt = time.now();
  for (let at = 1; at <= 60; at++) {
    await time.run(5_000);
    await server.say(`m${at}`);
  }
  await carry(server, "late", 10, writtenAt);
  await carry(server, "a wrong clock, and last", 70, writtenAt - 86_400_000, 6);
  await time.run(200);
  assertEquals(late(session), ["late"]);
  session.dispose();
  await time.run(100);
  const again = openSession({ server, disk });
  await again.ready;
  assertEquals(late(again), ["late"]);
  again.dispose();
  const newcomer = openSession({ server });
  await connected(server, newcomer);
  newcomer.loadOlder();
  await time.run(500);
  assertEquals([lines(newcomer).length, late(newcomer)], [63, ["late"]]);
  newcomer.dispose();
});

Deno.test("a message that I wrote without a network is late for me too, once it is stored", async () => {
  const { time, server, session } = await openRoom();
  server.down = true;
  server.cut();
  await session.sendMessage("typed in the hole");
  for (let at = 1; at <= 3; at++) {
    await time.run(30_000);
    await server.say(`m${at}`);
  }
  assertEquals(late(session), []);
  server.down = false;
  await connected(server, session);
  const position = server.log.findIndex((wire) => {
    const read = readEvent(wire);
    return read.ok && read.event.kind === "message" && read.event.body.text === "typed in the hole";
  });
  assertEquals([position, late(session)], [4, ["typed in the hole"]]);
  session.dispose();
});

Deno.test("messages dropped from memory are not unread", async () => {
  const { time, server, session } = await openRoom();
  for (let at = 1; at <= 3; at++) await server.say(`first ${at}`);
  await time.run(200);
  assertEquals(session.unread.value.size, 3);
  const signer = fakeSigner(new Uint8Array(32).fill(3));
  const header = { room: server.room.id, n: 1, clock: 10, at: 0 };
  const { wire } = await signEvent(signer, header, { kind: "profile", body: { name: "Bo" } });
  // One and the same event at many positions: enough to make the reader forget.
  server.log.push(...Array.from({ length: MEMORY_MAX_EVENTS + 10 }, () => wire));
  server.cut();
  await connected(server, session);
  await time.run(5_000);
  assertEquals(session.unread.value.size, 0);
  assert(session.messages.value.length < REPLICA_MAX_EVENTS);
  session.dispose();
});
