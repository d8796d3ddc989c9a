// Runs in browser and server.
/**
 * A stub replaces a deleted event in a room's log: the position and the author's number stay taken, and the payload is
 * gone. A stub is the server's unsigned claim.
 */
import { type SignedEvent, type WireEvent, wireEvent } from "./event.ts";
import {
  BadField,
  count,
  flag,
  id,
  key,
  object,
  optional,
  type Read,
  type Reader,
  text,
  time,
  where,
} from "./fields.ts";

/** Why events are deleted. Clients show a reason that they do not know as a deleted message. */
export const STUB_REASONS = [
  /** Its author deleted it. */
  "retracted",
  /** A host or an operator deleted it. */
  "removed",
  /** It made room for others. */
  "evicted",
  /** It was too old. */
  "expired",
] as const;

/** Replaces a deleted event: its header, without the payload. */
export type Stub = Read<typeof stub>;
const stub = object({
  /** One of STUB_REASONS, or a reason from a later version. */
  stub: where(text(32), (reason) => /^[a-z][a-z_]*$/.test(reason)),
  id,
  author: key,
  n: count,
  clock: count,
  at: time,
  /** It had no line of its own, as an edit has none. */
  quiet: optional(flag),
});

/** The content of one position of a log. */
export type LogEntry = WireEvent | Stub;

export function isStub(entry: LogEntry): entry is Stub {
  return "stub" in entry;
}

/** An event or a stub. */
export const logEntry: Reader<LogEntry> = (value, field) => {
  if (Array.isArray(value)) return wireEvent(value, field);
  if (value === null || typeof value !== "object") throw new BadField(field);
  return stub(value, field);
};

/** The stub that replaces an event. */
export function stubFor(
  { id, author, n, clock, at }: Omit<SignedEvent, "room" | "wire">,
  reason: (typeof STUB_REASONS)[number],
  quiet: boolean,
): Stub {
  return { stub: reason, id, author, n, clock, at, ...(quiet && { quiet }) };
}
