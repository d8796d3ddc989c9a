/** The contract's part on rooms. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { roomCodeFor } from "../../lib/chat/room_code_words.ts";
import { keys } from "../../lib/store/keys.ts";
import { CODE_ATTEMPTS } from "../../lib/store/rooms/room_registry.ts";
import {
  appendSurely,
  eventOf,
  fill,
  genesisOf,
  headOf,
  idOf,
  makeRoom,
  MINUTE_MS,
  NOON,
  type StoreTest,
} from "./contract.ts";

export function roomsContract(test: StoreTest): void {
  test("a new room is found by its id and its code, also after the database was reopened", async ({ open }) => {
    const first = await open();
    const made = await first.rooms.create(genesisOf("main"), NOON);
    assert(!("problem" in made) && made.code);
    assertEquals(made, {
      id: idOf("main"),
      kind: "listed",
      name: "Room main",
      code: roomCodeFor(idOf("main"), 0),
      host: idOf("host", 32),
      genesis: genesisOf("main").wire,
      createdAt: NOON,
    });
    first.close();
    const { rooms } = await open();
    assertEquals(await rooms.byId(idOf("main")), made);
    assertEquals(await rooms.byCode(made.code), made);
    assertEquals(await rooms.codeExists(made.code), true);
    assertEquals(await rooms.byId(idOf("other")), undefined);
    assertEquals(await rooms.byCode("no-such-1"), undefined);
    assertEquals(await rooms.codeExists("no-such-1"), false);
  });

  test("the genesis event is the log's position 1, and the host's number 1", async ({ open }) => {
    const store = await open();
    const head = await makeRoom(store, "main");
    const { epoch, versionstamp, ...rest } = head;
    assertEquals(rest, { head: 1, oldest: 1, clock: 1, lastAt: NOON, listed: idOf("main") });
    assertEquals([epoch.length, versionstamp.length], [11, 20]);
    const genesis = genesisOf("main");
    assertEquals(await store.log.readRange(idOf("main"), 1, 9, 9, 9_999), { from: 1, events: [genesis.wire] });
    assertEquals((await store.log.readAuthors(idOf("main"), [genesis.author])).get(genesis.author)?.lastN, 1);
    assertEquals(await store.log.findByNumber(idOf("main"), [{ author: genesis.author, n: 1 }]), [
      { id: genesis.id, position: 1 },
    ]);
  });

  test("[ROOM-1] making the same room again returns it and changes nothing", async ({ open }) => {
    const store = await open();
    const made = await store.rooms.create(genesisOf("main"), NOON);
    const head = await headOf(store, "main");
    assertEquals(await store.rooms.create(genesisOf("main"), NOON + 5), made);
    assertEquals(await headOf(store, "main"), head);
    assertEquals(await store.rooms.count(), 1);
  });

  test("[ROOM-1] another room with the same id is refused", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "main");
    assertEquals(await store.rooms.create(genesisOf("main", "listed", "thief"), NOON), { problem: "id_taken" });
    assertEquals((await store.rooms.byId(idOf("main")))?.host, idOf("host", 32));
  });

  test("the same room made by two instances at once is one room", async ({ open }) => {
    const stores = [await open(), await open()];
    const made = await Promise.all(stores.map((store) => store.rooms.create(genesisOf("main"), NOON)));
    assertEquals(made[0], made[1]);
    assertEquals(await stores[0]!.rooms.count(), 1);
  });

  test("two rooms that want one code at the same time get two codes", async ({ open }) => {
    const [one, two] = roomsWithOneCode();
    const stores = [await open(), await open()];
    const made = await Promise.all([
      stores[0]!.rooms.create(genesisOf(one), NOON),
      stores[1]!.rooms.create(genesisOf(two), NOON),
    ]);
    const codes = made.map((room) => "problem" in room ? room.problem : room.code ?? "");
    assertNotEquals(codes[0], codes[1]);
    assert(codes.includes(roomCodeFor(idOf(one), 0)));
    assertEquals((await stores[1]!.rooms.byCode(codes[0]!))?.id, idOf(one));
    assertEquals((await stores[0]!.rooms.byCode(codes[1]!))?.id, idOf(two));
  });

  test("a room whose codes are all taken is not made", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    for (let attempt = 0; attempt < CODE_ATTEMPTS; attempt++) {
      await kv.set(keys.code(roomCodeFor(idOf("main"), attempt)), idOf("other"));
    }
    assertEquals(await store.rooms.create(genesisOf("main"), NOON), { problem: "no_free_code" });
    assertEquals([await store.rooms.count(), await store.log.readHead(idOf("main"))], [0, undefined]);
    kv.close();
  });

  test("a sealed room has no code, and only listed rooms are listed", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "sealed", "sealed");
    await makeRoom(store, "unlisted", "unlisted");
    await makeRoom(store, "listed", "listed");
    assertEquals((await store.rooms.byId(idOf("sealed")))?.code, undefined);
    assert((await store.rooms.byId(idOf("unlisted")))?.code);
    for (const room of ["sealed", "unlisted", "listed"]) {
      await appendSurely(store, room, [eventOf(room, "a", 1, 2)], NOON + MINUTE_MS);
    }
    assertEquals((await store.rooms.listed(9)).map(({ room }) => room.name), ["Room listed"]);
  });

  test("listed rooms come with the newest activity first, each once", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    for (const room of ["a", "b", "c"]) await makeRoom(store, room);
    const listed = async (limit: number) =>
      (await store.rooms.listed(limit)).map(({ room, lastAt }) => `${room.name} ${lastAt - NOON}`);
    assertEquals((await listed(9)).length, 3);
    await appendSurely(store, "b", [eventOf("b", "x", 1, 2)], NOON + 30_000);
    await appendSurely(store, "c", [eventOf("c", "x", 1, 2)], NOON + 40_000);
    assertEquals(await listed(9), ["Room c 40000", "Room b 30000", "Room a 0"]);
    await appendSurely(store, "a", [eventOf("a", "x", 1, 2)], NOON + 3 * MINUTE_MS);
    await appendSurely(store, "b", [eventOf("b", "x", 2, 3)], NOON + MINUTE_MS);
    // An instance whose clock is behind writes the next one.
    await appendSurely(store, "a", [eventOf("a", "x", 2, 3)], NOON + 2 * MINUTE_MS);
    assertEquals(await listed(9), ["Room a 120000", "Room b 60000", "Room c 40000"]);
    assertEquals(await listed(2), ["Room a 120000", "Room b 60000"]);
    assertEquals(await listed(0), []);
    let entries = 0;
    for await (const _ of kv.list({ prefix: keys.allListed })) entries++;
    assertEquals(entries, 3);
    kv.close();
  });

  test("a room stays on the list when two instances append in different minutes at once", async ({ open, openKv }) => {
    const stores = [await open(), await open()], kv = await openKv();
    await makeRoom(stores[0]!, "main");
    await Promise.all(stores.map(async (store, at) => {
      for (let n = 1; n <= 10; n++) {
        await appendSurely(store, "main", [eventOf("main", `author ${at}`, n, n)], NOON + (n * 2 + at) * MINUTE_MS);
      }
    }));
    const { lastAt } = await headOf(stores[0]!, "main");
    const entries: Deno.KvKey[] = [];
    for await (const { key } of kv.list({ prefix: keys.allListed })) entries.push(key);
    assertEquals(entries, [keys.listed(lastAt, idOf("main"))]);
    kv.close();
  });

  test("pages go through all rooms, each once", async ({ open }) => {
    const store = await open();
    const names = ["a", "b", "c", "d", "e"];
    for (const room of names) await makeRoom(store, room, room === "c" ? "sealed" : "unlisted");
    const seen: string[] = [];
    for (let page = await store.rooms.page(undefined, 2); page.length > 0;) {
      assert(page.length <= 2);
      seen.push(...page.map(({ id }) => id));
      page = await store.rooms.page(page.at(-1)?.id, 2);
    }
    assertEquals(seen.sort(), names.map((name) => idOf(name)).sort());
    assertEquals(await store.rooms.page(undefined, 0), []);
  });

  test("a removed room leaves nothing behind, and its code is free again", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    await makeRoom(store, "stays");
    const head = await makeRoom(store, "main");
    const code = roomCodeFor(idOf("main"), 0);
    await fill(store, "main", "a", 250, NOON + MINUTE_MS);
    await store.presence.write(idOf("main"), {
      instance: "i",
      count: 1,
      shown: [],
      expiresAt: NOON + 60_000,
    }, NOON);
    const last = await headOf(store, "main");
    await store.rooms.remove(idOf("main"));

    const { rooms, log } = await open();
    assertEquals(await rooms.byId(idOf("main")), undefined);
    assertEquals(await rooms.codeExists(code), false);
    assertEquals((await rooms.listed(9)).map(({ room }) => room.name), ["Room stays"]);
    assertEquals([await rooms.count(), (await rooms.page(undefined, 9)).length], [1, 1]);
    assertEquals(await log.readHead(idOf("main")), undefined);
    assertEquals(await log.append(idOf("main"), last, [eventOf("main", "a", 251, 252)], new Map(), NOON), undefined);
    for await (const { key } of kv.list({ prefix: [] })) assert(!key.includes(idOf("main")), `${key.join()} is left`);
    await rooms.remove(idOf("main"));
    assertEquals(await rooms.finishRemovals(), 0);

    const again = await makeRoom(store, "main");
    assertNotEquals(again.epoch, head.epoch);
    assertEquals(again.head, 1);
    kv.close();
  });

  test("a room that is removed while others write to it is gone completely", async ({ open, openKv }) => {
    const writer = await open(), remover = await open(), kv = await openKv();
    const first = await makeRoom(writer, "main");
    const writing = (async () => {
      for (let head = first, n = 1;; n++) {
        const next = await writer.log.append(idOf("main"), head, [eventOf("main", "a", n, n)], new Map(), NOON);
        const read = next ?? await writer.log.readHead(idOf("main"));
        if (!read) return;
        head = read;
      }
    })();
    await remover.rooms.remove(idOf("main"));
    await writing;
    for await (const { key } of kv.list({ prefix: [] })) assert(!key.includes(idOf("main")), `${key.join()} is left`);
    kv.close();
  });
}

let twins: [string, string] | undefined;

/** Names of two rooms whose first codes are the same. Codes have 30 bits, so some 40,000 names are tried. */
function roomsWithOneCode(): [string, string] {
  const byCode = new Map<string, string>();
  for (let at = 0; !twins; at++) {
    const name = `room ${at}`, code = roomCodeFor(idOf(name), 0);
    const other = byCode.get(code);
    if (other !== undefined) twins = [other, name];
    byCode.set(code, name);
  }
  return twins;
}
