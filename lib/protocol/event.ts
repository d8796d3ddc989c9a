// Runs in browser and server.
/**
 * The event: the one thing a room is made of. An event is written once by its author as a JSON text (the payload), signed
 * as exactly those UTF-8 bytes, and carried unchanged on every transport. Nobody re-encodes it, so no canonical JSON is needed.
 *
 * Order on every screen is (`clock`, `author`, `n`): independent of transport, arrival and wrong phone clocks.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../shared/base64url.ts";
import { isRecord } from "../shared/checks.ts";
import { check, count, id, key, object, oneOf, parseJson, time } from "./fields.ts";
import { EVENT_PAYLOAD_MAX_BYTES } from "./limits.ts";

/** An event on a wire and in the database: the payload text, and its Ed25519 signature (64 bytes, base64url). */
export type WireEvent = readonly [payload: string, signature: string];

/** 16 random bytes, base64url. Names the room on every wire; people use its code. */
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
  /** The author's own count in this room: 1, 2, 3, … without holes. */
  n: number;
  /** Lamport clock (Lamport 1978): one more than the highest the author had seen in this room. */
  clock: number;
  /** The author's wall clock, ms since 1970. Shown, never trusted. */
  at: number;
}

/** The part of an event that every build reads, whatever its kind. Its signature may not be checked yet. */
export interface SignedEvent extends EventHeader {
  id: EventId;
  /** The bytes it came as. */
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

/** Reads all of a wire event but its content, which lib/kinds reads. */
export function readHeader(
  wire: WireEvent,
):
  | { ok: true; event: SignedEvent & { kind: unknown; body: unknown } }
  | { ok: false; problem: { reason: "bad_event" | "too_long"; field: string } } {
  const fail = (reason: "bad_event" | "too_long", field: string) =>
    ({ ok: false, problem: { reason, field } }) as const;
  const [payload] = wire;
  // UTF-16 length first: encoding a huge text only to measure it would be work done for an attacker.
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

/** The one order of events on every screen. Negative when `a` stands above `b`. */
export function compareEvents(a: EventHeader, b: EventHeader): number {
  return a.clock - b.clock || (a.author < b.author ? -1 : a.author > b.author ? 1 : a.n - b.n);
}
