/** A deleted event is gone: from the database, from pages and archives, from memory. Rules: [DEL-2] to [DEL-5]. */
import { assert, assertEquals } from "@std/assert";
import { newRoomSecret, sealContent, sealerOf } from "../../lib/crypto/seal.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { composeRetract } from "../../lib/kinds/retract.ts";
import type { RoomKind } from "../../lib/protocol/event.ts";
import { isStub, type Stub } from "../../lib/protocol/stub.ts";
import { backupLines, restoreBackup } from "../../lib/server/admin/backup.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { assertLogIntact } from "../store/log_integrity.ts";
import { TestClient } from "../support/client.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { startTestServer, type TestServer } from "./support.ts";

const SECRET = "a text that nobody may find";

async function withRoom(
  run: (scene: {
    database: MemoryDatabase;
    servers: [TestServer, TestServer];
    ada: TestClient;
    ben: TestClient;
  }) => Promise<void>,
  roomKind: RoomKind = "unlisted",
): Promise<void> {
  const database = new MemoryDatabase({ now: () => Date.now() });
  const servers: [TestServer, TestServer] = [
    startTestServer({ database, instance: "one" }),
    startTestServer({ database, instance: "two" }),
  ];
  try {
    const room = await servers[0].newRoom({ roomKind, ...(roomKind === "sealed" && { name: "A".repeat(40) }) });
    const ada = await TestClient.join({ ...servers[0].wire(room.id), room: room.id });
    const ben = await TestClient.join({ ...servers[1].wire(room.id), room: room.id, name: "Ben" });
    await run({ database, servers, ada, ben });
    assertEquals([ada.violations, ben.violations], [[], []]);
    await assertLogIntact(database.open(), room.id);
  } finally {
    for (const server of servers) await server.close();
  }
}

async function send(client: TestClient, event: Event): Promise<number> {
  client.sendEvents(event);
  return await client.stored(event.id);
}

function dumpOf(database: MemoryDatabase): string {
  return JSON.stringify(database.dump(), (_, value) => typeof value === "bigint" ? String(value) : value);
}

/** All that somebody who comes now is told. */
async function newcomer(server: TestServer, room: string): Promise<TestClient> {
  const client = await TestClient.join({ ...server.wire(room), room, name: "New" });
  await client.holds(client.welcome!.head);
  client.send({ type: "history", before: client.welcome!.head + 1, limit: 100 });
  await client.waitFor("page");
  return client;
}

function stubAt(client: TestClient, position: number): Stub {
  const entry = client.log.get(position);
  assert(entry !== undefined && isStub(entry), `no stub at ${position}: ${JSON.stringify(entry)}`);
  return entry;
}

Deno.test("[DEL-2] a deleted message and its edits are nowhere any more, and their positions stay", () =>
  withRoom(async ({ database, servers, ada, ben }) => {
    const { room } = ada.options;
    const said = await ada.signText(SECRET);
    assertEquals(await send(ada, said), 2);
    const edited = await ada.sign({ kind: "edit", body: { to: said.id, text: `${SECRET}, edited` } });
    assertEquals(await send(ada, edited), 3);
    await ben.say("something else");
    await ben.holds(4);
    await ada.holds(4);
    assert(dumpOf(database).includes(SECRET));
    const gone = await ada.sign(composeRetract(said, [edited]));
    assertEquals(await send(ada, gone), 5);
    await Promise.all([ada.holds(5), ben.holds(5)]);

    assert(!dumpOf(database).includes(SECRET), "the text is still in the database");
    for (const server of servers) {
      const late = await newcomer(server, room);
      assertEquals([late.violations, late.position?.position], [[], 5]);
      assert(!JSON.stringify([late.frames, ...late.log]).includes(SECRET), "an instance still tells the text");
      const { id, author, n, clock, at } = said;
      assertEquals(stubAt(late, 2), { stub: "retracted", id, author, n, clock, at });
      assertEquals([stubAt(late, 3).id, stubAt(late, 3).quiet], [edited.id, true]);
      await late.close();
    }
    let backup = "";
    for await (const line of backupLines(servers[0].store, Date.now())) backup += line;
    assert(!backup.includes(SECRET), "the text is still in a backup");

    const restored = startTestServer();
    await restoreBackup(new Blob([backup]).stream(), nodeVerifier(), restored.store, Date.now());
    const there = await newcomer(restored, room);
    assertEquals([...there.log].sort(([a], [b]) => a - b).map(([, entry]) => isStub(entry)), [
      false,
      true,
      true,
      false,
      false,
    ]);
    await restored.close();
  }));

