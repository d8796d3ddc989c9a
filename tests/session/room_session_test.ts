/** The actions of a page in a room, and its view of the others. */
import { assert, assertEquals } from "@std/assert";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { readEvent } from "../../lib/kinds/kinds.ts";
import { MemoryDisk } from "../../lib/session/storage/memory_storage.ts";
import type { RoomSession } from "../../lib/session/room/room_session.ts";
import { FakeServer } from "../support/fake_server.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { connected, lines, openRoom, openSession } from "./open_session.ts";

const AUTHORS = [1, 2, 3].map((byte) => toBase64Url(new Uint8Array(32).fill(byte)));

function last(session: RoomSession) {
  const item = session.messages.value.at(-1);
  assert(item?.type === "message");
  return item;
}

Deno.test("reply, reaction, edit and retract reach the room and the screen", async () => {
  const { time, server, session } = await openRoom();
  const { id } = await server.say("question");
  await time.run(100);
  await session.sendMessage("answer", id);
  await time.run(100);
  assertEquals(last(session).replyTo?.text, "question");
  const mine = last(session).id;
  await session.react(id, "🎉", true);
  await time.run(100);
  const asked = session.messages.value.at(-2);
  assert(asked?.type === "message");
  assertEquals(asked.reactions, [{ emoji: "🎉", count: 1, mine: true }]);
  assertEquals(await session.edit(mine, "better answer"), {});
  await time.run(100);
  assertEquals([last(session).text, last(session).edited], ["better answer", true]);
  await session.deleteMessage(mine);
  await time.run(100);
  assertEquals(session.messages.value.at(-1)?.type, "retracted");
  const kinds = server.log.map((wire) => readEvent(wire)).map((read) => read.ok && read.event.kind);
  assertEquals(kinds, ["room", "message", "reply", "reaction", "edit", "retract"]);
  session.dispose();
});

Deno.test("nobody edits or deletes a message of somebody else", async () => {
  const { time, server, session } = await openRoom();
  const { id } = await server.say("theirs");
  await time.run(100);
  await session.edit(id, "mine now");
  await session.deleteMessage(id);
  await time.run(100);
  assertEquals(server.log.length, 2);
  session.dispose();
});

Deno.test("an edit that is empty or too long says so", async () => {
  const { time, session } = await openRoom();
  await session.sendMessage("text");
  await time.run(100);
  assertEquals(await session.edit(last(session).id, " "), { problem: "empty" });
  assertEquals(await session.edit(last(session).id, "x".repeat(2_001)), { problem: "too_long" });
  session.dispose();
});

Deno.test("a new name shows immediately, is stored on the device, and is sent to the room", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  await session.sendMessage("before");
  assertEquals(await session.rename("  Grace  "), {});
  assertEquals(session.me.value?.name, "Grace");
  assertEquals(disk.name, "Grace");
  await time.run(100);
  assertEquals(lines(session).at(-1), "renamed Grace");
  assertEquals(session.people.value.shown.map(({ name }) => name), ["Grace"]);
  assertEquals(await session.rename("Grace"), {});
  assertEquals(await session.rename(" "), { problem: "empty" });
  await time.run(100);
  assertEquals(server.log.length, 3);
  session.dispose();
});

Deno.test("a person without a name can read and is shown by a picture", async () => {
  const { session } = await openRoom({ name: "" });
  assertEquals(session.me.value?.name, "");
  assertEquals(session.connection.value.state, "connected");
  assert(/^\p{ExtPict}/u.test(session.people.value.shown[0]!.name));
  session.dispose();
});

Deno.test("people come, go and are counted", async () => {
  const { time, server, session } = await openRoom();
  const person = (at: number, name: string) => ({ author: AUTHORS[at]!, name });
  server.tell({ type: "presence", count: 3, joined: [person(0, "Bo"), person(1, "Cy")], left: [] });
  await time.run(50);
  assertEquals(session.people.value.count, 3);
  assertEquals(session.people.value.shown.map(({ name }) => name), ["Ada", "Bo", "Cy"]);
  server.tell({ type: "presence", count: 2, joined: [person(1, "Cyd")], left: [AUTHORS[0]!] });
  await time.run(50);
  assertEquals(session.people.value.shown.map(({ name }) => name), ["Ada", "Cyd"]);
  server.cut();
  await connected(server, session);
  assertEquals(session.people.value.shown.map(({ name }) => name), ["Ada"]);
  session.dispose();
});

Deno.test("names from other programs are made fit to be shown", async () => {
  const { time, server, session } = await openRoom();
  await server.say("hi", { name: "Eve\u202E\u0000  x" });
  server.tell({ type: "presence", count: 2, joined: [{ author: AUTHORS[0]!, name: "B\u200Bo " }], left: [] });
  await time.run(100);
  assertEquals(last(session).author.name, "Eve x");
  assertEquals(session.people.value.shown[1]?.name, "Bo");
  session.dispose();
});

Deno.test("the host is marked, and a copied name is", async () => {
  const { time, server, session } = await openRoom();
  await server.say("first", { by: 1, name: "Bo" });
  await server.say("second", { by: 2, name: "bo" });
  await time.run(100);
  assertEquals(last(session).author.copiedName, true);
  const [founded, first] = session.messages.value;
  assert(founded?.type === "note" && first?.type === "message");
  assertEquals(founded.author.host, true);
  assertEquals(first.author.copiedName, false);
  session.dispose();
});

Deno.test("unchanged items keep their identity, so that screens draw only changes", async () => {
  const { time, server, session } = await openRoom();
  await server.say("one");
  await time.run(100);
  const before = session.messages.value;
  const { me, people } = session;
  const [meBefore, peopleBefore] = [me.value, people.value];
  await server.say("two");
  await time.run(100);
  assert(session.messages.value[0] === before[0] && session.messages.value[1] === before[1]);
  assert(me.value === meBefore && people.value === peopleBefore);
  session.dispose();
});

Deno.test("an opened room is remembered, the newest first", async () => {
  const disk = new MemoryDisk();
  const { server, session } = await openRoom({ disk });
  const { id, code } = server.room;
  assertEquals(disk.rooms.map(({ openedAt: _, ...room }) => room), [
    { id, kind: "unlisted", name: "Main stage", code: code!, favourite: false },
  ]);
  session.dispose();
});

Deno.test("my clock continues from the highest one seen, so a reply never stands above its message", async () => {
  const time = new VirtualTime();
  const server = await FakeServer.create(time);
  server.clock = 500;
  const session = openSession({ server });
  const { id } = await server.say("asked at 501");
  await connected(server, session);
  await session.sendMessage("answered", id);
  await time.run(100);
  const read = readEvent(server.log.at(-1)!);
  assert(read.ok && read.event.clock === 502);
  session.dispose();
});
