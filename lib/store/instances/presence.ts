/** The people in each room, one entry per room and instance, which expires unless it is renewed. */
import type { RoomId } from "../../protocol/event.ts";
import type { Person } from "../../protocol/frames.ts";
import type { Database } from "../database.ts";
import { type CountValue, keys } from "../keys.ts";
import { notifyChange } from "../rooms/log.ts";

/** Instances whose people are counted in one room; further instances are not counted. */
const PRESENCE_INSTANCES_MAX = 200;

/** Rooms that `counts` reads at one time. */
const COUNTS_AT_ONCE = 10;

/** One instance's people in a room. */
export interface PresenceEntry {
  instance: string;
  count: number;
  /** Up to PEOPLE_SHOWN of them. */
  shown: Person[];
  /** Server's clock; the entry is void after this. */
  expiresAt: number;
}

export class PresenceStore {
  constructor(private readonly database: Database) {}

  /** Replaces this instance's entry of a room (count 0 deletes it) and notifies the room's channel. */
  async write(room: RoomId, entry: PresenceEntry, nowMs: number): Promise<void> {
    const names = keys.presence(room, entry.instance), count = keys.present(room, entry.instance);
    await this.database.commit((atomic) => {
      if (entry.count === 0) {
        atomic.delete(names).delete(count);
      } else {
        const expireIn = Math.max(0, Math.ceil(entry.expiresAt - nowMs));
        atomic.set(names, entry, { expireIn });
        atomic.set(count, [entry.count, entry.expiresAt] satisfies CountValue, { expireIn });
      }
      notifyChange(atomic, room);
    });
  }

  /** The valid entries of all instances. */
  async read(room: RoomId, nowMs: number): Promise<PresenceEntry[]> {
    const entries = await this.database.list<PresenceEntry>(
      { prefix: keys.presenceOf(room) },
      { limit: PRESENCE_INSTANCES_MAX },
    );
    // The database deletes expired entries late.
    return entries.map(({ value }) => value).filter(({ expiresAt }) => expiresAt > nowMs);
  }

  /** The rooms with somebody in them, and how many people; `limit` bounds the entries that are read. */
  async busyRooms(limit: number, nowMs: number): Promise<Map<RoomId, number>> {
    const entries = await this.database.list<CountValue>(
      { prefix: keys.allPresent },
      { limit, consistency: "eventual" },
    );
    const rooms = new Map<RoomId, number>();
    for (const { key, value: [count, expiresAt] } of entries) {
      const room = String(key[1]);
      if (expiresAt > nowMs) rooms.set(room, (rooms.get(room) ?? 0) + count);
    }
    return rooms;
  }

  /** People per room over all instances, for many rooms. */
  async counts(rooms: readonly RoomId[], nowMs: number): Promise<Map<RoomId, number>> {
    const counts = new Map(rooms.map((room) => [room, 0]));
    for (let from = 0; from < rooms.length; from += COUNTS_AT_ONCE) {
      await Promise.all(
        rooms.slice(from, from + COUNTS_AT_ONCE).map(async (room) => {
          const entries = await this.database.list<CountValue>(
            { prefix: keys.presentIn(room) },
            { limit: PRESENCE_INSTANCES_MAX, consistency: "eventual" },
          );
          const valid = entries.map(({ value: [count, expiresAt] }) => expiresAt > nowMs ? count : 0);
          counts.set(room, valid.reduce((sum, count) => sum + count, 0));
        }),
      );
    }
    return counts;
  }
}
