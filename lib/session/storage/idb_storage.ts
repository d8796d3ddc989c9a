/** SessionStorage in IndexedDB, shared by all tabs of a device. Only this file knows its stores and keys. */
import type { DBSchema, IDBPObjectStore, IDBPTransaction } from "idb";
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import type { EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { LogEntry } from "../../protocol/stub.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import { RELAYED_MAX_EVENTS } from "../ports/session_limits.ts";
import { mergeReplica } from "../replica/replica.ts";
import { EMPTY_OUTBOX, type OutboxEntry, type OutboxState } from "../outbox/outbox_state.ts";
import { pageDatabase } from "./page_database.ts";
import type { Replica, SessionStorage } from "../ports/session_storage.ts";

/** Name of the database of this origin. */
const DATABASE = "festival-chat";
/**
 * Goes up with every change of the stores below; `upgrade` adds new stores and keeps everything else, above all the
 * outbox. 2: `seen`; 3: `relayed`.
 */
const VERSION = 3;

interface Schema extends DBSchema {
  /** `secret`: 32 bytes; `name`: text; `rooms`: KnownRoom[]. */
  device: { key: "secret" | "name" | "rooms"; value: Uint8Array | string | readonly KnownRoom[] };
  /** Each room's outbox without its entries. */
  outboxes: { key: RoomId; value: Omit<OutboxState, "entries"> };
  /** [room, key of the entry]. */
  entries: { key: [RoomId, number]; value: OutboxEntry };
  copies: { key: RoomId; value: Omit<Replica, "events"> };
  /** [room, position]. */
  events: { key: [RoomId, number]; value: LogEntry };
  /** How far each room was seen. */
  seen: { key: RoomId; value: LogPosition };
  /** [room, id]: relayed events, and when they were stored, ms since 1970. */
  relayed: { key: [RoomId, EventId]; value: { wire: WireEvent; keptAt: number } };
}
const STORES = ["device", "outboxes", "entries", "copies", "events", "seen", "relayed"] as const;
type StoreName = (typeof STORES)[number];
type WriteTransaction<Names extends StoreName[]> = IDBPTransaction<Schema, Names, "readwrite">;

/**
 * Storage in this origin's database. The first call opens it; calls reject where there is no IndexedDB. `onLost`:
 * somebody deleted the database, or the browser took it away.
 */
export function indexedDbStorage(name = DATABASE, onLost = () => {}): SessionStorage & { close(): Promise<void> } {
  const database = pageDatabase<Schema>(name, VERSION, (db, from) => {
    if (from < 1) {
      for (const name of ["device", "outboxes", "entries", "copies", "events"] as const) db.createObjectStore(name);
    }
    if (from < 2) db.createObjectStore("seen");
    if (from < 3) db.createObjectStore("relayed");
  }, onLost);

  /**
   * `strict`: on disk before the transaction counts as done, so that an empty battery loses nothing (IndexedDB 3.0).
   */
  function write<Names extends [StoreName, ...StoreName[]], Result>(
    names: Names,
    durability: "strict" | "relaxed",
    run: (transaction: WriteTransaction<Names>) => Promise<Result>,
  ): Promise<Result> {
    return database.transact(names, "readwrite", run, { durability });
  }

  function read<Name extends StoreName, Result>(
    name: Name,
    run: (store: IDBPObjectStore<Schema, [Name], Name, "readonly">) => Promise<Result>,
  ): Promise<Result> {
    return database.transact([name], "readonly", (transaction) => run(transaction.objectStore(name)));
  }

  return {
    lasting: true,
    secret: (make) =>
      write(["device"], "strict", async ({ store }) => {
        const there = await store.get("secret");
        if (there instanceof Uint8Array) return there;
        const made = make();
        await store.put(made, "secret");
        return made;
      }),
    async name() {
      const there = await read("device", (store) => store.get("name"));
      return typeof there === "string" ? there : undefined;
    },
    setName: (name) =>
      write(["device"], "relaxed", async ({ store }) => {
        await store.put(name, "name");
      }),
    changeOutbox: (room, change) =>
      write(["outboxes", "entries"], "strict", async (transaction) => {
        const entries = transaction.objectStore("entries");
        const [head, kept] = await Promise.all([
          transaction.objectStore("outboxes").get(room),
          entries.getAll(ofRoom(room)),
        ]);
        kept.sort((a, b) => a.n - b.n || a.key - b.key);
        const before: OutboxState = head === undefined ? EMPTY_OUTBOX : { ...head, entries: kept };
        const after = change(before);
        if (after === before) return before;
        await writeOutbox(transaction, room, before, after);
        return after;
      }),
    replica: (room) =>
      database.transact(["copies", "events"], "readonly", async (transaction) => {
        const events = transaction.objectStore("events");
        const [head, keys, wires] = await Promise.all([
          transaction.objectStore("copies").get(room),
          events.getAllKeys(ofRoom(room)),
          events.getAll(ofRoom(room)),
        ]);
        if (head === undefined) return undefined;
        return { ...head, events: keys.map(([, position], at) => ({ position, wire: wires[at]! })) };
      }),
    saveReplica: (room, copy, replaces) =>
      write(["copies", "events"], "relaxed", async (transaction) => {
        const [copies, events] = [transaction.objectStore("copies"), transaction.objectStore("events")];
        const before = replaces ? undefined : await copies.get(room);
        if (before?.epoch !== copy.epoch) await events.delete(ofRoom(room));
        const { events: added, ...head } = copy;
        const joined = mergeReplica(before, head);
        const lowest = joined.ranges[0]?.from ?? Infinity;
        await Promise.all([
          copies.put(joined, room),
          ...added.filter(({ position }) => position >= lowest)
            .map(({ position, wire }) => events.put(wire, [room, position])),
        ]);
        await events.delete(IDBKeyRange.bound([room, 0], [room, lowest], false, true));
      }),
    readCursor: (room) => read("seen", (store) => store.get(room)),
    changeReadCursor: (room, change) =>
      write(["seen"], "relaxed", async ({ store }) => {
        const seen = change(await store.get(room));
        await store.put(seen, room);
        return seen;
      }),
    async relayed(room) {
      const kept = await read("relayed", (store) => store.getAll(ofRoom(room)));
      return kept.sort((a, b) => a.keptAt - b.keptAt).map(({ wire }) => wire);
    },
    changeRelayed: (room, kept, dropped) =>
      write(["relayed"], "relaxed", async ({ store }) => {
        const keptAt = Date.now();
        await Promise.all([
          ...[...kept].map(([id, wire]) => store.put({ wire, keptAt }, [room, id])),
          ...[...dropped].map((id) => store.delete([room, id])),
        ]);
        const over = await store.count(ofRoom(room)) - RELAYED_MAX_EVENTS;
        if (over <= 0) return;
        const [keys, values] = await Promise.all([store.getAllKeys(ofRoom(room)), store.getAll(ofRoom(room))]);
        const oldest = keys.map((key, at) => ({ key, keptAt: values[at]!.keptAt })).sort((a, b) => a.keptAt - b.keptAt);
        await Promise.all(oldest.slice(0, over).map(({ key }) => store.delete(key)));
      }),
    async rooms() {
      return readRooms(await read("device", (store) => store.get("rooms")));
    },
    changeRooms: (change) =>
      write([...STORES], "relaxed", async (transaction) => {
        const device = transaction.objectStore("device");
        const before = readRooms(await device.get("rooms"));
        const after = change(before);
        await device.put(after, "rooms");
        const kept = new Set(after.map(({ id }) => id));
        for (const { id } of before) if (!kept.has(id)) await forget(transaction, id);
        return after;
      }),
    close: database.close,
  };
}

async function writeOutbox(
  transaction: WriteTransaction<["outboxes", "entries"]>,
  room: RoomId,
  before: OutboxState,
  { entries: after, ...head }: OutboxState,
): Promise<void> {
  const entries = transaction.objectStore("entries");
  const old = new Map(before.entries.map((entry) => [entry.key, entry]));
  const writes: Promise<unknown>[] = [transaction.objectStore("outboxes").put(head, room)];
  for (const entry of after) {
    if (old.get(entry.key) !== entry) writes.push(entries.put(entry, [room, entry.key]));
    old.delete(entry.key);
  }
  for (const key of old.keys()) writes.push(entries.delete([room, key]));
  await Promise.all(writes);
}

/** Deletes everything of a room but typed messages that are not stored on the server yet. */
async function forget(transaction: WriteTransaction<[...typeof STORES]>, room: RoomId): Promise<void> {
  await transaction.objectStore("copies").delete(room);
  await transaction.objectStore("seen").delete(room);
  await transaction.objectStore("relayed").delete(ofRoom(room));
  await transaction.objectStore("events").delete(ofRoom(room));
  if (await transaction.objectStore("entries").count(ofRoom(room)) === 0) {
    await transaction.objectStore("outboxes").delete(room);
  }
}

function ofRoom(room: RoomId): IDBKeyRange {
  return IDBKeyRange.bound([room], [room, []], true, true);
}

function readRooms(value: unknown): readonly KnownRoom[] {
  return Array.isArray(value) ? value : [];
}
