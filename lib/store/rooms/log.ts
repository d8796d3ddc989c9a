/** The logs of rooms: numbered events, their authors' records, and the head that every change of a log checks. */
import { isStub, type LogEntry, type Stub } from "../../protocol/stub.ts";
import type { AuthorKey, RoomId, SignedEvent } from "../../protocol/event.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { type Database, DiskFull } from "../database.ts";
import { changeChannelOf, type EventValue, keys, markErasable, type NumberValue } from "../keys.ts";
import {
  type AgeMark,
  APPEND_MAX_BYTES,
  APPEND_MAX_EVENTS,
  appendBytes,
  type AuthorRecord,
  type LogHead,
  type OldEvents,
} from "./log_records.ts";

/** Value of the key `head`: a LogHead without the versionstamp, which the database keeps. */
export type HeadRecord = Omit<LogHead, "versionstamp">;

/** How long an author's record outlives the author's last event: twice the 7 days an outbox may wait. */
export const AUTHOR_RECORD_MS = 2 * 7 * 24 * 3_600_000;

/** Events that one commit of `trim` deletes: 400 mutations, and no long wait for the appends beside it. */
const TRIM_STEP_EVENTS = 200;
/** Races that one commit of `trim` may lose to appends before it leaves the rest for the next time. */
const TRIM_RACES_MAX = 20;
/** The size of a stub in a page: about the length of its JSON. */
const STUB_BYTES = 200;
/** Pause after a lost race: about one group commit. */
const TRIM_PAUSE_MS = 4;

/** Adds an event, or its stub if it is deleted already, and its index entry to a commit. */
export function setEvent(
  atomic: Deno.AtomicOperation,
  room: RoomId,
  position: number,
  event: SignedEvent,
  nowMs: number,
  stub?: Stub,
): void {
  atomic.set(keys.event(room, position), valueOf(stub ?? event.wire, nowMs));
  atomic.set(keys.number(room, event.author, event.n), [event.id, position] satisfies NumberValue);
}

/** The entry of a stored value, and when it was stored. */
export function entryOf(value: EventValue): { entry: LogEntry; storedAt: number } {
  return value.length === 2
    ? { entry: value[0], storedAt: value[1] }
    : { entry: [value[0], value[1]], storedAt: value[2] };
}

/** The value of an entry. */
export function valueOf(entry: LogEntry, storedAt: number): EventValue {
  return isStub(entry) ? [entry, storedAt] : [...entry, storedAt];
}

/** The author and number of an event or stub. The payload was checked before it was stored. */
export function numberOf(value: EventValue): { author: AuthorKey; n: number } {
  const { entry } = entryOf(value);
  const { author, n } = isStub(entry) ? entry : JSON.parse(entry[0]);
  return { author: String(author), n: Number(n) };
}

/** Adds an author's record to a commit; each write renews its lifetime. */
export function setAuthor(atomic: Deno.AtomicOperation, room: RoomId, author: AuthorKey, record: AuthorRecord): void {
  atomic.set(keys.author(room, author), record, { expireIn: AUTHOR_RECORD_MS });
}

/** Adds a change notification on the room's channel to a commit. A blind write, so that commits do not conflict. */
export function notifyChange(atomic: Deno.AtomicOperation, room: RoomId): void {
  atomic.set(keys.channel(changeChannelOf(room)), 1);
}

/** Throws DiskFull where there is such a problem: deletions, which need little space, still work then. */
export function refuseOnFullDisk(problem: string | undefined): void {
  if (problem !== undefined) throw new DiskFull(problem);
}

/** The head as domain value; undefined when there is no such room. */
export function toHead(entry: Deno.KvEntryMaybe<HeadRecord>): LogHead | undefined {
  return entry.versionstamp === null ? undefined : { ...entry.value, versionstamp: entry.versionstamp };
}

export class LogStore {
  /** `diskProblem`: why nothing may be appended now. */
  constructor(
    private readonly database: Database,
    private readonly random: (byteLength: number) => Uint8Array,
    private readonly diskProblem: () => string | undefined,
  ) {}

  /** The log's head, or undefined when there is no such room. */
  async readHead(room: RoomId): Promise<LogHead | undefined> {
    return toHead(await this.database.get<HeadRecord>(keys.head(room)));
  }

  /** As `readHead`, for many rooms, in their order. */
  async readHeads(rooms: readonly RoomId[]): Promise<(LogHead | undefined)[]> {
    return (await this.database.getMany<HeadRecord>(rooms.map(keys.head))).map(toHead);
  }

