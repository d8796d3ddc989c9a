/** Exports whole rooms, and restores them unchanged. */
import { roomCodeFor } from "../../chat/room_code_words.ts";
import type { AuthorKey, EventId, RoomId } from "../../protocol/event.ts";
import { isStub } from "../../protocol/stub.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { AUDIT_KEPT_MS, type AuditEntry, type AuditHead } from "../operators/audit.ts";
import type { Database } from "../database.ts";
import { type EventValue, keys, type NumberValue } from "../keys.ts";
import { entryOf, type HeadRecord, notifyChange, numberOf, setAuthor, valueOf } from "./log.ts";
import { CODE_ATTEMPTS, type Removal } from "./room_registry.ts";
import type { ArchivedEvent, AuthorRecord, RoomSnapshot } from "./log_records.ts";

/** Entries that are read in one step. */
const STEP_ENTRIES = 200;
/** Most events of one commit of a restore, and the characters after which it ends: within a KV commit's limits. */
const COMMIT_EVENTS = 200;
const COMMIT_CHARS = 200_000;

type RestoredEvent = ArchivedEvent & { author: AuthorKey; n: number; id: EventId };

export class ArchiveStore {
  constructor(private readonly database: Database) {}

  /**
   * A snapshot of a room while others write: `events` yields its events up to `head`, in order and without gaps. Undefined
   * if there is no such room.
   */
  async snapshot(id: RoomId): Promise<{ snapshot: RoomSnapshot; events: AsyncIterable<ArchivedEvent> } | undefined> {
    const [room, head] = await this.database.getMany<unknown>([keys.room(id), keys.head(id)]);
    if (!room?.value || !head?.value) return undefined;
    const at = head.value as HeadRecord;
    const authors = new Map<AuthorKey, number>();
    for await (const { key, value } of this.database.all<AuthorRecord>({ prefix: ["author", id] }, STEP_ENTRIES)) {
      authors.set(String(key[2]), value.lastN);
    }
    // The authors were read after the head: authors who wrote in between are set back to the head's state.
    for await (const { value } of this.database.all<EventValue>(rangeOf(id, at.head + 1), STEP_ENTRIES)) {
      const { author, n } = numberOf(value);
      if ((authors.get(author) ?? 0) < n) continue;
      if (n === 1) authors.delete(author);
      else authors.set(author, n - 1);
    }
    const oldest = await this.#oldestHeld(id, at);
    const snapshot = { room: room.value as RoomInfo, head: { ...at, oldest }, authors: [...authors] };
    return { snapshot, events: this.#events(id, oldest, at.head) };
  }

  /**
   * Restores a room from an archive with its id, epoch and positions, and with its code if that is free. Nobody finds the
   * room before it is complete. `finishRemovals` deletes an interrupted import.
   */
  async restore(
    { room, head, authors }: RoomSnapshot,
    events: AsyncIterable<RestoredEvent>,
  ): Promise<RoomInfo | { problem: "id_taken" | "no_free_code" | "interrupted" }> {
    const { id } = room;
    const marker = keys.removing(id);
    // Marks the room as being removed: nobody finds it, and an interrupted import leaves nothing behind.
    const begun = await this.database.commit((atomic) => {
      for (const key of [keys.room(id), keys.head(id), keys.deleted(id), marker]) {
        atomic.check({ key, versionstamp: null });
      }
      atomic.set(marker, { listed: false } satisfies Removal);
    });
    if (begun === undefined) return { problem: "id_taken" };
    const check = { key: marker, versionstamp: begun };
    const write = (set: (atomic: Deno.AtomicOperation) => void) =>
      this.database.commit((atomic) => {
        atomic.check(check);
        set(atomic);
      });
    for await (const batch of batchesOf(events)) {
      const done = await write((atomic) => {
        for (const { position, wire, storedAt, author, n, id: event } of batch) {
          atomic.set(keys.event(id, position), valueOf(wire, storedAt));
          atomic.set(keys.number(id, author, n), [event, position] satisfies NumberValue);
        }
      });
      if (done === undefined) return { problem: "interrupted" };
    }
    for (let at = 0; at < authors.length; at += COMMIT_EVENTS) {
      const batch = authors.slice(at, at + COMMIT_EVENTS);
      const done = await write((atomic) => {
        for (const [author, lastN] of batch) setAuthor(atomic, id, author, { lastN, tatMs: 0 });
      });
      if (done === undefined) return { problem: "interrupted" };
    }
    for (let attempt = -1; attempt < CODE_ATTEMPTS; attempt++) {
      const code = room.code === undefined ? undefined : attempt === -1 ? room.code : roomCodeFor(id, attempt);
      const made: RoomInfo = code === undefined ? room : { ...room, code };
      const done = await write((atomic) => {
        if (code !== undefined) {
          atomic.check({ key: keys.code(code), versionstamp: null });
          atomic.set(keys.code(code), id);
        }
        atomic.delete(marker);
        atomic.set(keys.room(id), made).set(keys.head(id), head);
        if (head.listed) atomic.set(keys.listed(head.lastAt, id), true);
        atomic.sum(keys.roomCount, 1n);
        notifyChange(atomic, id);
      });
      if (done !== undefined) return made;
      if ((await this.database.get(marker)).versionstamp !== begun) return { problem: "interrupted" };
      if (code === undefined) break;
    }
    return { problem: "no_free_code" };
  }

  /** Whether the database is empty, but for what a start writes. */
  async isEmpty(): Promise<boolean> {
    const entries = await this.database.list({ prefix: [] }, { limit: 2 });
    return entries.every(({ key }) => key[0] === keys.schema[0]);
  }

  /** Restores audit entries, oldest first; the last one becomes the newest. */
  async restoreAudit(entries: readonly AuditEntry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += COMMIT_EVENTS) {
      await this.database.commit((atomic) => {
        for (const entry of entries.slice(at, at + COMMIT_EVENTS)) {
          atomic.set(keys.audit(entry.number), entry, { expireIn: AUDIT_KEPT_MS });
        }
        const { number, hash } = entries[Math.min(at + COMMIT_EVENTS, entries.length) - 1]!;
        atomic.set(keys.auditHead, { number, hash } satisfies AuditHead);
      });
    }
  }

