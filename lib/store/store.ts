/**
 * What the server keeps, as verbs on domain values. Only lib/store knows keys. Losing a race is a result, not an error;
 * a database that does not answer throws StorageUnavailable, and nothing was promised to anyone by then.
 */
import type { PausingRateLimit } from "../shared/rate_limiter.ts";
import type { AuthorKey, EventId, RoomId, SignedEvent, WireEvent } from "../protocol/event.ts";
import type { Event } from "../kinds/kinds.ts";
import type { LogEntry, Stub } from "../protocol/stub.ts";
import type { SignalFailure } from "../protocol/codes.ts";
import type { Person, RoomInfo } from "../protocol/frames.ts";

/** The part of Deno KV that the store uses: the real one, and the one in memory for tests and simulations. */
export type Kv = Pick<Deno.Kv, "get" | "getMany" | "list" | "set" | "delete" | "atomic" | "watch" | "close">;

/** The database did not answer, or answered with an error; `cause` holds it. */
export class StorageUnavailable extends Error {
  override name = "StorageUnavailable";
}

/** Most events that one `append` takes, and most authors: 3 mutations each stay under the 1,000 of a KV commit. */
export const APPEND_MAX_EVENTS = 300;
/** Most `appendBytes` that one `append` takes: with keys, index and records they stay under a KV commit's 819,200. */
export const APPEND_MAX_BYTES = 524_288;

/** What an event counts towards APPEND_MAX_BYTES: KV stores a text with one letter beyond Latin-1 as two bytes each. */
export function appendBytes(event: { readonly wire: WireEvent }): number {
  return 2 * event.wire[0].length + event.wire[1].length;
}

/** The end of a room's log, as read: the basis on which the next events are appended. Pass it on whole. */
export interface LogHead {
  /** 8 random bytes, base64url; made with the log, so that a position is never taken for one of another log. */
  epoch: string;
  /** Position of the newest event; 0 in an empty log. */
  head: number;
  /** Position of the oldest event still held; `head` + 1 when none is. */
  oldest: number;
  /** Highest Lamport clock of any event ever stored. */
  clock: number;
  /** When the newest event was stored, server's clock. */
  lastAt: number;
  /** What `append` checks: nobody wrote to this log since it was read. */
  versionstamp: string;
  /** Present when the room is on the home page: `append` moves it there as `lastAt` moves. */
  listed?: true;
  /** Present when this epoch began because an operator cleared the room: the highest clock of what was deleted then. */
  cleared?: number;
}

/** What the server remembers of an author in one room, changed only together with the log's head. */
export interface AuthorRecord {
  /** Highest `n` stored. */
  lastN: number;
  /** Theoretical arrival time of the generic cell rate algorithm (ITU-T I.371), server's clock, ms: the message limit. */
  tatMs: number;
  /** Hash of the last content's text, how often it came in a row, and when: repeated content costs more. */
  repeated?: { hash: string; times: number; at: number };
}

/** Where an event was stored. */
export interface StoredAt {
  id: EventId;
  position: number;
}

/**
 * Which events of a room are proven to be old, without any clock: `proven` is the highest position of those. `next` is
 * proven as well as soon as servers have run for long enough since `next.runningMs`.
 */
export interface AgeMark {
  /** Positions of another log prove nothing. */
  epoch: string;
  proven: number;
  next?: { position: number; runningMs: number };
}

/** Events that may be deleted for their age: of this epoch, up to this position, stored before `beforeMs`. */
export interface OldEvents {
  epoch: string;
  upTo: number;
  /** Server's clock, ms. */
  beforeMs: number;
}

