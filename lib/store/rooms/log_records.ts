/** The values that a room's log is read and written as. */
import type { AuthorKey, EventId, WireEvent } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";

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

/** A room as it was at one moment of its log, without its events. */
export interface RoomSnapshot {
  room: RoomInfo;
  head: Omit<LogHead, "versionstamp">;
  /** Highest `n` stored of each author that is remembered. */
  authors: [author: AuthorKey, lastN: number][];
}

/** An event of an archive: where it stands, and when it was stored. */
export interface ArchivedEvent {
  position: number;
  wire: WireEvent;
  storedAt: number;
}
