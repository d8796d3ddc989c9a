// Runs in browser and server.
/**
 * A room consists of events. The author writes an event once, as a JSON text (the payload), and signs exactly those UTF-8
 * bytes. Every transport carries it unchanged. Nobody re-encodes it, so it needs no canonical JSON.
 *
 * Every screen orders events by (`clock`, `author`, `n`): independent of transport, arrival and wrong phone clocks.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../shared/base64url.ts";
import { isRecord } from "../shared/checks.ts";
import {
  check,
  count,
  filled,
  id,
  key,
  object,
  oneOf,
  parseJson,
  type Reader,
  readOr,
  signature,
  time,
  tuple,
} from "./fields.ts";
import { EVENT_PAYLOAD_MAX_BYTES } from "./limits.ts";

/** An event on a wire and in the database: the payload text, and its Ed25519 signature (64 bytes, base64url). */
export type WireEvent = readonly [payload: string, signature: string];

/**
 * A payload and a signature; `readEvent` reads the payload. The bound is twice the limit: a payload slightly over it is
 * refused by its id, and a huge one is not worth hashing.
 */
export const wireEvent: Reader<WireEvent> = tuple(filled(2 * EVENT_PAYLOAD_MAX_BYTES), signature);

/** Reads a single wire event, such as the body of a room's creation; undefined if it is invalid. */
export function readWireEvent(value: unknown): WireEvent | undefined {
  return readOr(wireEvent, value);
}

/** 16 random bytes, base64url. Identifies the room on every wire; people use its code. */
export type RoomId = string;
/** An Ed25519 public key (32 bytes, base64url), derived for one room from the device's secret. */
export type AuthorKey = string;
/** The first 16 bytes of the payload's SHA-256, base64url. */
export type EventId = string;

/** `listed`: shown on the home page. `unlisted`: for anyone with the code or link. `sealed`: bodies are encrypted. */
export type RoomKind = "listed" | "unlisted" | "sealed";

/** The fields that the author fills in beside the content. */
export interface EventHeader {
  room: RoomId;
  author: AuthorKey;
  /** The author's own sequence number in this room: 1, 2, 3, … without gaps. */
  n: number;
  /** Lamport clock (Lamport 1978): one more than the highest the author had seen in this room. */
  clock: number;
  /** The author's wall clock, ms since 1970. Shown, never trusted. */
  at: number;
}

/** The part of an event that every build reads, whatever its kind. Its signature may not be checked yet. */
export interface SignedEvent extends EventHeader {
  id: EventId;
  /** The event as it was received, unchanged. */
  wire: WireEvent;
}

/** The payload text of a new event, signed as its UTF-8 encoding. */
export function encodePayload(header: EventHeader, content: { kind: string; body: object }): string {
  const { room, author, n, clock, at } = header;
  return JSON.stringify({ v: 1, room, author, n, clock, at, kind: content.kind, body: content.body });
}

const utf8 = new TextEncoder();

/** The id of the event with this payload. */
export function eventIdOf(payload: string): EventId {
  return idOf(utf8.encode(payload));
}

function idOf(payload: Uint8Array): EventId {
  return toBase64Url(sha256(payload).subarray(0, 16));
}

const HEADER = object({ v: oneOf(1), room: id, author: key, n: count, clock: count, at: time });

/** Why a content or payload is refused, and the first wrong field. */
export interface EventProblem {
  reason: "bad_event" | "too_long";
  field: string;
}

/** Reads a wire event except its content, which lib/kinds reads. */
export function readHeader(
  wire: WireEvent,
): { ok: true; event: SignedEvent & { kind: unknown; body: unknown } } | { ok: false; problem: EventProblem } {
  const fail = (reason: EventProblem["reason"], field: string) => ({ ok: false, problem: { reason, field } }) as const;
  const [payload] = wire;
  // UTF-16 length first: encoding a huge text only to measure it would let an attacker waste CPU time.
  if (payload.length > EVENT_PAYLOAD_MAX_BYTES) return fail("too_long", "payload");
  const bytes = utf8.encode(payload);
  if (bytes.length > EVENT_PAYLOAD_MAX_BYTES) return fail("too_long", "payload");
  const value = parseJson(payload);
  if (!isRecord(value)) return fail("bad_event", "payload");
  const header = check(HEADER, value);
  if (!header.ok) return fail("bad_event", header.field);
  const { v: _, ...fields } = header.value;
  return { ok: true, event: { id: idOf(bytes), ...fields, wire, kind: value.kind, body: value.body } };
}

/** The order of events on every screen. Negative if `a` is above `b`. */
export function compareEvents(a: EventHeader, b: EventHeader): number {
  return a.clock - b.clock || (a.author < b.author ? -1 : a.author > b.author ? 1 : a.n - b.n);
}
