/** Phones drop the text of deleted messages, and keep kinds from a newer build. Rules: [DEL-6], [STUB-3], [SKEW-2]. */
import { assert, assertEquals } from "@std/assert";
import { composeRetract } from "../../lib/kinds/retract.ts";
import { stubFor } from "../../lib/protocol/stub.ts";
import { MemoryDisk } from "../../lib/session/storage/memory_storage.ts";
import { connected, lines, openRoom, openSession } from "./open_session.ts";

const SECRET = "a text that nobody may find";

function dumpOf({ copies, relayed }: MemoryDisk): string {
  return JSON.stringify([...copies.values(), ...[...relayed.values()].flatMap((events) => [...events.values()])]);
}

Deno.test("[DEL-6] a phone that receives a retract drops the payloads of the message and its edits, on the device too", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  const said = await server.say(SECRET);
  const edited = await server.say("", { content: { kind: "edit", body: { to: said.id, text: `${SECRET}, edited` } } });
  await time.run(10_000);
  assert(dumpOf(disk).includes(SECRET));
  assertEquals(session.unread.value.size, 1);
  await server.say("", { content: composeRetract(said, [edited]) });
  await time.run(10_000);
  assertEquals(lines(session), ["opened Room", "retracted"].with(0, lines(session)[0]!));
  assert(!dumpOf(disk).includes(SECRET), "the device still holds the text");
  assertEquals(session.unread.value.size, 0);
  session.dispose();

  server.down = true;
  const again = openSession({ server, disk });
  await again.ready;
  await time.run(1_000);
  assertEquals(lines(again), lines(session));
  again.dispose();
});

Deno.test("[STUB-3] a newcomer sees that a message was deleted, where it stood, and nothing of an edit", async () => {
  const { time, server, session } = await openRoom();
  const said = await server.say(SECRET);
  const edited = await server.say("", { content: { kind: "edit", body: { to: said.id, text: "edited" } } });
  await server.say("after");
  await time.run(1_000);
  const log = server.log as unknown[];
  log[1] = stubFor(said, "retracted", false);
  log[2] = stubFor(edited, "retracted", true);
  const newcomer = openSession({ server, seed: 2 });
  await connected(server, newcomer);
  assertEquals(lines(newcomer).slice(1), ["retracted", "after"]);
  newcomer.dispose();
  session.dispose();
});

Deno.test("[DEL-6] my retract names my message by number and all edits of it", async () => {
  const { time, server, session } = await openRoom();
  await session.sendMessage("one");
  await time.run(1_000);
  const mine = session.messages.value.at(-1)!.id;
  await session.edit(mine, "two");
  await session.edit(mine, "three");
  await time.run(1_000);
  await session.deleteMessage(mine);
  await time.run(1_000);
  const { body } = JSON.parse(server.log.at(-1)![0]);
  assertEquals([body.to, body.n, body.edits.map(([, n]: [string, number]) => n)], [mine, 1, [2, 3]]);
  session.dispose();
});

Deno.test("[SKEW-2] an event of a kind from a newer build is shown as such, kept as it is, and is no unread message", async () => {
  const disk = new MemoryDisk();
  const { time, server, session } = await openRoom({ disk });
  // deno-lint-ignore no-explicit-any -- as a later build writes it.
  const poll = await server.say("", { content: { kind: "poll", body: { question: "Where?" } } as any });
  await time.run(10_000);
  assertEquals(lines(session).slice(1), ["newer"]);
  assertEquals(session.unread.value.size, 0);
  assertEquals(disk.copies.get(server.room.id)?.events.at(-1)?.wire, poll.wire);
  session.dispose();
});
