// Runs in browser and server.
/**
 * The event: the one thing a room is made of. An event is written once by its author as a JSON text (the payload), signed
 * as exactly those UTF-8 bytes, and carried unchanged on every transport. Nobody re-encodes it, so no canonical JSON is needed.
 *
 * Order on every screen is (`clock`, `author`, `n`): independent of transport, arrival and wrong phone clocks.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { isBase64UrlOf, toBase64Url } from "../shared/base64url.ts";
import { countChars, isCount, isRecord, isTime } from "../shared/checks.ts";
import { check } from "./fields.ts";
import { type FileInfo, fileInfo } from "./file_info.ts";
import {
  EVENT_PAYLOAD_MAX_BYTES,
  FILE_CAPTION_MAX_CHARS,
  MESSAGE_MAX_CHARS,
  NAME_MAX_BYTES,
  REACTION_MAX_BYTES,
  ROOM_NAME_MAX_CHARS,
} from "./limits.ts";
import type { Refusal } from "./codes.ts";

/** An event on a wire and in the database: the payload text, and its Ed25519 signature (64 bytes, base64url). */
export type WireEvent = readonly [payload: string, signature: string];

/** 16 random bytes, base64url. Names the room on every wire; people use its code. */
export type RoomId = string;
/** An Ed25519 public key (32 bytes, base64url), derived for one room from the device's secret. */
export type AuthorKey = string;
/** The first 16 bytes of the payload's SHA-256, base64url. */
export type EventId = string;

/** `listed`: shown on the home page. `unlisted`: for who has the code or link. `sealed`: bodies are encrypted. */
export type RoomKind = "listed" | "unlisted" | "sealed";

/** What an event says. In a sealed room all but the founding travels inside `sealed`. */
export type EventContent =
  /** The room's first event: its author is the host. `name` is sealed (base64url) in a sealed room. */
  | { kind: "room"; body: { roomKind: RoomKind; name: string } }
  /** What a person wrote. `name` is the author's display name at that moment. */
  | { kind: "message"; body: { name: string; text: string } }
  /** A message that answers another. */
  | { kind: "reply"; body: { name: string; text: string; to: EventId } }
  /** A file that its author holds, for whoever asks phones for it; `text` stands beside it. */
  | { kind: "file"; body: { name: string; text?: string; file: FileInfo } }
  /** One emoji of one author on one message, put on or taken off. */
  | { kind: "reaction"; body: { to: EventId; emoji: string; on: boolean } }
  /** New text for one's own message. */
  | { kind: "edit"; body: { to: EventId; text: string } }
  /** One's own message taken back. */
  | { kind: "retract"; body: { to: EventId } }
  /** A new display name. */
  | { kind: "profile"; body: { name: string } }
  /** AES-GCM of the JSON of another EventContent: 12 bytes of IV and the ciphertext, base64url. */
  | { kind: "sealed"; body: { sealed: string } };
export type EventKind = EventContent["kind"];
export type SaidContent = Extract<EventContent, { kind: "message" | "reply" | "file" }>;

/** What the author fills in; `content` comes on top. */
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

/** An event as programs use it: header, content, and the bytes it came as. Its signature may not be checked yet. */
export type Event = Readonly<EventHeader & { id: EventId; wire: WireEvent } & EventContent>;

/** The payload text of a new event. What is signed is its UTF-8 encoding. */
export function encodePayload(header: EventHeader, content: EventContent): string {
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

/** A payload that is not an event: the reason to refuse it, and the first field that is wrong. */
export interface EventProblem {
  reason: Extract<Refusal, "bad_event" | "too_long" | "wrong_kind">;
  field: string;
}

/** Reads a wire event: every field checked, nothing trusted but the signature, which `crypto` checks. */
export function readEvent(wire: WireEvent): { ok: true; event: Event } | { ok: false; problem: EventProblem } {
  const [payload] = wire;
  // UTF-16 length first: encoding a huge text only to measure it would be work done for an attacker.
  if (payload.length > EVENT_PAYLOAD_MAX_BYTES) return fail("too_long", "payload");
  const bytes = utf8.encode(payload);
  if (bytes.length > EVENT_PAYLOAD_MAX_BYTES) return fail("too_long", "payload");
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return fail("bad_event", "payload");
  }
  if (!isRecord(value)) return fail("bad_event", "payload");
  const { v, room, author, n, clock, at, kind, body } = value;
  if (v !== 1) return fail("bad_event", "v");
  if (!isBase64UrlOf(room, 16)) return fail("bad_event", "room");
  if (!isBase64UrlOf(author, 32)) return fail("bad_event", "author");
  if (!isCount(n)) return fail("bad_event", "n");
  if (!isCount(clock)) return fail("bad_event", "clock");
  if (!isTime(at)) return fail("bad_event", "at");
  const content = readContent(kind, body);
  if (!content.ok) return content;
  return { ok: true, event: { id: idOf(bytes), room, author, n, clock, at, wire, ...content.content } };
}

