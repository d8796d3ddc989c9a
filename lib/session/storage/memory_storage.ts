/** Storage that lives as long as the page: private mode, and tests. */
import type { KnownRoom } from "../../chat/recent_rooms.ts";
import type { EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import { RELAYED_MAX_EVENTS } from "../ports/session_limits.ts";
import { mergeReplica } from "../replica/replica.ts";
import { EMPTY_OUTBOX, type OutboxState } from "../outbox/outbox_state.ts";
import type { Replica, SessionStorage } from "../ports/session_storage.ts";

/** The data of one device. Several storages on one disk are several tabs. */
export class MemoryDisk {
  secret: Uint8Array | undefined;
  name: string | undefined;
  readonly outboxes = new Map<RoomId, OutboxState>();
  readonly copies = new Map<RoomId, Replica>();
  readonly seen = new Map<RoomId, LogPosition>();
  readonly relayed = new Map<RoomId, Map<EventId, WireEvent>>();
  rooms: readonly KnownRoom[] = [];
}

/**
 * A storage in memory. `lasting`: the value to report. `turn` is awaited before and after each transaction; a
 * simulation delays it, makes it fail, or kills the page there.
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
        const state = change(disk.outboxes.get(room) ?? EMPTY_OUTBOX);
        disk.outboxes.set(room, state);
        return state;
      }),
    replica: (room) => transaction(() => disk.copies.get(room)),
    saveReplica: (room, copy, replaces) =>
      transaction(() => {
        const before = replaces ? undefined : disk.copies.get(room);
        disk.copies.set(room, joinCopies(before, copy));
      }),
    readCursor: (room) => transaction(() => disk.seen.get(room)),
    changeReadCursor: (room, change) =>
      transaction(() => {
        const seen = change(disk.seen.get(room));
        disk.seen.set(room, seen);
        return seen;
      }),
    relayed: (room) => transaction(() => [...disk.relayed.get(room)?.values() ?? []]),
    changeRelayed: (room, kept, dropped) =>
      transaction(() => {
        const relayed = new Map([...disk.relayed.get(room) ?? [], ...kept]);
        for (const id of dropped) relayed.delete(id);
        for (const id of [...relayed.keys()].slice(0, Math.max(0, relayed.size - RELAYED_MAX_EVENTS))) {
          relayed.delete(id);
        }
        disk.relayed.set(room, relayed);
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
          disk.relayed.delete(id);
          if (disk.outboxes.get(id)?.entries.length === 0) disk.outboxes.delete(id);
        }
        return disk.rooms;
      }),
  };
}

function joinCopies(before: Replica | undefined, added: Replica): Replica {
  const head = mergeReplica(before, added);
  const lowest = head.ranges[0]?.from ?? Infinity;
  const events = new Map(before?.epoch === added.epoch ? before.events.map((event) => [event.position, event]) : []);
  for (const event of added.events) events.set(event.position, event);
  return {
    ...head,
    events: [...events.values()].filter(({ position }) => position >= lowest).sort((a, b) => a.position - b.position),
  };
}
