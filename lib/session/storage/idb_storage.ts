/** SessionStorage in IndexedDB, shared by all tabs of a device. The only file that knows its stores and keys. */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import type { EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { LogEntry } from "../../protocol/stub.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import { RELAYED_MAX_EVENTS } from "../ports/session_limits.ts";
import { mergeReplica } from "../replica/replica.ts";
import { EMPTY_OUTBOX, type OutboxEntry, type OutboxState } from "../outbox/outbox_state.ts";
import type { Replica, SessionStorage } from "../ports/session_storage.ts";

/** Name of the database of this origin. */
const DATABASE = "festival-chat";
/**
 * Goes up with every change of the stores below; `upgrade` adds what is new and leaves what is there, the outbox above all.
 * 2: `seen`; 3: `relayed`.
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
  /** [room, id]: what is carried, and when it was kept, ms since 1970. */
  relayed: { key: [RoomId, EventId]; value: { wire: WireEvent; keptAt: number } };
}
type StoreName = "device" | "outboxes" | "entries" | "copies" | "events" | "seen" | "relayed";
type Database = IDBPDatabase<Schema>;
type WriteTransaction<Names extends StoreName[]> = IDBPTransaction<Schema, Names, "readwrite">;

/** Storage in this origin's database. Nothing is opened before the first call; calls reject where there is no IndexedDB. */
export function indexedDbStorage(name = DATABASE): SessionStorage & { close(): Promise<void> } {
  let opening: Promise<Database> | undefined;

  function database(): Promise<Database> {
    if (opening !== undefined) return opening;
    const opened = openDB<Schema>(name, VERSION, {
      // From any earlier version; all of it happens, or nothing does.
      upgrade(db, from) {
        if (from < 1) {
          db.createObjectStore("device");
          db.createObjectStore("outboxes");
          db.createObjectStore("entries");
          db.createObjectStore("copies");
          db.createObjectStore("events");
        }
        if (from < 2) db.createObjectStore("seen");
        if (from < 3) db.createObjectStore("relayed");
      },
      // A tab with a newer version of the app wants to upgrade: it must not wait for this one.
      blocking(_current, _wanted, event) {
        (event.target as IDBDatabase).close();
        if (opening === opened) opening = undefined;
      },
      // The browser took the database away; the next call opens it again, or learns that it cannot be.
      terminated() {
        if (opening === opened) opening = undefined;
      },
    });
    opened.catch(() => {
      if (opening === opened) opening = undefined;
    });
    return opening = opened;
  }

  /** One transaction. `strict`: on disk before it is called done, also against a battery that dies (IndexedDB 3.0). */
  async function write<Names extends StoreName[], Result>(
    names: Names,
    durability: "strict" | "relaxed",
    run: (transaction: WriteTransaction<Names>) => Promise<Result>,
  ): Promise<Result> {
    const transaction = (await database()).transaction(names, "readwrite", { durability });
    try {
      const result = await run(transaction);
      await transaction.done;
      return result;
    } catch (error) {
      // What was half done is undone; `done` rejects with the same cause.
      const ended = transaction.done.catch(() => {});
      abort(transaction);
      await ended;
      throw error;
    }
  }

  return {
    lasting: true,
    secret: (make) =>
      write(["device"], "strict", async (transaction) => {
        const device = transaction.objectStore("device");
        const there = await device.get("secret");
        if (there instanceof Uint8Array) return there;
        const made = make();
        await device.put(made, "secret");
        return made;
      }),
    async name() {
      const there = await (await database()).get("device", "name");
      return typeof there === "string" ? there : undefined;
    },
    async setName(name) {
      await (await database()).put("device", name, "name");
    },
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
        await writeBook(transaction, room, before, after);
        return after;
      }),
    async replica(room) {
      const transaction = (await database()).transaction(["copies", "events"]);
      const events = transaction.objectStore("events");
      const [head, keys, wires] = await Promise.all([
        transaction.objectStore("copies").get(room),
        events.getAllKeys(ofRoom(room)),
        events.getAll(ofRoom(room)),
      ]);
      if (head === undefined) return undefined;
      return { ...head, events: keys.map(([, position], at) => ({ position, wire: wires[at]! })) };
    },
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
    async readCursor(room) {
      return await (await database()).get("seen", room);
    },
    changeReadCursor: (room, change) =>
      write(["seen"], "relaxed", async (transaction) => {
        const store = transaction.objectStore("seen");
        const seen = change(await store.get(room));
        await store.put(seen, room);
        return seen;
      }),
    async relayed(room) {
      const kept = await (await database()).getAll("relayed", ofRoom(room));
      return kept.sort((a, b) => a.keptAt - b.keptAt).map(({ wire }) => wire);
    },
    changeRelayed: (room, kept, dropped) =>
      write(["relayed"], "relaxed", async (transaction) => {
        const store = transaction.objectStore("relayed");
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
      return readRooms(await (await database()).get("device", "rooms"));
    },
    changeRooms: (change) =>
      write(
        ["device", "outboxes", "entries", "copies", "events", "seen", "relayed"],
        "relaxed",
        async (transaction) => {
          const device = transaction.objectStore("device");
          const before = readRooms(await device.get("rooms"));
          const after = change(before);
          await device.put(after, "rooms");
          const kept = new Set(after.map(({ id }) => id));
          for (const { id } of before) if (!kept.has(id)) await forget(transaction, id);
          return after;
        },
      ),
    async close() {
      const closing = opening;
      opening = undefined;
      (await closing)?.close();
    },
  };
}

async function writeBook(
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

/** Drops what is kept of a room. What was typed there and is not stored stays. */
async function forget(
  transaction: WriteTransaction<["device", "outboxes", "entries", "copies", "events", "seen", "relayed"]>,
  room: RoomId,
): Promise<void> {
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

function abort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch (error) {
    // InvalidStateError: it has ended by itself.
    if (!(error instanceof DOMException)) throw error;
  }
}
