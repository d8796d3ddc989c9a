/** A device's copy of a room's log, and how it declares the missing parts. */
import { assert, assertEquals } from "@std/assert";
import {
  OLDER_EVENTS,
  REPLICA_MAX_EVENTS,
  REPLICA_SAVE_EVERY_MS,
  UNCHECKED_MAX_EVENTS,
} from "../../lib/session/ports/session_limits.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import { readEvent } from "../../lib/kinds/kinds.ts";
import { signEvent } from "../../lib/crypto/signing.ts";
import { fakeSigner } from "../simulation/fake_ed25519.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { newRoomSecret, sealerOf } from "../../lib/crypto/seal.ts";
import type { EventContent } from "../../lib/kinds/kinds.ts";
import { LATEST_EVENTS } from "../../lib/protocol/limits.ts";
import { LINES_MAX_PAGES } from "../../lib/session/ports/session_limits.ts";
import { connected, lines, openRoom, openSession } from "./open_session.ts";

async function say(server: FakeServer, from: number, to: number): Promise<void> {
  for (let at = from; at <= to; at++) await server.say(`m${at}`);
}

const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `m${from + at}`);

Deno.test("a room opens from the local copy, without a server", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  await say(server, 1, 3);
  const first = openSession({ server, disk });
  await connected(server, first);
  first.dispose();
  await time.run(10);
  server.down = true;
  const second = openSession({ server, disk });
  await second.ready;
  assertEquals(lines(second), ["opened Main stage", "m1", "m2", "m3"]);
  assertEquals(second.room.value?.name, "Main stage");
  server.down = false;
  await say(server, 4, 5);
  await connected(server, second);
  assertEquals(lines(second), ["opened Main stage", ...texts(1, 5)]);
  assertEquals(server.framesOf("hello").at(-1)?.resume?.position, 4);
  second.dispose();
});

Deno.test("events are stored at once: a browser killed right after their arrival shows them without a network", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await time.run(REPLICA_SAVE_EVERY_MS);
  await server.say("kept");
  await time.until(() => lines(session).includes("kept"));
  await time.run(0);
  assertEquals(disk.copies.get(server.room.id)?.ranges, [{ from: 1, to: 2 }]);
  assertEquals(disk.copies.get(server.room.id)?.events.length, 2);
  session.dispose();
});

Deno.test("in a busy room the copy is written once a second, and completely", async () => {
  const disk = new MemoryDisk();
  const storage = memoryStorage(disk, { lasting: true });
  const writtenAt: number[] = [];
  const { time, server, session } = await openRoom({
    storage: {
      ...storage,
      saveReplica: (room, copy, replaces) => {
        writtenAt.push(time.now());
        return storage.saveReplica(room, copy, replaces);
      },
    },
  });
  for (let at = 0; at < 100; at++) {
    await server.say(`line ${at}`);
    await time.run(50);
  }
  const gaps = writtenAt.slice(1).map((at, index) => at - writtenAt[index]!);
  assertEquals(gaps, [1_000, 1_000, 1_000, 1_000]);
  await time.run(REPLICA_SAVE_EVERY_MS);
  assertEquals(disk.copies.get(server.room.id)?.ranges, [{ from: 1, to: 101 }]);
  session.dispose();
});

Deno.test("a copy that is too old gets the newest events and a declared gap, which scrolling fills", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  await say(server, 1, 5);
  const first = openSession({ server, disk });
  await connected(server, first);
  first.dispose();
  await time.run(10);
  await say(server, 6, 300);
  // The server no longer has the resume position.
  const copy = disk.copies.get(server.room.id)!;
  server.oldest = 1;
  const session = openSession({ server, disk });
  server.answersLatest = true;
  await connected(server, session);
  server.answersLatest = false;
  assertEquals(copy.ranges, [{ from: 1, to: 6 }]);
  assertEquals(lines(session), ["opened Main stage", ...texts(1, 5), "gap 245", ...texts(251, 300)]);
  assertEquals(session.older.value, "available");
  session.loadOlder();
  assertEquals(session.older.value, "loading");
  await time.run(200);
  assertEquals(lines(session).slice(6, 9), ["gap 145", "m151", "m152"]);
  session.loadOlder();
  await time.run(200);
  session.loadOlder();
  await time.run(200);
  assertEquals(lines(session), ["opened Main stage", ...texts(1, 300)]);
  assertEquals(session.older.value, "none");
  assertEquals(server.framesOf("history").map(({ limit }) => limit), [OLDER_EVENTS, OLDER_EVENTS, 45]);
  session.dispose();
});

