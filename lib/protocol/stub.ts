// Runs in browser and server.
/**
 * A stub stands in a room's log where an event was deleted: its position and its author's number stay taken, and its payload
 * is gone. It is the server's word, not signed.
 */
import { wireEvent } from "./decode_shared.ts";
import type { AuthorKey, EventId, SignedEvent, WireEvent } from "./event.ts";
import { BadField, count, flag, id, key, object, optional, type Reader, text, time, where } from "./fields.ts";

/** Why events are deleted. Clients show a reason that they do not know as a deleted message. */
export const STUB_REASONS = [
  /** Its author deleted it. */
  "retracted",
  /** A host or an operator deleted it. */
  "removed",
  /** It made place for others. */
  "evicted",
  /** It was too old. */
  "expired",
] as const;

export interface Stub {
  /** One of STUB_REASONS, or one that a later version has. */
  stub: string;
  /** Of the event that stood here: what places it and what it is known by. */
  id: EventId;
  author: AuthorKey;
  n: number;
  clock: number;
  at: number;
  /** It had no line of its own, as an edit has none. */
  quiet?: boolean;
}

/** The content of one position of a log. */
export type LogEntry = WireEvent | Stub;

export function isStub(entry: LogEntry): entry is Stub {
  return "stub" in entry;
}

const stub: Reader<Stub> = object({
  stub: where(text(32), (reason) => /^[a-z][a-z_]*$/.test(reason)),
  id,
  author: key,
  n: count,
  clock: count,
  at: time,
  quiet: optional(flag),
});

/** An event or a stub. */
export const logEntry: Reader<LogEntry> = (value, field) => {
  if (Array.isArray(value)) return wireEvent(value, field);
  if (value === null || typeof value !== "object") throw new BadField(field);
  return stub(value, field);
};

/** The stub that takes an event's place. */
export function stubFor(
  { id, author, n, clock, at }: Omit<SignedEvent, "room" | "wire">,
  reason: (typeof STUB_REASONS)[number],
  quiet: boolean,
): Stub {
  return { stub: reason, id, author, n, clock, at, ...(quiet && { quiet }) };
}
