/** Storage that lives as long as the page: private mode, and tests. */
import type { KnownRoom } from "../chat/recent_rooms.ts";
import type { EventId, RoomId, WireEvent } from "../protocol/event.ts";
import type { LogPosition } from "../protocol/frames.ts";
import { LOOSE_MAX_EVENTS } from "./limits.ts";
import { joinHeads } from "./log_copy.ts";
import { EMPTY_BOOK, type OutboxBook } from "./outbox_book.ts";
import type { LogCopy, SessionStorage } from "./storage.ts";

/** What one device holds. Several storages on one disk are several tabs. */
export class MemoryDisk {
  secret: Uint8Array | undefined;
  name: string | undefined;
  readonly outboxes = new Map<RoomId, OutboxBook>();
  readonly copies = new Map<RoomId, LogCopy>();
  readonly seen = new Map<RoomId, LogPosition>();
  readonly loose = new Map<RoomId, Map<EventId, WireEvent>>();
  rooms: readonly KnownRoom[] = [];
}

/**
 * A storage in memory. `lasting`: what to say about it. `turn` is awaited before and after each transaction, where a
 * simulation delays it, makes it fail, or lets the page die.
 */
export function memoryStorage(
  disk = new MemoryDisk(),
  { lasting = false, turn = () => Promise.resolve() }: { lasting?: boolean; turn?: () => Promise<void> } = {},
): SessionStorage {
  const transaction = async <T>(run: () => T): Promise<T> => {
    await turn();
    const result = run();
    await turn();
    return result;
  };
  return {
    lasting,
    secret: (make) => transaction(() => disk.secret ??= make()),
    name: () => transaction(() => disk.name),
    setName: (name) => transaction(() => void (disk.name = name)),
    changeOutbox: (room, change) =>
      transaction(() => {
        const book = change(disk.outboxes.get(room) ?? EMPTY_BOOK);
        disk.outboxes.set(room, book);
        return book;
      }),
    copy: (room) => transaction(() => disk.copies.get(room)),
    saveCopy: (room, copy, replaces) =>
      transaction(() => {
        const before = replaces ? undefined : disk.copies.get(room);
        disk.copies.set(room, joinCopies(before, copy));
      }),
    seen: (room) => transaction(() => disk.seen.get(room)),
    changeSeen: (room, change) =>
      transaction(() => {
        const seen = change(disk.seen.get(room));
        disk.seen.set(room, seen);
        return seen;
      }),
    loose: (room) => transaction(() => [...disk.loose.get(room)?.values() ?? []]),
    changeLoose: (room, kept, dropped) =>
      transaction(() => {
        const loose = new Map([...disk.loose.get(room) ?? [], ...kept]);
        for (const id of dropped) loose.delete(id);
        for (const id of [...loose.keys()].slice(0, Math.max(0, loose.size - LOOSE_MAX_EVENTS))) loose.delete(id);
        disk.loose.set(room, loose);
      }),
    rooms: () => transaction(() => disk.rooms),
    changeRooms: (change) =>
      transaction(() => {
        const before = disk.rooms;
        disk.rooms = change(before);
        const kept = new Set(disk.rooms.map(({ id }) => id));
        for (const { id } of before) {
          if (kept.has(id)) continue;
          disk.copies.delete(id);
          disk.seen.delete(id);
          disk.loose.delete(id);
          if (disk.outboxes.get(id)?.entries.length === 0) disk.outboxes.delete(id);
        }
        return disk.rooms;
      }),
  };
}

function joinCopies(before: LogCopy | undefined, added: LogCopy): LogCopy {
  const head = joinHeads(before, added);
  const lowest = head.ranges[0]?.from ?? Infinity;
  const events = new Map(before?.epoch === added.epoch ? before.events.map((event) => [event.position, event]) : []);
  for (const event of added.events) events.set(event.position, event);
  return {
    ...head,
    events: [...events.values()].filter(({ position }) => position >= lowest).sort((a, b) => a.position - b.position),
  };
}
