/** The contract's part on logs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AUTHOR_RECORD_MS } from "../../lib/store/rooms/log.ts";
import {
  APPEND_MAX_BYTES,
  APPEND_MAX_EVENTS,
  appendBytes,
  type AuthorRecord,
  entryBytes,
} from "../../lib/store/rooms/log_records.ts";
import type { Store } from "../../lib/store/store.ts";
import { appendSurely, eventOf, fill, headOf, idOf, makeRoom, NOON, type StoreTest } from "./contract.ts";
import { assertLogIntact } from "./log_integrity.ts";

const main = idOf("main");
const none: ReadonlyMap<string, AuthorRecord> = new Map();

export function logContract(test: StoreTest): void {
  test("appended events are there after the database was reopened, with authors and numbers", async ({ open }) => {
    const first = await open();
    const before = await makeRoom(first, "main");
    const events = [eventOf("main", "a", 1, 7), eventOf("main", "b", 1, 5), eventOf("main", "a", 2, 8)];
    const records = new Map<string, AuthorRecord>([
      [idOf("a", 32), { lastN: 2, tatMs: NOON + 3, repeated: { hash: "h", times: 2, at: NOON } }],
      [idOf("b", 32), { lastN: 1, tatMs: NOON + 4 }],
    ]);
    const after = await first.log.append(main, before, events, records, NOON + 9);
    assert(after);
    const { versionstamp, ...rest } = after;
    const bytes = events.reduce((sum, { wire }) => sum + entryBytes(wire), 0);
    const end = { epoch: before.epoch, head: 4, oldest: 1, clock: 8, clockTatMs: 0, bytes };
    assertEquals(rest, { ...end, lastAt: NOON + 9, listed: main });
    first.close();

    const { log } = await open();
    assertEquals((await log.readHead(main))?.versionstamp, versionstamp);
    assertEquals(await log.readHeads([idOf("none"), main]), [undefined, after]);
    assertEquals(await log.readRange(main, 2, 4, 10, 99_999), { from: 2, events: events.map(({ wire }) => wire) });
    assertEquals(await log.readAuthors(main, [idOf("a", 32), idOf("c", 32), idOf("b", 32)]), records);
    const wanted = [["a", 2], ["a", 3], ["b", 1], ["host", 1]] as const;
    assertEquals(
      (await log.findByNumber(main, wanted.map(([author, n]) => ({ author: idOf(author, 32), n }))))
        .map((stored) => stored?.position),
      [4, undefined, 3, 1],
    );
  });

  test("the log's clock never falls", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "main");
    await appendSurely(store, "main", [eventOf("main", "a", 1, 50)]);
    assertEquals((await appendSurely(store, "main", [eventOf("main", "a", 2, 20)])).clock, 50);
  });

  test("an append based on a stale head stores nothing", async ({ open, openKv }) => {
    const store = await open(), other = await open(), kv = await openKv();
    const head = await makeRoom(store, "main");
    await appendSurely(other, "main", [eventOf("main", "a", 1, 2)]);
    const late = [eventOf("main", "b", 1, 2)];
    assertEquals(
      await store.log.append(main, head, late, new Map([[idOf("b", 32), { lastN: 1, tatMs: 0 }]]), NOON),
      undefined,
    );
    assertEquals(await assertLogIntact(kv, main), [1, 2]);
    assertEquals((await store.log.readAuthors(main, [idOf("b", 32)])).size, 0);
    kv.close();
  });

  test("an append to a room that does not exist stores nothing", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    const head = await makeRoom(store, "main");
    assertEquals(await store.log.append(idOf("none"), head, [eventOf("none", "a", 1, 2)], none, NOON), undefined);
    assertEquals(await assertLogIntact(kv, idOf("none")), []);
    kv.close();
  });

  test("instances that append to one room at once fill the positions 1 to N, none twice", async ({ open, openKv }) => {
    const stores = [await open(), await open(), await open()], kv = await openKv();
    await makeRoom(stores[0]!, "main");
    const each = 20;
    await Promise.all(stores.map(async (store, at) => {
      for (let n = 1; n <= each; n += 2) {
        const author = `author ${at}`;
        await appendSurely(store, "main", [eventOf("main", author, n, n), eventOf("main", author, n + 1, n + 1)]);
      }
    }));
    const positions = await assertLogIntact(kv, main);
    assertEquals(positions.length, 1 + stores.length * each);
    const authors = stores.map((_, at) => idOf(`author ${at}`, 32));
    const records = await stores[0]!.log.readAuthors(main, authors);
    assertEquals(authors.map((author) => records.get(author)?.lastN), [each, each, each]);
    kv.close();
  });

  test("the largest append fits the database's limits, a larger one is refused clearly", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    let head = await makeRoom(store, "main");
    const names = Array.from({ length: APPEND_MAX_EVENTS + 1 }, (_, at) => `author ${at}`);
    // One character beyond Latin-1 makes the database store two bytes per character.
    const oneBytes = appendBytes(eventOf("main", "a", 1, 1, { kind: "sealed", body: { sealed: "" } }));
    const filling = Math.floor((APPEND_MAX_BYTES / APPEND_MAX_EVENTS - oneBytes) / 2) - 4;
    const events = names.map((name) =>
      eventOf("main", name, 1, 2, { kind: "sealed", body: { sealed: "ž" + "x".repeat(filling) } })
    );
    const bytes = (count: number) => events.slice(0, count).reduce((sum, event) => sum + appendBytes(event), 0);
    assert(bytes(APPEND_MAX_EVENTS) <= APPEND_MAX_BYTES && bytes(APPEND_MAX_EVENTS) > 0.98 * APPEND_MAX_BYTES);
    const records = new Map(names.map((name) => [
      idOf(name, 32),
      { lastN: 2 ** 40, tatMs: NOON + 0.5, repeated: { hash: "h".repeat(43), times: 1_000_000, at: NOON } },
    ]));
    await assertRejects(() => store.log.append(main, head, events, none, NOON), RangeError, "301 events");
    await assertRejects(() => store.log.append(main, head, events.slice(1), records, NOON), RangeError, "301 authors");
    await assertRejects(() => store.log.append(main, head, [], none, NOON), RangeError, "0 events");
    records.delete(idOf(names[APPEND_MAX_EVENTS]!, 32));
    head = (await store.log.append(main, head, events.slice(0, APPEND_MAX_EVENTS), records, NOON))!;
    assertEquals(head.head, 1 + APPEND_MAX_EVENTS);
    // Few events of the largest size: 16,384 characters, two bytes each.
    const large = Array.from(
      { length: Math.floor(APPEND_MAX_BYTES / 33_000) + 1 },
      (_, at) => eventOf("main", "large", at + 1, 3, { kind: "sealed", body: { sealed: "ž" + "x".repeat(16_200) } }),
    );
    await assertRejects(() => store.log.append(main, head, large, none, NOON), RangeError, "bytes");
    assert(await store.log.append(main, head, large.slice(1), none, NOON));
    await assertLogIntact(kv, main);
    kv.close();
  });

  test("a range ends at its limits and starts at the oldest stored event", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "main");
    await fill(store, "main", "a", 300);
    const read = async (from: number, to: number, limit: number, maxBytes = 999_999) => {
      const range = await store.log.readRange(main, from, to, limit, maxBytes);
      return [range.from, range.events.length];
    };
    assertEquals(await read(1, 301, 500), [1, 301]);
    assertEquals(await read(10, 301, 50), [10, 50]);
    assertEquals(await read(10, 12, 50), [10, 3]);
    assertEquals(await read(300, 999, 50), [300, 2]);
    assertEquals(await read(302, 999, 50), [302, 0]);
    assertEquals(await read(12, 10, 50), [12, 0]);
    assertEquals(await read(1, 301, 0), [1, 0]);
    const [payload, signature] = eventOf("main", "a", 100, 100).wire;
    const size = payload.length + signature.length;
    assertEquals(await read(101, 301, 50, 10 * size), [101, 10]);
    assertEquals(await read(101, 301, 50, 1), [101, 1]);
    await store.log.trim(main, 100);
    assertEquals(await read(1, 301, 50), [202, 50]);
    assertEquals(await read(1, 150, 50), [1, 0]);
  });

  test("trim keeps the newest events and deletes the others with their index entries", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    const { epoch } = await makeRoom(store, "main");
    await fill(store, "main", "a", 449);
    assertEquals(await store.log.trim(main, 450), 0);
    assertEquals(await store.log.trim(main, 10), 440);
    assertEquals(await assertLogIntact(kv, main), Array.from({ length: 10 }, (_, at) => 441 + at));
    const head = await headOf(store, "main");
    assertEquals([head.epoch, head.head, head.oldest], [epoch, 450, 441]);
    assertEquals(
      await store.log.findByNumber(main, [{ author: idOf("a", 32), n: 1 }, { author: idOf("a", 32), n: 449 }]),
      [
        undefined,
        { id: eventOf("main", "a", 449, 449).id, position: 450 },
      ],
    );
    assertEquals((await store.log.readAuthors(main, [idOf("a", 32)])).get(idOf("a", 32))?.lastN, 449);
    assertEquals(await store.log.trim(main, 10), 0);
    assertEquals(await store.log.trim(idOf("none"), 10), 0);
    kv.close();
  });

  test("the head counts the log's bytes: appended, trimmed, and replaced by stubs", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "main");
    await fill(store, "main", "a", 10, NOON, 1_000);
    const bytes = async () => (await headOf(store, "main")).bytes;
    const sizes = (await store.log.readAt(main, Array.from({ length: 10 }, (_, at) => at + 2))).map((entry) =>
      entryBytes(entry!)
    );
    const sum = (from: number) => sizes.slice(from).reduce((all, size) => all + size, 0);
    assertEquals(await bytes(), sum(0));
    // The genesis event was never counted, so what is left is at most what is there.
    await store.log.trim(main, 8);
    assert(await bytes() !== undefined && (await bytes())! <= sum(2));
    const stub = { stub: "retracted", id: idOf("last"), author: idOf("a", 32), n: 10, clock: 11, at: 0 };
    const head = await headOf(store, "main");
    const event = eventOf("main", "b", 1, 99);
    const erasedBytes = sizes.at(-1)!;
    await store.log.append(main, head, [event], new Map(), NOON, { stubs: new Map([[11, stub]]), erasedBytes });
    assertEquals(await bytes(), head.bytes! + entryBytes(event.wire) + 200 - erasedBytes);
    await store.log.trim(main, 0);
    assertEquals(await bytes(), 0);
  });

  test("trim frees a full log, oldest first, and only up to where events may go", async ({ open }) => {
    const store = await open();
    await makeRoom(store, "main");
    await fill(store, "main", "a", 10, NOON, 1_000);
    const { bytes } = await headOf(store, "main");
    assertEquals(await store.log.trim(main, 999, { keepBytes: bytes! }), 0);
    assertEquals(await store.log.trim(main, 5, { freeTo: 0 }), 0);
    assertEquals(await store.log.trim(main, 999, { keepBytes: 0, freeTo: 3 }), 3);
    assertEquals(await store.log.trim(main, 5, { freeTo: 4 }), 1);
    assert(await store.log.trim(main, 999, { keepBytes: bytes! / 2 }) >= 1);
    const { oldest, head, ...after } = await headOf(store, "main");
    assert(after.bytes! <= bytes! / 2 && oldest < head, `${after.bytes} of ${bytes}`);
  });

  test("trim deletes old events, even all of them, and the log goes on", async ({ open, openKv }) => {
    const store = await open(), kv = await openKv();
    await makeRoom(store, "main");
    await fill(store, "main", "a", 10, NOON + 1_000, 1_000);
    const { epoch } = await headOf(store, "main");
    const old = (beforeMs: number, upTo = 999, of = epoch) => ({ old: { epoch: of, upTo, beforeMs } });
    assertEquals(await store.log.trim(main, 999), 0);
    assertEquals(await store.log.trim(main, 999, old(NOON + 4_000, 999, "of another log")), 0);
    assertEquals(await store.log.trim(main, 999, old(NOON + 4_000, 2)), 2);
    assertEquals(await store.log.trim(main, 999, old(NOON + 4_000)), 2);
    assertEquals((await headOf(store, "main")).oldest, 5);
    assertEquals(await store.log.trim(main, 999, old(NOON + 99_000)), 7);
    const empty = await headOf(store, "main");
    assertEquals([empty.head, empty.oldest], [11, 12]);
    assertEquals(await store.log.trim(main, 0), 0);
    await appendSurely(store, "main", [eventOf("main", "b", 1, 12)]);
    assertEquals(await assertLogIntact(kv, main), [12]);
    kv.close();
  });

  test("trims that race each other and appends delete each event once", async ({ open, openKv }) => {
    const stores: Store[] = [await open(), await open(), await open()], kv = await openKv();
    await makeRoom(stores[0]!, "main");
    await fill(stores[0]!, "main", "a", 999);
    const appending = (async () => {
      for (let n = 1; n <= 30; n++) await appendSurely(stores[0]!, "main", [eventOf("main", "b", n, 1_000)]);
    })();
    const removed = await Promise.all(stores.map(async (store) => {
      let sum = 0;
      for (let round = 0; round < 5; round++) sum += await store.log.trim(main, 20);
      return sum;
    }));
    await appending;
    const rest = await stores[1]!.log.trim(main, 20);
    assertEquals(removed.reduce((sum, count) => sum + count, rest), 1_010);
    assertEquals((await assertLogIntact(kv, main)).length, 20);
    kv.close();
  });

  test("an author's record lives 14 days from its last write", () => {
    assertEquals(AUTHOR_RECORD_MS, 1_209_600_000);
    return Promise.resolve();
  });
}