/** Reads `kind` and `body`, of an event or of what was sealed in one. */
export function readContent(
  kind: unknown,
  body: unknown,
): { ok: true; content: EventContent } | { ok: false; problem: EventProblem } {
  if (typeof kind !== "string") return fail("bad_event", "kind");
  if (!isRecord(body)) return fail("bad_event", "body");
  switch (kind) {
    case "room": {
      const { roomKind, name } = body;
      if (roomKind !== "listed" && roomKind !== "unlisted" && roomKind !== "sealed") {
        return fail("bad_event", "body.roomKind");
      }
      // A sealed name is longer: IV and tag, four bytes a character at most, base64url.
      const maxChars = roomKind === "sealed"
        ? Math.ceil((12 + 16 + ROOM_NAME_MAX_CHARS * 4) * 4 / 3)
        : ROOM_NAME_MAX_CHARS;
      const problem = textProblem(name, "body.name", maxChars);
      if (problem) return problem;
      return { ok: true, content: { kind, body: { roomKind, name: name as string } } };
    }
    case "message":
    case "reply": {
      const { name, text, to } = body;
      const problem = nameProblem(name) ?? textProblem(text, "body.text", MESSAGE_MAX_CHARS);
      if (problem) return problem;
      const said = { name: name as string, text: text as string };
      if (kind === "message") return { ok: true, content: { kind, body: said } };
      if (!isBase64UrlOf(to, 16)) return fail("bad_event", "body.to");
      return { ok: true, content: { kind, body: { ...said, to } } };
    }
    case "file": {
      const { name, text } = body;
      const problem = nameProblem(name) ??
        (text === undefined ? undefined : textProblem(text, "body.text", FILE_CAPTION_MAX_CHARS));
      if (problem) return problem;
      const file = check(fileInfo, body.file);
      if (!file.ok) return fail("bad_event", file.field === "" ? "body.file" : `body.file.${file.field}`);
      const said = { name: name as string, ...(text !== undefined && { text: text as string }) };
      return { ok: true, content: { kind, body: { ...said, file: file.value } } };
    }
    case "reaction": {
      const { to, emoji, on } = body;
      if (!isBase64UrlOf(to, 16)) return fail("bad_event", "body.to");
      if (typeof emoji !== "string" || emoji === "") return fail("bad_event", "body.emoji");
      if (utf8.encode(emoji).length > REACTION_MAX_BYTES) return fail("too_long", "body.emoji");
      if (typeof on !== "boolean") return fail("bad_event", "body.on");
      return { ok: true, content: { kind, body: { to, emoji, on } } };
    }
    case "edit": {
      const { to, text } = body;
      if (!isBase64UrlOf(to, 16)) return fail("bad_event", "body.to");
      const problem = textProblem(text, "body.text", MESSAGE_MAX_CHARS);
      if (problem) return problem;
      return { ok: true, content: { kind, body: { to, text: text as string } } };
    }
    case "retract": {
      const { to } = body;
      if (!isBase64UrlOf(to, 16)) return fail("bad_event", "body.to");
      return { ok: true, content: { kind, body: { to } } };
    }
    case "profile": {
      const { name } = body;
      const problem = nameProblem(name);
      if (problem) return problem;
      return { ok: true, content: { kind, body: { name: name as string } } };
    }
    case "sealed": {
      const { sealed } = body;
      if (typeof sealed !== "string" || !/^[A-Za-z0-9_-]{38,}$/.test(sealed)) return fail("bad_event", "body.sealed");
      return { ok: true, content: { kind, body: { sealed } } };
    }
    default:
      return fail("wrong_kind", "kind");
  }
}

/** The one order of events on every screen. Negative when `a` stands above `b`. */
export function compareEvents(a: EventHeader, b: EventHeader): number {
  return a.clock - b.clock || (a.author < b.author ? -1 : a.author > b.author ? 1 : a.n - b.n);
}

function fail(reason: EventProblem["reason"], field: string): { ok: false; problem: EventProblem } {
  return { ok: false, problem: { reason, field } };
}

function textProblem(value: unknown, field: string, maxChars: number) {
  if (typeof value !== "string" || value.trim() === "") return fail("bad_event", field);
  // A lone surrogate has no UTF-8 form: the text that was signed could not be the text that is shown.
  if (!value.isWellFormed()) return fail("bad_event", field);
  if (value.length > 2 * maxChars || countChars(value) > maxChars) return fail("too_long", field);
}

/** Whether this may be a display name on a wire: its bytes are bounded here, its look in lib/chat/display_name.ts. */
function nameProblem(value: unknown) {
  if (typeof value !== "string" || value.trim() === "" || !value.isWellFormed()) return fail("bad_event", "body.name");
  if (utf8.encode(value).length > NAME_MAX_BYTES) return fail("too_long", "body.name");
}

/** Whether the event is something that somebody said, with a line that can be answered. */
export function isSaid<Said extends EventContent>(event: Said): event is Extract<Said, SaidContent> {
  return event.kind === "message" || event.kind === "reply" || event.kind === "file";
}
