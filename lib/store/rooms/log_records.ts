/** The values that a room's log is read and written as. */
import { isStub, type LogEntry } from "../../protocol/stub.ts";
import type { AuthorKey, EventId, WireEvent } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";

/** Most events, and most authors, of one `append`: 3 mutations each stay under the 1,000 of a KV commit. */
export const APPEND_MAX_EVENTS = 300;

/** Most `appendBytes` of one `append`: with keys, index and records they stay under a KV commit's 819,200. */
export const APPEND_MAX_BYTES = 524_288;

/** An event's share of APPEND_MAX_BYTES: one character beyond Latin-1 makes KV store a text as two bytes each. */
export function appendBytes(event: { readonly wire: WireEvent }): number {
  return 2 * event.wire[0].length + event.wire[1].length;
}

/** The size of a stub in a page and in a log: about the length of its JSON. */
const STUB_BYTES = 200;

/** An entry's share of a page and of the bytes that a room may hold, by the lengths of its texts. */
export function entryBytes(entry: LogEntry): number {
  return isStub(entry) ? STUB_BYTES : entry[0].length + entry[1].length;
}

/** The end of a room's log, as read: the basis of the next append. Pass it on whole. */
export interface LogHead {
  /** 8 random bytes, base64url; made with the log, so that positions of different logs are never confused. */
  epoch: string;
  /** Position of the newest event; 0 in an empty log. */
  head: number;
  /** Position of the oldest event still held; `head` + 1 when none is. */
  oldest: number;
  /** Highest Lamport clock of any event ever stored. */
  clock: number;
  /** Theoretical arrival time (ITU-T I.371) of the limit on steps of the clock, server's clock, ms; absent: 0. */
  clockTatMs?: number;
  /** Bytes of the events in the log, by `entryBytes`; absent: none are counted yet. */
  bytes?: number;
  /** When the newest event was stored, server's clock. */
  lastAt: number;
  /** `append` checks by it that nobody wrote to this log since it was read. */
  versionstamp: string;
  /**
   * Present when the room is on the home page: `append` moves it there as `lastAt` moves. The value is the founder's mark;
   * `true` in rooms that were made before there were marks.
   */
  listed?: string | true;
  /** Present when this epoch began because an operator cleared the room: the highest clock of the deleted events. */
  cleared?: number;
}

/** The server's record of an author in one room; it changes only together with the log's head. */
export interface AuthorRecord {
  /** Highest `n` stored. */
  lastN: number;
  /** Theoretical arrival time of the generic cell rate algorithm (ITU-T I.371), server's clock, ms: the message limit. */
  tatMs: number;
  /** When the author's first event was stored, server's clock, ms; absent in records that are older than this field. */
  since?: number;
  /** Hash of the last text, its repetitions in a row, and its time: repeated text costs more of the message limit. */
  repeated?: { hash: string; times: number; at: number };
}

/** Where an event was stored. */
export type StoredAt = { id: EventId; position: number };

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