Deno.test("the timeline says which events the room no longer has", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const disk = new MemoryDisk();
  await say(server, 1, 5);
  const first = openSession({ server, disk });
  await connected(server, first);
  first.dispose();
  await time.run(10);
  await say(server, 6, 200);
  server.log.splice(0, 100);
  server.oldest = 101;
  const session = openSession({ server, disk });
  await connected(server, session);
  assertEquals(lines(session).slice(5, 9), ["m5", "gone 94", "gap 51", "m151"]);
  session.loadOlder();
  await time.run(200);
  assertEquals(lines(session).slice(5, 9), ["m5", "gone 94", "m100", "m101"]);
  assertEquals(session.older.value, "none");
  session.dispose();
});

Deno.test("older messages that were requested offline arrive when there is a transport", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  await say(server, 1, 80);
  const session = openSession({ server });
  await connected(server, session);
  assertEquals(lines(session), texts(31, 80));
  server.cut();
  session.loadOlder();
  assertEquals(session.older.value, "loading");
  await connected(server, session);
  assertEquals(lines(session), ["opened Main stage", ...texts(1, 80)]);
  session.dispose();
});

Deno.test("a page that a busy server refused is requested again after the time it named", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  await say(server, 1, 80);
  const session = openSession({ server });
  await connected(server, session);
  server.busy = true;
  session.loadOlder();
  await time.run(300);
  assertEquals(session.older.value, "loading");
  server.busy = false;
  await time.run(1_000);
  assertEquals(session.older.value, "none");
  session.dispose();
});

Deno.test("an event with a wrong signature, of another room, or malformed is not shown and stops nothing", async () => {
  const { time, server, session } = await openRoom();
  const mallory = fakeSigner(new Uint8Array(32).fill(66));
  const header = { room: server.room.id, n: 1, clock: 2, at: 0 };
  const content = { kind: "message", body: { name: "Mallory", text: "bad" } } as const;
  const right = await signEvent(mallory, header, content);
  const foreign = await signEvent(mallory, { ...header, room: "AAAAAAAAAAAAAAAAAAAAAA" }, content);
  const usurper = await signEvent(mallory, header, { kind: "room", body: { roomKind: "unlisted", name: "Mine now" } });
  server.log.push([right.wire[0], fakeSigner(new Uint8Array(32)).author.padEnd(86, "A")]);
  server.log.push(foreign.wire, usurper.wire, ["{}", right.wire[1]], ["not json", right.wire[1]]);
  await server.say("after them");
  await time.run(100);
  assertEquals(lines(session), ["opened Main stage", "after them"]);
  assertEquals(session.room.value?.name, "Main stage");
  server.cut();
  await connected(server, session);
  assertEquals(server.framesOf("hello").at(-1)?.resume?.position, 7);
  session.dispose();
});

Deno.test("a server whose description contradicts the genesis event is not believed", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.room = { ...server.room, name: "Another name" };
  const session = openSession({ server });
  await time.run(5_000);
  assertEquals(session.room.value, undefined);
  assertEquals(lines(session), []);
  session.dispose();
});

Deno.test("another log of the same room (a new epoch) is read anew; shown messages stay, and the loss is declared", async () => {
  const { time, server, session } = await openRoom();
  await say(server, 1, 3);
  await time.run(100);
  server.epoch = "CCCCCCCCCCA";
  server.log.splice(1);
  server.lastN.delete([...server.lastN.keys()].at(-1)!);
  server.clock = 10;
  server.cut();
  await connected(server, session);
  await server.say("in the new log");
  await time.run(100);
  assert(lines(session).includes("m3") && lines(session).includes("in the new log"));
  assertEquals(lines(session).filter((line) => line.startsWith("gone")), ["gone 0"]);
  session.dispose();
});

