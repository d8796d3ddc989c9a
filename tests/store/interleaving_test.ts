/** Several instances on one database, every operation delayed by a seeded random time: invariants of any order. */
import { assert, assertEquals } from "@std/assert";
import { isStub } from "../../lib/protocol/stub.ts";
import { openStore } from "../../lib/store/store.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { appendSurely, eventOf, fill, headOf, idOf, makeRoom, NOON } from "./contract.ts";
import { assertLogIntact } from "./log_integrity.ts";

const main = idOf("main");

/** Numbers from 0 to 1 that are always the same for one seed (mulberry32). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function openSlowly(database: MemoryDatabase, random: () => number) {
  const delay = async () => {
    for (let ticks = Math.floor(random() ** 3 * 30); ticks > 0; ticks--) await Promise.resolve();
  };
  // Waits end at once; time limits, which are longer, never strike.
  const timers = {
    setTimeout: (run: () => void, afterMs: number) => {
      if (afterMs < 1_000) queueMicrotask(run);
      return 0;
    },
    clearTimeout: () => {},
  };
  return openStore({ kv: database.open({ delay }), timers });
}

for (let seed = 1; seed <= 10; seed++) {
  Deno.test(`appends, trims and reads of several instances keep the log whole (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const database = new MemoryDatabase();
    const stores = Array.from({ length: 3 }, () => openSlowly(database, random));
    await makeRoom(stores[0]!, "main");
    const acked = new Map<number, string>();
    let trimmed = 0, writing = true;

    const writers = stores.map(async (store, at) => {
      for (let n = 1; n <= 120; n += 6) {
        const events = Array.from({ length: 6 }, (_, more) => eventOf("main", `author ${at}`, n + more, n + more));
        const head = await appendSurely(store, "main", events);
        events.forEach((event, more) => {
          const position = head.head - 5 + more;
          assert(!acked.has(position), `position ${position} was given twice`);
          acked.set(position, event.wire[0]);
        });
      }
    });
    const trimmers = stores.map(async (store) => {
      while (writing) {
        const count = await store.log.trim(main, 150);
        trimmed += count;
      }
    });
    const readers = stores.map(async (store) => {
      while (writing) {
        const { head, oldest } = await headOf(store, "main");
        const { from, events } = await store.log.readRange(main, oldest, head, 500, 9_999_999);
        assert(from >= oldest);
        // Each event at the position it was acked with; one that is stored but not acked yet is not known here.
        events.forEach((entry, at) => {
          if (acked.has(from + at)) {
            assertEquals(isStub(entry) || entry[0], acked.get(from + at), `position ${from + at}`);
          }
        });
      }
    });
    try {
      await Promise.all(writers);
    } finally {
      writing = false;
    }
    await Promise.all([...trimmers, ...readers]);

    trimmed += await stores[0]!.log.trim(main, 150);
    assertEquals(acked.size, 360);
    assertEquals(trimmed, 361 - 150);
    assertEquals(await assertLogIntact(database.open(), main), Array.from({ length: 150 }, (_, at) => 212 + at));
    for (const store of stores) store.close();
  });
}

Deno.test("a read that a trim interrupts ends at the gap", async () => {
  const database = new MemoryDatabase();
  const trimmer = openStore({ kv: database.open() });
  await makeRoom(trimmer, "main");
  await fill(trimmer, "main", "a", 299);
  let steps = 0;
  const delay = async () => {
    // Steps 1 and 2 are the first batch of 100; before the second one only the newest 50 stay.
    if (++steps === 3) await trimmer.log.trim(main, 50);
  };
  const reader = openStore({ kv: database.open({ delay }) });
  const { from, events } = await reader.log.readRange(main, 1, 300, 300, 9_999_999);
  assertEquals([from, events.length], [1, 100]);
  reader.close();
  trimmer.close();
});

for (let seed = 1; seed <= 5; seed++) {
  Deno.test(`a limit is exact whatever the instances' speed (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const database = new MemoryDatabase();
    const stores = Array.from({ length: 4 }, () => openSlowly(database, random));
    const rate = { burst: 30, everyMs: 1_000, pauseMs: 10_000 };
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => stores[at % 4]!.limits.take("x", "me", rate, NOON)),
    );
    assertEquals(answers.filter((wait) => wait === undefined).length, 30);
    assert(answers.every((wait) => wait === undefined || wait === 10_000));
    for (const store of stores) store.close();
  });
}