export interface LogStore {
  /** The log's head, or undefined when there is no such room. */
  readHead(room: RoomId): Promise<LogHead | undefined>;
  /** As `readHead`, for many rooms, in their order. */
  readHeads(rooms: readonly RoomId[]): Promise<(LogHead | undefined)[]>;
  readAuthors(room: RoomId, authors: readonly AuthorKey[]): Promise<Map<AuthorKey, AuthorRecord>>;
  /** Where the author's event number `n` was stored; undefined when it was not, or is deleted by now. */
  findByNumber(room: RoomId, keys: readonly { author: AuthorKey; n: number }[]): Promise<(StoredAt | undefined)[]>;
  /**
   * Appends events at the positions after `expected.head`, with the authors' new records, in one atomic commit that also
   * rings the room's channel. `stubs` take the place of what stands, or would now stand, at these positions. `undefined` when somebody else wrote to the log since `expected` was read: nothing is stored,
   * read again. When this resolves, the events are on disk. Throws RangeError for more than APPEND_MAX_EVENTS events or
   * authors or APPEND_MAX_BYTES of `appendBytes`, or for none at all.
   */
  append(
    room: RoomId,
    expected: LogHead,
    events: readonly SignedEvent[],
    authors: ReadonlyMap<AuthorKey, AuthorRecord>,
    nowMs: number,
    stubs?: ReadonlyMap<number, Stub>,
  ): Promise<LogHead | undefined>;
  /**
   * Entries of the log at `from`, `from` + 1, …: up to `limit` of them and about `maxBytes`, none after `to`. Starts later
   * than asked when older ones are deleted: `from` in the answer says where. Empty when there is nothing.
   */
  readRange(
    room: RoomId,
    from: number,
    to: number,
    limit: number,
    maxBytes: number,
  ): Promise<{ from: number; events: LogEntry[] }>;
  /** Which events are proven to be a day old, of many rooms, in their order. */
  readAges(rooms: readonly RoomId[]): Promise<(AgeMark | undefined)[]>;
  /** Replaces a room's mark. False when the room is gone. */
  writeAge(room: RoomId, mark: AgeMark): Promise<boolean>;
  /** The entries at these positions, in their order; undefined where there is none. */
  readAt(room: RoomId, positions: readonly number[]): Promise<(LogEntry | undefined)[]>;
  /**
   * Deletes the oldest events beyond the newest `keep`, and those that are `old`, with every index entry of theirs.
   * Returns how many are gone. Safe beside appends and beside another instance that does the same: it works in
   * small commits from the oldest event on, and leaves the rest for the next time when appends keep winning the race.
   */
  trim(room: RoomId, keep: number, old?: OldEvents): Promise<number>;
  /**
   * Deletes every event and begins a new epoch, in which positions go on. Authors keep their numbers. False when there is
   * no such room, or appends kept winning the race: then most is gone, and clearing again takes the rest.
   */
  clear(room: RoomId): Promise<boolean>;
}

export interface RoomStore {
  /**
   * Makes the room of this founding event (already checked), its first event stored at position 1, and its code,
   * reserved in the same commit so that no code ever names two rooms. Making the same room twice returns it again.
   */
  create(founding: Event, nowMs: number): Promise<RoomInfo | { problem: "id_taken" | "no_free_code" }>;
  byId(room: RoomId): Promise<RoomInfo | undefined>;
  byCode(code: string): Promise<RoomInfo | undefined>;
  /** Whether a code is in use, for suggestions. */
  codeExists(code: string): Promise<boolean>;
  /**
   * Listed rooms, the ones with the newest activity first, up to `limit`. When it cuts, which ones of the last minute
   * on the list are in is arbitrary: the index knows minutes.
   */
  listed(limit: number): Promise<{ room: RoomInfo; lastAt: number }[]>;
  /** All rooms, page by page, for the sweep. `after` is the last id of the page before. */
  page(after: RoomId | undefined, limit: number): Promise<RoomInfo[]>;
  /** How many rooms there are. */
  count(): Promise<number>;
  /**
   * Deletes a room with everything of it: log, indexes, authors, code. From its first commit on nobody finds the room or
   * appends to it; an interrupted removal is completed by `finishRemovals`.
   */
  remove(room: RoomId): Promise<void>;
  /** As `remove`, by an operator: for DELETED_KNOWN_MS it is known as deleted, and nobody can make it again. */
  deleteForGood(room: RoomId, nowMs: number): Promise<void>;
  /** Whether an operator deleted this room, and not too long ago. */
  wasDeleted(room: RoomId): Promise<boolean>;
  /** Completes removals that a crash interrupted, for the sweep. Returns how many. */
  finishRemovals(): Promise<number>;
}

/** One instance's view of who is in a room. */
export interface PresenceEntry {
  instance: string;
  count: number;
  /** Up to PEOPLE_SHOWN of them. */
  shown: Person[];
  /** Server's clock; the entry is void after this. */
  expiresAt: number;
}

export interface PresenceStore {
  /** Replaces this instance's entry of a room (count 0 deletes it) and rings the room's channel. */
  write(room: RoomId, entry: PresenceEntry, nowMs: number): Promise<void>;
  /** The entries that are still good, of all instances. */
  read(room: RoomId, nowMs: number): Promise<PresenceEntry[]>;
  /** People per room over all instances, for many rooms. */
  counts(rooms: readonly RoomId[], nowMs: number): Promise<Map<RoomId, number>>;
}

export interface LimitStore {
  /**
   * Takes one from the allowance of `who` for `what`, counted over all instances. Allowed: undefined. Else how long to
   * wait, ms; a refused try does not lengthen the wait.
   */
  take(what: string, who: string, rate: PausingRateLimit, nowMs: number): Promise<number | undefined>;
}

