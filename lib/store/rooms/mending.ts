/** Closes the holes that a repair of the database's file left in the logs of rooms. */
import { toBase64Url } from "../../shared/base64url.ts";
import { type AuthorKey, eventIdOf, type RoomId } from "../../protocol/event.ts";
import { isStub } from "../../protocol/stub.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import type { Database } from "../database.ts";
import { type EventValue, keys, type NumberValue } from "../keys.ts";
import { entryOf, type HeadRecord, setAuthor } from "./log.ts";
import type { AuthorRecord } from "./log_records.ts";

/** Events of one commit: the largest ones fit. */
const STEP_EVENTS = 20;
const READ_AT_ONCE = 200;

export class MendingStore {
  constructor(private readonly database: Database, private readonly random: (byteLength: number) => Uint8Array) {}

  /**
   * Makes a room's log whole again: the events that are left end at its head, without a hole and in a new epoch, so that
   * phones read it anew; numbers, authors, code and head are made again from them. Returns how many events are missing. For a
   * database that no server uses; it may run again.
   */
  async mend(room: RoomInfo): Promise<number> {
    const { id } = room;
    const head = (await this.database.get<HeadRecord>(keys.head(id))).value;
    const events = await Array.fromAsync(this.database.all<EventValue>({ prefix: ["event", id] }, READ_AT_ONCE));
    const positions = events.map(({ key }) => Number(key[2]));
    const last = Math.max(head?.head ?? 0, positions.at(-1) ?? 0);
    const oldest = last - events.length + 1;
    const isWhole = head !== null && head.oldest === oldest &&
      positions.every((position, at) => position === oldest + at);
    const authors = new Map<AuthorKey, number>();
    let clock = head?.clock ?? 0;
    // From the newest down, so that no event is written over another one that was not moved yet.
    for (let to = events.length; to > 0; to -= STEP_EVENTS) {
      await this.database.commit((atomic) => {
        for (let at = to - 1; at >= Math.max(0, to - STEP_EVENTS); at--) {
          const { key, value } = events[at]!;
          const { entry } = entryOf(value);
          const said = isStub(entry) ? entry : { ...JSON.parse(entry[0]), id: eventIdOf(entry[0]) };
          atomic.set(keys.number(id, said.author, said.n), [said.id, oldest + at] satisfies NumberValue);
          if (positions[at] !== oldest + at) atomic.set(keys.event(id, oldest + at), value).delete(key);
          authors.set(said.author, Math.max(authors.get(said.author) ?? 0, said.n));
          clock = Math.max(clock, said.clock);
        }
      });
    }
    await this.#mendAuthors(id, authors);
    const missing = head === null ? positions[0] ?? 0 : oldest - head.oldest;
    if (isWhole) return 0;
    const lastAt = head?.lastAt ?? (events.length > 0 ? entryOf(events.at(-1)!.value).storedAt : room.createdAt);
    const epoch = toBase64Url(this.random(8));
    const after: HeadRecord = {
      ...head ?? { clock, lastAt, ...room.kind === "listed" && { listed: true } },
      epoch,
      head: last,
      oldest,
      clock,
      lastAt,
    };
    await this.database.commit((atomic) => {
      atomic.set(keys.head(id), after);
      if (room.code !== undefined) atomic.set(keys.code(room.code), id);
      if (after.listed) atomic.set(keys.listed(lastAt, id), true);
    });
    return Math.max(1, missing);
  }

  /** An author whose record was lost would begin with number 1 again, and be refused. */
  async #mendAuthors(id: RoomId, authors: ReadonlyMap<AuthorKey, number>): Promise<void> {
    for (const [author, lastN] of authors) {
      const { value } = await this.database.get<AuthorRecord>(keys.author(id, author));
      if ((value?.lastN ?? 0) >= lastN) continue;
      await this.database.commit((atomic) => setAuthor(atomic, id, author, { lastN, tatMs: 0 }));
    }
  }
}