Deno.test("[DEL-2] an event deleted before its fan-out leaves no text either", () =>
  withRoom(async ({ database, ada, ben }) => {
    const said = await ada.signText(SECRET);
    const gone = await ada.sign(composeRetract(said, []));
    ada.sendEvents(said, gone);
    await Promise.all([ada.stored(said.id), ada.stored(gone.id)]);
    await Promise.all([ada.holds(3), ben.holds(3)]);
    assert(!dumpOf(database).includes(SECRET));
    assert(!JSON.stringify([ben.frames, ada.frames]).includes(SECRET));
    assertEquals(stubAt(ben, 2).id, said.id);
  }));

Deno.test("[DEL-3] an event sent again whose position holds a stub is acked with its position, another one is a conflict", () =>
  withRoom(async ({ database, ada, ben }) => {
    const said = await ada.signText(SECRET);
    await send(ada, said);
    await send(ada, await ada.sign(composeRetract(said, [])));
    ben.sendEvents(said);
    assertEquals(await ben.stored(said.id), 2);
    assert(!dumpOf(database).includes(SECRET));
    const other = await ada.signText("another", { n: said.n });
    ada.sendEvents(other);
    assertEquals((await ada.refused(other.id)).reason, "conflict");
  }));

Deno.test("[DEL-4] a retract deletes neither others' events nor the genesis event nor retracts", () =>
  withRoom(async ({ servers, ada, ben }) => {
    const { room } = ada.options;
    const said = await ada.signText("stays");
    await send(ada, said);
    await ben.say("Ben's first");
    // Ben names Ada's message by its id, and by a number that he has used himself.
    await send(ben, await ben.sign({ kind: "retract", body: { to: said.id, n: 1 } }));
    const gone = await ada.sign({ kind: "retract", body: { to: "A".repeat(22), n: 1 } });
    await send(ada, gone);
    await send(ada, await ada.sign(composeRetract(gone, [])));
    const late = await newcomer(servers[1], room);
    assertEquals([...late.log.values()].filter(isStub), []);
    await late.close();
  }));

Deno.test("[DEL-5] in a sealed room the retract is unsealed, and the server deletes events that it cannot read", () =>
  withRoom(async ({ database, servers, ada }) => {
    const { room } = ada.options;
    const sealer = await sealerOf(newRoomSecret((bytes) => bytes.fill(3)));
    const header = { room, author: ada.signer.author, n: ada.n + 1 };
    const content = { kind: "message", body: { name: "Ada", text: SECRET } } as const;
    const said = await ada.sign(await sealContent(sealer, header, content));
    await send(ada, said);
    assert(said.kind === "sealed" && dumpOf(database).includes(said.body.sealed));
    await send(ada, await ada.sign(composeRetract(said, [])));
    assert(!dumpOf(database).includes(said.body.sealed));
    const late = await newcomer(servers[1], room);
    assertEquals(stubAt(late, 2).id, said.id);
    await late.close();
  }, "sealed"));

Deno.test("[STUB-2] retention deletes stubs as it deletes events, with their index entries", () =>
  withRoom(async ({ database, servers, ada }) => {
    const { room } = ada.options;
    const said = await ada.signText(SECRET);
    await send(ada, said);
    await send(ada, await ada.sign(composeRetract(said, [])));
    assertEquals(await servers[0].store.log.trim(room, 1), 2);
    assertEquals(await assertLogIntact(database.open(), room), [3]);
  }));

Deno.test("[SKEW-2] an event of an unknown kind is stored, acked, sent and kept in order", () =>
  withRoom(async ({ servers, ada, ben }) => {
    const { room } = ada.options;
    // deno-lint-ignore no-explicit-any -- as a later build writes it.
    const poll = await ada.sign({ kind: "poll", body: { question: "Where?" } } as any);
    assertEquals(await send(ada, poll), 2);
    await ben.holds(2);
    assertEquals(ben.log.get(2), poll.wire);
    assertEquals(await send(ben, poll), 2);
    // deno-lint-ignore no-explicit-any -- as above.
    const bad = await ada.sign({ kind: "Poll!", body: {} } as any);
    ada.sendEvents(bad);
    assertEquals([(await ada.refused(bad.id)).reason, (await ada.refused(bad.id)).field], ["bad_event", "kind"]);
    const late = await newcomer(servers[1], room);
    assertEquals(late.log.get(2), poll.wire);
    await late.close();
  }));