/** Bells tell other instances that something of some rooms changed. They may ring twice or for nothing, never too seldom. */
export interface ChangeChannels {
  /** The channel a room shares with others. */
  channelOf(room: RoomId): number;
  /** Yields the number of each channel that rang, until `signal` aborts. Rings that come close together may be one. */
  listen(signal: AbortSignal): AsyncIterable<number>;
}

/** Something that one instance hands to another. */
export type Envelope =
  /** For a person in a room. `answer`: when nobody is there to take it, the sender's instance wants to know. */
  | {
    type: "signal";
    room: RoomId;
    from: AuthorKey;
    to: AuthorKey;
    payload: string;
    signature: string;
    answer: boolean;
  }
  /** The answer: what `from` sent to `to` was not taken. */
  | { type: "signal_undeliverable"; room: RoomId; from: AuthorKey; to: AuthorKey; reason: SignalFailure };

/** Envelopes that one instance sent together. */
export interface EnvelopeBatch {
  /** The sender's instance. */
  from: string;
  envelopes: Envelope[];
}

/** Most characters of payloads in one post: KV stores a text with one letter beyond Latin-1 as two bytes each. */
export const ENVELOPE_BATCH_MAX_CHARS = 24_576;

export interface MailboxStore {
  /**
   * Puts a post into an instance's mailbox and rings for it; false when the places of this sender are taken: nothing is
   * put. Nobody finds it any more after `lifeMs`.
   */
  put(to: string, from: string, envelopes: readonly Envelope[], lifeMs: number, nowMs: number): Promise<boolean>;
  /** Reads and deletes what lies in an instance's mailbox, oldest first. */
  take(instance: string, nowMs: number): Promise<EnvelopeBatch[]>;
  /** Yields at once, and whenever something may lie in the mailbox, until `signal` aborts. */
  listen(instance: string, signal: AbortSignal): AsyncIterable<void>;
}

/** Work that one instance does for all. */
export interface LeaseStore {
  /** Whether this instance holds the lease `name` for the next `forMs`; another one gets it only after that. */
  acquire(name: string, instance: string, forMs: number, nowMs: number): Promise<boolean>;
}

/** A key or a device that is kept out. */
export interface Ban {
  /** 12 random bytes, base64url. */
  id: string;
  kind: "key" | "device";
  /** The author's key, or the device's hash (`deviceHash`). */
  who: string;
  /** Absent: everywhere. */
  room?: RoomId;
  /** With a key: the device it comes from is kept out as well, as soon as it is seen. */
  withDevice?: true;
  /** For operators; nobody else reads it. */
  reason: string;
  /** Server's clock, ms. */
  at: number;
  until: number;
}

/** A room that the home page recommends. */
export interface SuggestedRoom {
  room: RoomId;
  /** What it is for, as the operator says: "Main stage", "Lost and found". */
  label: string;
}

/** All that operators set at run time. */
export interface RuntimeSettingsState {
  /** Limits that differ from the configuration, by their names in lib/server/limits/runtime_limits.ts. */
  limits: Record<string, number>;
  /** Signed notices and withdrawals that have not ended, oldest first. */
  notices: WireEvent[];
  suggested: SuggestedRoom[];
  bans: Ban[];
}

/** Most bans at a time; more are refused. */
export const BANS_MAX = 1_000;

export interface RuntimeSettingsStore {
  read(nowMs: number): Promise<RuntimeSettingsState>;
  setLimits(limits: Record<string, number>): Promise<void>;
  setSuggested(rooms: readonly SuggestedRoom[]): Promise<void>;
  /** Changes the notices; `change` is pure and may run more than once. Undefined from it: nothing is changed. */
  changeNotices(change: (notices: readonly WireEvent[]) => readonly WireEvent[] | undefined): Promise<boolean>;
  /** False when there are BANS_MAX already. */
  putBan(ban: Ban, nowMs: number): Promise<boolean>;
  liftBan(id: string): Promise<boolean>;
  /** Yields at once, and whenever something was set, until `signal` aborts. */
  listen(signal: AbortSignal): AsyncIterable<void>;
}

/** One action of an operator. */
export interface AuditEntry {
  /** 1, 2, 3, … */
  number: number;
  /** Server's clock, ms. */
  at: number;
  /** The first envelopes of the session's name; empty where nobody was logged in. */
  by: string;
  action: string;
  /** What it was done to, in words and numbers; never what somebody wrote. */
  details: Record<string, string | number>;
  /** `hash` of the entry before; empty in the first one. */
  previous: string;
  /** SHA-256 over all of the above, base64url: `auditHash`. */
  hash: string;
}

