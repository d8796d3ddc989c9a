/**
 * Every key of the database, in one table. Only lib/store knows keys.
 *
 * | key | value | written |
 * | --- | --- | --- |
 * | `room` room | RoomInfo | once |
 * | `code` code | RoomId | with its room |
 * | `room_count` | KvU64: how many rooms there are | with every room made or removed |
 * | `listed` minute, room | `true`; the minute of the room's newest event, for the home page | when the minute changes |
 * | `removing` room | Removal: the room is gone, its log not quite | from a removal's first commit to its last |
 * | `head` room | HeadRecord | with every change of the room's log |
 * | `age` room | AgeMark: which events are proven to be a day old | about once a day, while the room is written in |
 * | `event` room, position | EventValue | once |
 * | `number` room, author, n | NumberValue: the event's position | with its event |
 * | `author` room, author | AuthorRecord | with the author's events |
 * | `presence` room, instance | PresenceEntry | when people come and go, and to keep it alive |
 * | `present` room, instance | [count, expiresAt]: the same without names | with `presence` |
 * | `limit` what, who | Allowance | with every take that changes it |
 * | `channel` number | `1`; only the change counts | with every change of a room on this channel |
 * | `mail` receiver, sender, slot | StoredBatch: signals for another instance | to hand them over; deleted when read |
 * | `mailbox` receiver | `1`; only the change counts | with every `mail` to this instance |
 * | `deleted` room | when an operator deleted it, ms | with the removal, for DELETED_KNOWN_MS |
 * | `settings` part | the operators' settings at run time: limits, notices, suggested rooms; `bans` only notifies | when it is set |
 * | `ban` id | Ban | when it is set; gone with its end |
 * | `operator` session | OperatorSession | at log-in, when it is used, deleted at log-out |
 * | `audit` number | AuditEntry | once; gone after AUDIT_KEPT_MS |
 * | `audit_head` | AuditHead: number and hash of the newest entry | with every `audit` |
 * | `time` | TimeRecord: for how long servers have run, and the last time they believed | with every sweep |
 * | `lease` name | Lease | when it is taken or renewed |
 * | `stats` grain, at, instance | text: an instance's counts in that span of time | once a minute, once in ten |
 * | `schema` | the version of all this, see schema.ts; absent in databases of releases up to 0.2 | by migrations |
 * | `erasable` urgency | `1`: deleted words are still in the file | with every deletion, deleted when they are erased |
 * | `probe_room` | RoomId: the room of the instances' own probes | once |
 */
import type { AuthorKey, EventId, RoomId } from "../protocol/event.ts";
import type { Stub } from "../protocol/stub.ts";
import { fnv1a } from "../shared/fnv1a.ts";

/** Value of `event`: payload and signature, or the stub in their place, and when it was stored (server's clock, ms). */
export type EventValue =
  | readonly [payload: string, signature: string, storedAt: number]
  | readonly [stub: Stub, storedAt: number];
/** Value of `number`. */
export type NumberValue = readonly [id: EventId, position: number];
/** Value of `present`. */
export type CountValue = readonly [count: number, expiresAt: number];

/** How urgently deleted words must leave the file: people deleted them, or retention did. */
export type Erasable = "soon" | "later";

export const keys = {
  room: (room: RoomId): Deno.KvKey => ["room", room],
  rooms: ["room"] as Deno.KvKey,
  code: (code: string): Deno.KvKey => ["code", code],
  roomCount: ["room_count"] as Deno.KvKey,
  /** `at`: server's clock, ms; the key holds its minute. */
  listed: (at: number, room: RoomId): Deno.KvKey => ["listed", Math.floor(at / LISTED_GRAIN_MS), room],
  allListed: ["listed"] as Deno.KvKey,
  removing: (room: RoomId): Deno.KvKey => ["removing", room],
  allRemoving: ["removing"] as Deno.KvKey,
  head: (room: RoomId): Deno.KvKey => ["head", room],
  age: (room: RoomId): Deno.KvKey => ["age", room],
  event: (room: RoomId, position: number): Deno.KvKey => ["event", room, position],
  number: (room: RoomId, author: AuthorKey, n: number): Deno.KvKey => ["number", room, author, n],
  author: (room: RoomId, author: AuthorKey): Deno.KvKey => ["author", room, author],
  presence: (room: RoomId, instance: string): Deno.KvKey => ["presence", room, instance],
  presenceOf: (room: RoomId): Deno.KvKey => ["presence", room],
  present: (room: RoomId, instance: string): Deno.KvKey => ["present", room, instance],
  presentIn: (room: RoomId): Deno.KvKey => ["present", room],
  limit: (what: string, who: string): Deno.KvKey => ["limit", what, who],
  channel: (channel: number): Deno.KvKey => ["channel", channel],
  mail: (to: string, from: string, slot: number): Deno.KvKey => ["mail", to, from, slot],
  mailOf: (to: string): Deno.KvKey => ["mail", to],
  mailbox: (instance: string): Deno.KvKey => ["mailbox", instance],
  deleted: (room: RoomId): Deno.KvKey => ["deleted", room],
  settings: (part: string): Deno.KvKey => ["settings", part],
  ban: (id: string): Deno.KvKey => ["ban", id],
  bans: ["ban"] as Deno.KvKey,
  operator: (session: string): Deno.KvKey => ["operator", session],
  operators: ["operator"] as Deno.KvKey,
  audit: (number: number): Deno.KvKey => ["audit", number],
  allAudit: ["audit"] as Deno.KvKey,
  auditHead: ["audit_head"] as Deno.KvKey,
  time: ["time"] as Deno.KvKey,
  lease: (name: string): Deno.KvKey => ["lease", name],
  stats: (grain: string, at: number, instance: string): Deno.KvKey => ["stats", grain, at, instance],
  /** A grain's records from `at` on, and their end. */
  statsFrom: (grain: string, at: number): Deno.KvKey => ["stats", grain, at],
  statsEnd: (grain: string): Deno.KvKey => ["stats", grain, Infinity],
  probeRoom: ["probe_room"] as Deno.KvKey,
  schema: ["schema"] as Deno.KvKey,
  erasable: (when: Erasable): Deno.KvKey => ["erasable", when],
  /** The prefixes of a room's keys that a removal empties. */
  prefixesOf: (room: RoomId): Deno.KvKey[] =>
    ["event", "number", "author", "presence", "present"].map((part) => [part, room]),
};

/** Resolution of the list of rooms: a busy room moves on it once in this time, not with every commit. */
const LISTED_GRAIN_MS = 60_000;

/** Adds to a commit that words it deletes are still in the file. A blind write, so that commits do not conflict. */
export function markErasable(atomic: Deno.AtomicOperation, when: Erasable): void {
  atomic.set(keys.erasable(when), 1);
}

/** Channels that the rooms share: as many as one `watch` takes keys. */
export const CHANGE_CHANNELS = 10;

/** The channel of a room: its id is random, so a simple hash of its characters (FNV-1a, 32 bit) spreads rooms evenly. */
export function changeChannelOf(room: RoomId): number {
  return fnv1a(room) % CHANGE_CHANNELS;
}
