/** A listener whose watch fails, and the watch of a listener that leaves. */
import { assert, assertEquals } from "@std/assert";
import { openStore } from "../../lib/store/store.ts";
import { CHANGE_CHANNELS } from "../../lib/store/keys.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { appendSurely, eventOf, headOf, idOf, makeRoom } from "./contract.ts";
import { storeOn } from "./manual_timers.ts";

Deno.test("a listener stops watching when it leaves, is aborted, or its store closes", async () => {
  const database = new MemoryDatabase();
  const store = openStore({ kv: database.open() });
  for await (const _ of store.changes.listen(new AbortController().signal)) {
    assertEquals(database.watching, 1);
    break;
  }
  assertEquals(database.watching, 0);
  const end = new AbortController();
  for await (const _ of store.changes.listen(end.signal)) end.abort();
  assertEquals(database.watching, 0);
  for await (const _ of store.changes.listen(new AbortController().signal)) store.close();
  assertEquals(database.watching, 0);
});

const main = idOf("main");

Deno.test("listening survives a failed watch and yields the notifications missed meanwhile", async () => {
  const database = new MemoryDatabase();
  let broken = false, tries = 0;
  const fail = () => {
    if (!broken) return undefined;
    tries++;
    return new Error("connection lost");
  };
  const { store: listener, timers } = storeOn(database, { fail });
  const { store: writer } = storeOn(database, {});
  await makeRoom(writer, "main");
  const notified: number[] = [];
  const end = new AbortController();
  const listening = (async () => {
    for await (const channel of listener.changes.listen(end.signal)) notified.push(channel);
  })();
  await timers.pass(0);
  assertEquals(notified.splice(0).length, CHANGE_CHANNELS);

  broken = true;
  await appendSurely(writer, "main", [eventOf("main", "a", 1, 2)]);
  await timers.pass(60_000);
  assertEquals(notified, []);
  assert(tries >= 5 && tries < 40, `${tries} tries in a minute`);
  broken = false;
  await timers.pass(10_000);
  assertEquals(notified.splice(0), [listener.changes.channelOf(main)]);
  await appendSurely(writer, "main", [eventOf("main", "a", 2, 3)]);
  await timers.pass(0);
  assertEquals(notified, [listener.changes.channelOf(main)]);

  broken = true;
  await appendSurely(writer, "main", [eventOf("main", "a", 3, 4)]);
  await timers.pass(0);
  assertEquals(timers.waiting, 1);
  end.abort();
  await listening;
  assertEquals(timers.waiting, 0);
  assertEquals((await headOf(writer, "main")).head, 4);
  listener.close();
  writer.close();
});