Deno.test("[CLEAR-2] nothing of a cleared room stays on the screen, and each welcome reports the clearing to the files", async () => {
  const told: [epoch: string, shown: string[]][] = [];
  const { time, server, session } = await openRoom({ onCleared: (epoch) => told.push([epoch, lines(session)]) });
  await say(server, 1, 3);
  await time.run(100);
  assertEquals([lines(session).length, told], [4, []]);
  server.oldest = server.head + 1;
  server.log = [];
  server.epoch = "CCCCCCCCCCA";
  server.cleared = server.clock;
  server.cut("room_cleared");
  await time.until(() => told.length > 0);
  assertEquals(told, [["CCCCCCCCCCA", []]]);
  await server.say("after");
  await time.run(100);
  server.cut();
  await connected(server, session);
  assertEquals(told.slice(1), [["CCCCCCCCCCA", ["after"]]]);
  session.dispose();
});

Deno.test("[CLEAR-2] an acked event that the log never delivered before it was cleared leaves the screen too", async () => {
  const { time, server, session } = await openRoom();
  const [transport] = server.open;
  const tell = transport!.tell.bind(transport!);
  transport!.tell = (frame) => typeof frame !== "string" && frame.type === "events" ? undefined : tell(frame);
  await session.sendMessage("mine");
  await time.until(() => session.waiting === 0);
  assertEquals(lines(session).at(-1), "mine");
  server.oldest = server.head + 1;
  server.log = [];
  server.epoch = "CCCCCCCCCCA";
  server.cleared = server.clock;
  server.cut("room_cleared");
  await connected(server, session);
  assertEquals(lines(session), []);
  session.dispose();
});

Deno.test("a log that lost its end (a restored backup) is followed from there, and new events reuse its positions", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await say(server, 1, 5);
  await time.run(2_500);
  server.log.splice(3);
  server.cut();
  await connected(server, session);
  await server.say("again", { by: 2 });
  await time.run(2_500);
  assert(lines(session).includes("again"));
  assertEquals(disk.copies.get(server.room.id)?.ranges, [{ from: 1, to: 4 }]);
  session.dispose();
  const second = openSession({ server, disk });
  await say(server, 7, 9);
  await connected(server, second);
  assertEquals(server.framesOf("hello").at(-1)?.resume?.position, 4);
  assertEquals(lines(second), ["opened Main stage", "m1", "m2", "again", "m7", "m8", "m9"]);
  second.dispose();
});

Deno.test("the copy keeps the newest events and forgets the oldest", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await say(server, 1, REPLICA_MAX_EVENTS + 20);
  await time.run(3_000);
  assertEquals(disk.copies.get(server.room.id)?.events.length, REPLICA_MAX_EVENTS);
  assertEquals(session.messages.value.length, REPLICA_MAX_EVENTS + 21);
  session.dispose();
  await time.run(10);
  const second = openSession({ server, disk });
  await second.ready;
  assertEquals(second.messages.value.length, REPLICA_MAX_EVENTS);
  assertEquals(second.older.value, "available");
  second.dispose();
});

Deno.test("a thousand missed events arrive in one go", async () => {
  const { time, server, session } = await openRoom();
  server.down = true;
  server.cut();
  await say(server, 1, 1_000);
  server.down = false;
  await connected(server, session);
  await time.run(1_000);
  assertEquals(lines(session), ["opened Main stage", ...texts(1, 1_000)]);
  session.dispose();
});

Deno.test("too many unverified events end the transport, and nothing is lost", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  const session = openSession({ server, checkAfter: promise });
  await connected(server, session);
  await say(server, 1, UNCHECKED_MAX_EVENTS - 1);
  await time.run(100);
  assertEquals(session.connection.value.state, "connected");
  await say(server, UNCHECKED_MAX_EVENTS, UNCHECKED_MAX_EVENTS + 500);
  await time.run(100);
  assertEquals(session.connection.value.state, "disconnected");
  resolve();
  await connected(server, session);
  await time.run(20_000);
  assertEquals(lines(session), ["opened Main stage", ...texts(1, UNCHECKED_MAX_EVENTS + 500)]);
  session.dispose();
});

const idOf = (at: number) => `${String(at).padStart(21, "A")}A`;

