/** The database after an instance dies between any two steps of a verb, before or after a commit took effect. */
import { assert, assertEquals } from "@std/assert";
import { openStore } from "../../lib/store/store.ts";
import { keys } from "../../lib/store/keys.ts";
import type { Store } from "../../lib/store/store.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { appendSurely, eventOf, fill, foundingOf, headOf, idOf, makeRoom, NOON } from "./contract.ts";
import { assertLogIntact } from "./log_integrity.ts";

const main = idOf("main");

/** Prepares a database, runs `verb` on an instance that dies at its step 1, 2, 3, …, and checks the result. */
async function dieAtEveryStep(
  prepare: (store: Store) => Promise<unknown>,
  verb: (store: Store) => Promise<unknown>,
  look: (survivor: Store, database: MemoryDatabase) => Promise<void>,
): Promise<void> {
  for (let step = 1;; step++) {
    const database = new MemoryDatabase();
    const survivor = openStore({ kv: database.open() });
    await prepare(survivor);
    let steps = 0;
    const dying = openStore({ kv: database.open({ fail: () => ++steps >= step ? new Error("dead") : undefined }) });
    const died = await verb(dying).then(() => false, () => true);
    await look(survivor, database);
    survivor.close();
    dying.close();
    if (!died) {
      assert(step > 2, `the verb has ${step} steps`);
      return;
    }
  }
}

/** Asserts that a room exists with all its data or not at all. Returns whether it exists. */
async function assertWholeOrGone(store: Store, database: MemoryDatabase, rooms: number): Promise<boolean> {
  const info = await store.rooms.byId(main), head = await store.log.readHead(main);
  const listed = (await store.rooms.listed(9)).some(({ room }) => room.id === main);
  const codes = database.dump().filter(({ key, value }) => key[0] === "code" && value === main);
  const there = info !== undefined;
  assertEquals([head !== undefined, listed, codes.length], [there, there, there ? 1 : 0]);
  assertEquals(await store.rooms.count(), rooms + (there ? 1 : 0));
  return there;
}

Deno.test("a room appears completely or not at all", async () => {
  await dieAtEveryStep(
    (store) => makeRoom(store, "other"),
    (store) => store.rooms.create(foundingOf("main"), NOON),
    async (survivor, database) => {
      await assertWholeOrGone(survivor, database, 1);
      const made = await survivor.rooms.create(foundingOf("main"), NOON);
      assert(!("problem" in made));
      assertEquals(await assertWholeOrGone(survivor, database, 1), true);
      assertEquals(await assertLogIntact(database.open(), main), [1]);
    },
  );
});

Deno.test("a trim that is cut short leaves a log without holes, and the next one completes it", async () => {
  await dieAtEveryStep(
    async (store) => {
      await makeRoom(store, "main");
      await fill(store, "main", "a", 699);
    },
    (store) => store.log.trim(main, 50),
    async (survivor, database) => {
      const held = await assertLogIntact(database.open(), main);
      assertEquals(await survivor.log.trim(main, 50), held.length - 50);
      assertEquals((await assertLogIntact(database.open(), main)).length, 50);
      assertEquals((await headOf(survivor, "main")).head, 700);
    },
  );
});

Deno.test("a removal that is cut short is completed by the sweep, or by making the room again", async () => {
  for (const how of ["sweep", "remove", "create"] as const) {
    await dieAtEveryStep(
      async (store) => {
        await makeRoom(store, "other");
        await makeRoom(store, "main");
        await fill(store, "main", "a", 150, NOON + 60_000);
      },
      (store) => store.rooms.remove(main),
      async (survivor, database) => {
        if (await assertWholeOrGone(survivor, database, 1)) return;
        if (how === "sweep") await survivor.rooms.finishRemovals();
        if (how === "remove") await survivor.rooms.remove(main);
        if (how === "create") {
          await makeRoom(survivor, "main");
          assertEquals(await assertLogIntact(database.open(), main), [1]);
          assertEquals(await assertWholeOrGone(survivor, database, 1), true);
          assertEquals((await survivor.log.readAuthors(main, [idOf("a", 32)])).size, 0);
          await survivor.rooms.remove(main);
        }
        assertEquals(database.dump().filter(({ key }) => key.includes(main)), []);
        assertEquals(await assertWholeOrGone(survivor, database, 1), false);
      },
    );
  }
});

Deno.test("an instance that completes another one's removal never touches a room made after it", async () => {
  // At its first step the removal has not begun: it would rightly remove the new room.
  for (let step = 2, slow = true; slow; step++) {
    const database = new MemoryDatabase();
    const fast = openStore({ kv: database.open() });
    await makeRoom(fast, "main");
    await fill(fast, "main", "a", 150);
    const reached = Promise.withResolvers<void>(), go = Promise.withResolvers<void>();
    let steps = 0;
    const delay = () => {
      if (++steps !== step) return Promise.resolve();
      reached.resolve();
      return go.promise;
    };
    const remover = openStore({ kv: database.open({ delay }) });
    const removing = remover.rooms.remove(main).then(() => true);
    slow = !await Promise.race([removing, reached.promise.then(() => false)]);
    if (slow) {
      // Held up at this step; meanwhile another instance completes the removal and makes the room again.
      await fast.rooms.remove(main);
      const head = await makeRoom(fast, "main");
      await appendSurely(fast, "main", [eventOf("main", "b", 1, 2)]);
      go.resolve();
      await removing;
      assertEquals((await fast.log.readHead(main))?.epoch, head.epoch, `held up at step ${step}`);
      assertEquals(await assertLogIntact(database.open(), main), [1, 2]);
      assertEquals((await fast.rooms.listed(9)).length, 1);
      assertEquals(database.dump().filter(({ key }) => key[0] === keys.removing("")[0]), []);
    }
    fast.close();
    remover.close();
  }
});
