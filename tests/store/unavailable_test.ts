/** A database that fails, is locked, or does not answer. */
import { assertEquals, assertRejects } from "@std/assert";
import { DiskFull, LOCKED_RETRIES, OPERATION_TIMEOUT_MS, StorageUnavailable } from "../../lib/store/database.ts";
import { openStore } from "../../lib/store/store.ts";
import type { Store } from "../../lib/store/store.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { eventOf, genesisOf, idOf, makeRoom, NOON } from "./contract.ts";
import { ManualTimers, settle, storeOn } from "./manual_timers.ts";

const main = idOf("main");
const rate = { burst: 1, everyMs: 1, pauseMs: 0 };

/** Every verb that touches the database. */
const VERBS: Record<string, (store: Store) => Promise<unknown>> = {
  "rooms.create": (store) => store.rooms.create(genesisOf("new"), NOON),
  "rooms.byId": (store) => store.rooms.byId(main),
  "rooms.byCode": (store) => store.rooms.byCode("a-b-1"),
  "rooms.codeExists": (store) => store.rooms.codeExists("a-b-1"),
  "rooms.listed": (store) => store.rooms.listed(5),
  "rooms.page": (store) => store.rooms.page(undefined, 5),
  "rooms.count": (store) => store.rooms.count(),
  "rooms.remove": (store) => store.rooms.remove(main),
  "rooms.finishRemovals": (store) => store.rooms.finishRemovals(),
  "log.readHead": (store) => store.log.readHead(main),
  "log.readHeads": (store) => store.log.readHeads([main]),
  "log.readAuthors": (store) => store.log.readAuthors(main, [idOf("a", 32)]),
  "log.findByNumber": (store) => store.log.findByNumber(main, [{ author: idOf("a", 32), n: 1 }]),
  "log.readRange": (store) => store.log.readRange(main, 1, 9, 9, 9),
  "log.trim": (store) => store.log.trim(main, 0),
  "presence.write": (store) =>
    store.presence.write(main, { instance: "i", count: 1, shown: [], expiresAt: NOON + 1 }, NOON),
  "presence.read": (store) => store.presence.read(main, NOON),
  "presence.counts": (store) => store.presence.counts([main], NOON),
  "limits.take": (store) => store.limits.take("x", "me", rate, NOON),
  "leases.acquire": (store) => store.leases.acquire("x", "me", 1, NOON),
  "ping": (store) => store.ping(),
};

Deno.test("every failure of the database is a StorageUnavailable with its cause", async () => {
  const cause = new Error("disk full");
  const { store, timers } = storeOn(new MemoryDatabase(), { fail: () => cause });
  for (const [name, verb] of Object.entries(VERBS)) {
    const error = await assertRejects(() => verb(store), StorageUnavailable, "disk full", name);
    assertEquals(error.cause, cause);
  }
  assertEquals(timers.waiting, 0);
  store.close();
});

Deno.test("a failed append is a StorageUnavailable and stores nothing", async () => {
  const database = new MemoryDatabase();
  const { store } = storeOn(database, {});
  const head = await makeRoom(store, "main");
  const before = database.dump();
  const failing = storeOn(database, { fail: () => new Error("disk full") }).store;
  await assertRejects(
    () => failing.log.append(main, head, [eventOf("main", "a", 1, 2)], new Map(), NOON),
    StorageUnavailable,
  );
  assertEquals(database.dump(), before);
  store.close();
  failing.close();
});

Deno.test("a database without an answer is unavailable after 5 s, and takes may be tried again", async () => {
  const gate = Promise.withResolvers<void>();
  let hangs = true;
  const { store, timers } = storeOn(new MemoryDatabase(), { delay: () => hangs ? gate.promise : Promise.resolve() });
  for (const [name, verb] of Object.entries(VERBS)) {
    let outcome = "none";
    const asked = verb(store).then(() => outcome = "answer", (error) => outcome = error.name);
    await timers.pass(OPERATION_TIMEOUT_MS - 1);
    assertEquals(outcome, "none", name);
    await timers.pass(1);
    await asked;
    assertEquals(outcome, "StorageUnavailable", name);
  }
  hangs = false;
  gate.resolve();
  await settle();
  assertEquals(await store.limits.take("other", "me", rate, NOON), undefined);
  assertEquals(timers.waiting, 0);
  store.close();
});

Deno.test("a ping measures by the clock it was given", async () => {
  const timers = new ManualTimers();
  const delay = () => new Promise<void>((resolve) => timers.setTimeout(resolve, 20));
  const store = openStore({ kv: new MemoryDatabase().open({ delay }), timers, clock: { now: () => timers.now } });
  const pinged = store.ping();
  await timers.pass(100);
  assertEquals(await pinged, 40);
  store.close();
});

Deno.test("a locked database is tried again a few times, then it is unavailable", async () => {
  let locked = LOCKED_RETRIES, tries = 0;
  const fail = (moment: "before" | "after") => {
    if (moment === "after") return undefined;
    tries++;
    return locked-- > 0 ? new Error("database is locked: Error code 5") : undefined;
  };
  const { store, timers } = storeOn(new MemoryDatabase(), { fail });
  const found = store.rooms.byId(main);
  await timers.pass(1_000);
  assertEquals([await found, tries], [undefined, LOCKED_RETRIES + 1]);

  locked = Infinity;
  tries = 0;
  const lost = assertRejects(() => store.rooms.byId(main), StorageUnavailable, "locked");
  await timers.pass(1_000);
  await lost;
  assertEquals([tries, timers.waiting], [LOCKED_RETRIES + 1, 0]);
  store.close();
});

Deno.test("on a disk without space nothing is appended or made, and everything can be read and deleted", async () => {
  const disk: { problem?: string } = {};
  const store = openStore({ kv: new MemoryDatabase().open(), diskProblem: () => disk.problem });
  const head = await makeRoom(store, "main");
  const room = idOf("main");
  const problem = disk.problem = "the disk is full";
  await assertRejects(
    () => store.log.append(room, head, [eventOf("main", "ada", 1, 2)], new Map(), NOON),
    DiskFull,
    problem,
  );
  await assertRejects(() => store.rooms.create(genesisOf("other"), NOON), DiskFull, problem);
  assertEquals((await store.log.readHead(room))?.head, 1);
  await store.rooms.deleteForGood(room, NOON);
  assertEquals(await store.rooms.byId(room), undefined);
  store.close();
});
