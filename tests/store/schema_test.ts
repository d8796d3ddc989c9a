/** The version of a database's content: older ones become this build's, and newer ones are refused. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { backupLines, checkBackup } from "../../lib/server/admin/backup.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { DatabaseRefused } from "../../lib/store/database.ts";
import { openKv } from "../../lib/store/open_kv.ts";
import { SCHEMA_VERSION } from "../../lib/store/schema.ts";
import { openStore } from "../../lib/store/store.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { makeRoom } from "./contract.ts";

/**
 * The database of release 0.2, which wrote no version: a listed room "Main stage" with the messages "one", "two" and
 * "three" of two people, a room that an operator deleted, a limit that an operator set, and one audit entry.
 */
const RELEASE = new URL("release.kv.gz", import.meta.url);
const ROOM = "tmnJ0bauEeuZk8bw9hy2-w";

Deno.test("a database of release 0.2 is migrated with everything in it", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/festival.kv`;
  const packed = (await Deno.open(RELEASE)).readable;
  await Deno.writeFile(path, packed.pipeThrough(new DecompressionStream("gzip")));
  const kv = await openKv({ path });
  const store = openStore({ kv });
  try {
    await store.migrate();
    assertEquals((await kv.get(["schema"])).value, SCHEMA_VERSION);
    assertEquals((await store.rooms.byCode("sketched-raft-357"))?.id, ROOM);
    assertEquals(await store.rooms.count(), 1);
    const { events } = await store.log.readRange(ROOM, 1, 4, 10, 1e6);
    const texts = events.map((entry) => JSON.parse((entry as readonly string[])[0]!).body.text);
    assertEquals(texts.slice(1), ["one", "two", "three"]);
    assertEquals((await store.settings.read(0)).limits, { message_burst: 7 });
    // Every line and signature is checked.
    const lines = ReadableStream.from(backupLines(store, 0)).pipeThrough(new TextEncoderStream());
    assertEquals(await checkBackup(lines, nodeVerifier()), { rooms: 1, events: 4, auditEntries: 1 });
    // That release left the deleted room's words in the file.
    assert((await store.erasures.pending()).soon !== null);
    await store.migrate();
  } finally {
    store.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an empty database gets this build's version, and is still empty for a restore", async () => {
  const kv = new MemoryDatabase().open();
  const store = openStore({ kv });
  await store.migrate();
  assertEquals((await kv.get(["schema"])).value, SCHEMA_VERSION);
  assert(await store.archive.isEmpty());
  await makeRoom(store, "main");
  assert(!await store.archive.isEmpty());
  store.close();
});

Deno.test("instances that start together migrate once", async () => {
  const database = new MemoryDatabase();
  const stores = Array.from({ length: 5 }, () => openStore({ kv: database.open() }));
  await Promise.all(stores.map((store) => store.migrate()));
  assertEquals((await database.open().get(["schema"])).value, SCHEMA_VERSION);
  for (const store of stores) store.close();
});

Deno.test("a database of a newer version is refused in words, and nothing is written", async () => {
  const database = new MemoryDatabase();
  const kv = database.open();
  await kv.set(["schema"], SCHEMA_VERSION + 1);
  const before = database.dump();
  const store = openStore({ kv });
  const refusal = await assertRejects(() => store.migrate(), DatabaseRefused, "run the newer build");
  assert(!refusal.passing);
  assertEquals(database.dump(), before);
  store.close();
});