  async readAuthors(room: RoomId, authors: readonly AuthorKey[]): Promise<Map<AuthorKey, AuthorRecord>> {
    const entries = await this.database.getMany<AuthorRecord>(authors.map((author) => keys.author(room, author)));
    return new Map(entries.flatMap(({ value }, at) => value ? [[authors[at]!, value]] : []));
  }

  /** Where the author's event number `n` was stored; undefined if it was never stored or is deleted. */
  async findByNumber(room: RoomId, wanted: readonly { author: AuthorKey; n: number }[]) {
    const entries = await this.database.getMany<NumberValue>(
      wanted.map(({ author, n }) => keys.number(room, author, n)),
    );
    return entries.map(({ value }) => value ? { id: value[0], position: value[1] } : undefined);
  }

  /**
   * Appends events at the positions after `expected.head`, with the authors' new records, in one atomic commit that also
   * notifies the room's channel. Returns undefined, and stores nothing, if another instance wrote to the log since
   * `expected` was read; the caller reads again. When this resolves, the events are on disk. Throws DiskFull, and RangeError for more
   * than APPEND_MAX_EVENTS events or authors or APPEND_MAX_BYTES of `appendBytes`, or without any event.
   */
  async append(
    room: RoomId,
    expected: LogHead,
    events: readonly SignedEvent[],
    authors: ReadonlyMap<AuthorKey, AuthorRecord>,
    nowMs: number,
    stubs: ReadonlyMap<number, Stub> = new Map(),
  ): Promise<LogHead | undefined> {
    checkSize(events, authors, stubs.size);
    refuseOnFullDisk(this.diskProblem());
    const from = expected.head + 1;
    const clock = events.reduce((highest, event) => Math.max(highest, event.clock), expected.clock);
    const changes = { head: expected.head + events.length, clock, lastAt: nowMs };
    return await this.#changeHead(room, expected, changes, (atomic) => {
      events.forEach((event, at) => setEvent(atomic, room, from + at, event, nowMs, stubs.get(from + at)));
      for (const [position, stub] of stubs) {
        if (position >= from) continue;
        atomic.set(keys.event(room, position), valueOf(stub, nowMs));
        markErasable(atomic, "soon");
      }
      for (const [author, record] of authors) setAuthor(atomic, room, author, record);
      if (expected.listed) moveOnList(atomic, room, expected.lastAt, nowMs);
    });
  }

  /**
   * Stored events at `from`, `from` + 1, …: up to `limit` of them and about `maxBytes`, none after `to`. Starts later
   * than requested if older ones are deleted: `from` in the answer is the start. May be empty.
   */
  async readRange(room: RoomId, from: number, to: number, limit: number, maxBytes: number) {
    const events: LogEntry[] = [];
    if (limit < 1 || to < from) return { from, events };
    const entries = await this.database.list<EventValue>(
      { start: keys.event(room, from), end: keys.event(room, to + 1) },
      { limit: Math.min(limit, to - from + 1), batchSize: Math.min(limit, 100) },
    );
    const first = entries[0] ? positionOf(entries[0]) : from;
    let bytes = 0;
    for (const entry of entries) {
      // Batches are read one after another: a trim between two of them leaves a gap, and the next event does not follow.
      if (positionOf(entry) !== first + events.length) break;
      const { entry: held } = entryOf(entry.value);
      bytes += isStub(held) ? STUB_BYTES : held[0].length + held[1].length;
      if (bytes > maxBytes && events.length > 0) break;
      events.push(held);
    }
    return { from: first, events };
  }

  /** The marks of many rooms, in their order: their events that are proven to be a day old. */
  async readAges(rooms: readonly RoomId[]): Promise<(AgeMark | undefined)[]> {
    return (await this.database.getMany<AgeMark>(rooms.map(keys.age))).map(({ value }) => value ?? undefined);
  }

  /** Replaces a room's mark. False when the room is gone. */
  async writeAge(room: RoomId, mark: AgeMark): Promise<boolean> {
    const { key, versionstamp } = await this.database.get(keys.room(room));
    return versionstamp !== null && await this.database.commit((atomic) => {
          atomic.check({ key, versionstamp }).set(keys.age(room), mark);
        }) !== undefined;
  }

  /** The entries at these positions, in their order; undefined where there is none. */
  async readAt(room: RoomId, positions: readonly number[]): Promise<(LogEntry | undefined)[]> {
    const entries = await this.database.getMany<EventValue>(positions.map((position) => keys.event(room, position)));
    return entries.map(({ value }) => value ? entryOf(value).entry : undefined);
  }

  /**
   * Deletes the oldest events beyond the newest `keep`, and those that are `old`, with all of their index
   * entries. Returns their number. Safe beside appends and other instances' trims: it works in small commits from the
   * oldest event on, and leaves the rest for the next time if appends keep winning the race.
   */
  async trim(room: RoomId, keep: number, old?: OldEvents): Promise<number> {
    for (let removed = 0;;) {
      const head = await this.readHead(room);
      if (!head || head.oldest > head.head) return removed;
      const entries = await this.database.list<EventValue>(
        { start: keys.event(room, head.oldest), end: keys.event(room, head.head + 1) },
        { limit: TRIM_STEP_EVENTS, batchSize: TRIM_STEP_EVENTS },
      );
      const oldTo = old?.epoch === head.epoch ? old.upTo : 0;
      const stays = entries.findIndex((entry) => {
        const position = positionOf(entry);
        return position > head.head - keep && !(position <= oldTo && entryOf(entry.value).storedAt < old!.beforeMs);
      });
      const gone = stays === -1 ? entries : entries.slice(0, stays);
      if (gone.length === 0 || !await this.#deleteOldest(room, head.oldest, gone)) return removed;
      removed += gone.length;
      if (stays !== -1) return removed;
    }
  }

  /**
   * Deletes every event and begins a new epoch, in which positions continue. Authors keep their numbers. Returns false if
   * there is no such room, or if appends kept winning the race: then most events are gone, and a retry deletes the rest.
   */
  async clear(room: RoomId): Promise<boolean> {
    for (let race = 0; race < TRIM_RACES_MAX; race++) {
      await this.trim(room, 0);
      const head = await this.readHead(room);
      if (head === undefined) return false;
      if (head.oldest <= head.head) continue;
      const changes = { epoch: toBase64Url(this.random(8)), cleared: head.clock };
      if (await this.#changeHead(room, head, changes, (atomic) => markErasable(atomic, "soon"))) return true;
    }
    return false;
  }

  /**
   * Changes the head and notifies the room's channel. Events, index, authors' records and trims all change with the head,
   * so its check covers them all.
   */
  async #changeHead(
    room: RoomId,
    { versionstamp: expected, ...before }: LogHead,
    changes: Partial<HeadRecord>,
    also?: (atomic: Deno.AtomicOperation) => void,
  ): Promise<LogHead | undefined> {
    const head: HeadRecord = { ...before, ...changes };
    const versionstamp = await this.database.commit((atomic) => {
      atomic.check({ key: keys.head(room), versionstamp: expected }).set(keys.head(room), head);
      also?.(atomic);
      notifyChange(atomic, room);
    });
    return versionstamp === undefined ? undefined : { ...head, versionstamp };
  }

  /** Deletes the oldest events in one commit; false when others trimmed too or kept winning the race. */
  async #deleteOldest(room: RoomId, oldest: number, gone: readonly Deno.KvEntry<EventValue>[]): Promise<boolean> {
    for (let race = 0; race < TRIM_RACES_MAX; race++) {
      // Read again right before the commit, which appends may only prevent in the moment between the two.
      const head = await this.readHead(room);
      if (head?.oldest !== oldest) return false;
      const done = await this.#changeHead(room, head, { oldest: positionOf(gone.at(-1)!) + 1 }, (atomic) => {
        markErasable(atomic, "later");
        for (const { key, value } of gone) {
          const { author, n } = numberOf(value);
          atomic.delete(key).delete(keys.number(room, author, n));
        }
      });
      if (done !== undefined) return true;
      await this.database.pause(TRIM_PAUSE_MS);
    }
    return false;
  }
}

/** Moves a room on the list of rooms, when its newest event is in another minute than the one before. */
function moveOnList(atomic: Deno.AtomicOperation, room: RoomId, fromMs: number, toMs: number): void {
  const from = keys.listed(fromMs, room), to = keys.listed(toMs, room);
  if (from[1] === to[1]) return;
  atomic.delete(from);
  atomic.set(to, true);
}

const positionOf = (entry: Deno.KvEntry<EventValue>) => Number(entry.key[2]);

function checkSize(events: readonly SignedEvent[], authors: ReadonlyMap<AuthorKey, AuthorRecord>, stubs: number): void {
  const bytes = events.reduce((sum, event) => sum + appendBytes(event), 0);
  if (
    events.length === 0 || events.length + stubs > APPEND_MAX_EVENTS || authors.size > APPEND_MAX_EVENTS ||
    bytes > APPEND_MAX_BYTES
  ) {
    throw new RangeError(
      `one append takes 1 to ${APPEND_MAX_EVENTS} events, as many authors and ${APPEND_MAX_BYTES} bytes; ` +
        `got ${events.length} events, ${stubs} stubs, ${authors.size} authors, ${bytes} bytes`,
    );
  }
}