export interface AuditStore {
  /** Adds an entry after the newest one. There is no way to change or delete one. */
  append(entry: Omit<AuditEntry, "number" | "previous" | "hash">): Promise<AuditEntry>;
  /** Up to `limit` entries, newest first, older than `before`. */
  page(before: number | undefined, limit: number): Promise<AuditEntry[]>;
  /** Number and hash of the entry that was added last; undefined before the first. */
  newest(): Promise<{ number: number; hash: string } | undefined>;
}

/** A room as it was at one moment of its log, without its events. */
export interface RoomSnapshot {
  room: RoomInfo;
  head: Omit<LogHead, "versionstamp">;
  /** Highest `n` stored of each author that is remembered. */
  authors: [author: AuthorKey, lastN: number][];
}

/** An entry of an archive: where it stands, and when it was stored. */
export interface ArchivedEvent {
  position: number;
  wire: LogEntry;
  storedAt: number;
}

export interface ArchiveStore {
  /**
   * A room at one moment, while others go on writing: its events come from `events`, in order and without holes, until
   * they end at `head`. Undefined when there is no such room.
   */
  snapshot(room: RoomId): Promise<{ snapshot: RoomSnapshot; events: AsyncIterable<ArchivedEvent> } | undefined>;
  /**
   * Makes a room from an archive: its id, epoch and positions as they were; its code too, when that is free. Nobody finds
   * it before all is there. What comes to a stop half-way is deleted by `finishRemovals`.
   */
  restore(
    snapshot: RoomSnapshot,
    events: AsyncIterable<ArchivedEvent & { author: AuthorKey; n: number; id: EventId }>,
  ): Promise<RoomInfo | { problem: "id_taken" | "no_free_code" | "interrupted" }>;
  /** Whether the database holds nothing at all. */
  isEmpty(): Promise<boolean>;
  /** Puts audit entries back as they were, oldest first; the last one becomes the newest. */
  restoreAudit(entries: readonly AuditEntry[]): Promise<void>;
}

/** A log-in that is good on every instance. */
export interface OperatorSession {
  createdAt: number;
  seenAt: number;
}

export interface OperatorStore {
  put(session: string, record: OperatorSession, lifeMs: number): Promise<void>;
  get(session: string): Promise<OperatorSession | undefined>;
  /** Notes that it was used. One that was deleted meanwhile stays deleted. */
  touch(session: string, seenAt: number, lifeMs: number): Promise<void>;
  delete(session: string): Promise<void>;
  /** Deletes all of them: how many there were. */
  deleteAll(): Promise<number>;
}

/** How long the stretches are that statistics are kept of. */
export type StatsGrain = "minute" | "ten_minutes";

/** What one instance counted in the stretch of time that began `at` (server's clock, ms). */
export interface StatsEntry {
  at: number;
  instance: string;
  text: string;
}

/** Most bytes of one record's text: a KV value holds 65,536. */
export const STATS_TEXT_MAX_BYTES = 60_000;

export interface StatsStore {
  /** Keeps a record for `lifeMs` at least. Throws RangeError for a text beyond STATS_TEXT_MAX_BYTES. */
  write(grain: StatsGrain, entry: StatsEntry, lifeMs: number): Promise<void>;
  /** The newest `limit` records that began at `from` or later, newest first. */
  read(grain: StatsGrain, from: number, limit: number): Promise<StatsEntry[]>;
  /** The room of the instances' own probes; undefined before there is one. */
  probeRoom(): Promise<RoomId | undefined>;
  /** Names that room in the place of `before`, if nobody else did. The one that is named now. */
  nameProbeRoom(room: RoomId, before: RoomId | undefined): Promise<RoomId>;
}

/** What servers on this database know of time. */
export interface TimeRecord {
  /** For how long any of them has run, ms, by clocks that never jump. */
  runningMs: number;
  /** The last time that one of them believed, ms since 1970. */
  wallMs?: number;
}

export interface TimeStore {
  read(): Promise<{ record: TimeRecord | undefined; version: string | null }>;
  /** False when somebody else wrote since `version` was read. */
  write(record: TimeRecord, version: string | null): Promise<boolean>;
}

export interface Store {
  readonly rooms: RoomStore;
  readonly log: LogStore;
  readonly presence: PresenceStore;
  readonly limits: LimitStore;
  readonly changes: ChangeChannels;
  readonly mailboxes: MailboxStore;
  readonly leases: LeaseStore;
  readonly settings: RuntimeSettingsStore;
  readonly audit: AuditStore;
  readonly operators: OperatorStore;
  readonly archive: ArchiveStore;
  readonly stats: StatsStore;
  readonly time: TimeStore;
  /** One small read through the whole way to the database; how long it took, ms. */
  ping(): Promise<number>;
  close(): void;
}