  /** The oldest held position; retention may have advanced it since the head was read. */
  async #oldestHeld(id: RoomId, { oldest, head }: HeadRecord): Promise<number> {
    if (oldest > head) return oldest;
    const [first] = await this.database.list(rangeOf(id, oldest, head), { limit: 1 });
    return first === undefined ? head + 1 : Number(first.key[2]);
  }

  /** Throws if retention overtakes the reader, because the rest would have a gap. */
  async *#events(id: RoomId, oldest: number, head: number): AsyncGenerator<ArchivedEvent> {
    let next = oldest;
    for await (const { key, value } of this.database.all<EventValue>(rangeOf(id, oldest, head), STEP_ENTRIES)) {
      if (Number(key[2]) !== next) break;
      next++;
      const { entry, storedAt } = entryOf(value);
      yield { position: Number(key[2]), wire: entry, storedAt };
    }
    if (next <= head) throw new Error(`the event ${next} was deleted while it was read; try again`);
  }
}

/** Batches that fit into a commit each. */
async function* batchesOf(events: AsyncIterable<RestoredEvent>): AsyncGenerator<RestoredEvent[]> {
  let batch: RestoredEvent[] = [], chars = 0;
  for await (const event of events) {
    batch.push(event);
    chars += isStub(event.wire) ? 0 : event.wire[0].length;
    if (batch.length < COMMIT_EVENTS && chars < COMMIT_CHARS) continue;
    yield batch;
    batch = [];
    chars = 0;
  }
  if (batch.length > 0) yield batch;
}

/** The events of a room from one position to another, both included. */
function rangeOf(id: RoomId, from: number, to = Infinity): Deno.KvListSelector {
  return { start: keys.event(id, from), end: keys.event(id, to + 1) };
}