/** Events that are no messages and may follow the last one. */
const NO_LINES: Record<string, (target: string, at: number) => EventContent> = {
  reactions: (to, at) => ({ kind: "reaction", body: { to, emoji: at % 2 ? "🔥" : "👍", on: true } }),
  "reactions to nothing": (_, at) => ({
    kind: "reaction",
    body: { to: idOf(at), emoji: "🔥", on: true },
  }),
  "deletions of nothing": (_, at) => ({ kind: "retract", body: { to: idOf(at), n: at + 1 } }),
  edits: (to, at) => ({ kind: "edit", body: { to, text: `edited ${at}` } }),
  "new names": (_, at) => ({ kind: "profile", body: { name: `Bo ${at}` } }),
};

for (const [what, content] of Object.entries(NO_LINES)) {
  for (const count of [LATEST_EVENTS, 300]) {
    Deno.test(`[SYNC-6] a newcomer reads the 20 messages that stand above ${count} ${what}`, async () => {
      const time = new VirtualTime();
      const server = await FakeServer.create(time);
      await say(server, 1, 20);
      // Edits by somebody else do not count.
      const first = server.log[1]!;
      const read = readEvent(first);
      const target = read.ok ? read.event.id : "";
      for (let at = 0; at < count; at++) await server.say("", { by: 2, content: content(target, at) });
      const session = openSession({ server });
      await connected(server, session);
      await time.run(1_000);
      const said = session.messages.value.flatMap((item) => item.type === "message" ? [item.text] : []);
      assertEquals(said, texts(1, 20));
      assertEquals(session.older.value, "none");
      session.dispose();
    });
  }
}

Deno.test("[SYNC-6] a newcomer to a sealed room, too, reads the 20 messages above 300 reactions", async () => {
  const secret = newRoomSecret((bytes) => bytes.fill(5));
  const sealer = await sealerOf(secret);
  const time = new VirtualTime();
  const server = await FakeServer.create(time, { kind: "sealed", sealer });
  for (let at = 1; at <= 20; at++) await server.say(`m${at}`, { sealer });
  for (let at = 0; at < 300; at++) {
    await server.say("", { by: 2, sealer, content: NO_LINES["reactions to nothing"]!("", at) });
  }
  const session = openSession({ server, secret });
  // Web Crypto works outside of virtual time.
  for (let step = 0; step < 2_000 && lines(session).length < 21; step++) {
    await time.run(5);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(lines(session), ["opened Main stage", ...texts(1, 20)]);
  session.dispose();
});

Deno.test("[SYNC-6] the newest 50 messages are loaded when reactions lie between them, and no more are requested", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  for (let at = 1; at <= 200; at++) {
    await server.say(`m${at}`);
    if (at % 5 === 0) await server.say("", { by: 2, content: NO_LINES["reactions to nothing"]!("", at) });
  }
  const session = openSession({ server });
  await connected(server, session);
  await time.run(1_000);
  assert(lines(session).length >= LATEST_EVENTS && lines(session).length <= LATEST_EVENTS + OLDER_EVENTS);
  assertEquals(lines(session).at(-LATEST_EVENTS), "m151");
  assertEquals(server.framesOf("history").map(({ limit }) => limit), [9, OLDER_EVENTS]);
  session.dispose();
});

Deno.test("[SYNC-6] a flood of reactions costs a newcomer 20 pages; scrolling up continues from there", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  await say(server, 1, 3);
  for (let at = 0; at < 2_500; at++) {
    await server.say("", { by: 2, content: NO_LINES["reactions to nothing"]!("", at) });
  }
  const session = openSession({ server });
  await connected(server, session);
  await time.run(5_000);
  assertEquals(server.framesOf("history").length, LINES_MAX_PAGES);
  assertEquals([lines(session), session.older.value], [[], "available"]);
  session.loadOlder();
  await time.run(5_000);
  assertEquals(lines(session), ["opened Main stage", "m1", "m2", "m3"]);
  session.dispose();
});

Deno.test("[SYNC-6] while a newcomer's messages are being loaded, the state is loading, even when the server is busy", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  await say(server, 1, 3);
  for (let at = 0; at < 60; at++) await server.say("", { by: 2, content: NO_LINES["new names"]!("", at) });
  server.busy = true;
  const session = openSession({ server });
  await connected(server, session);
  await time.run(3_000);
  assertEquals(session.older.value, "loading");
  server.busy = false;
  await time.run(1_000);
  assert(lines(session).includes("m1"));
  session.dispose();
});
