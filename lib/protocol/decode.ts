// Runs in browser and server.
/**
 * The one door through which text becomes a frame. Every field and size is checked and a new object is built from the
 * checked fields, so nobody behind the door validates or casts.
 */
import { isBase64UrlOf } from "./base64url.ts";
import {
  CLOSE_REASONS,
  FRAME_PROBLEMS,
  type FrameProblem,
  type Refusal,
  REFUSALS,
  SIGNAL_FAILURES,
  type SignalFailure,
} from "./codes.ts";
import { type EventId, isCount, isRecord, isTime, type RoomKind, type WireEvent } from "./event.ts";
import type { ClientFrame, HelloProof, LogPosition, Person, RoomInfo, ServerFrame } from "./frames.ts";
import {
  CLIENT_FRAME_MAX_BYTES,
  EVENT_PAYLOAD_MAX_BYTES,
  NAME_MAX_BYTES,
  NOTICES_MAX,
  PAGE_MAX_EVENTS,
  PEOPLE_SHOWN,
  SEND_MAX_EVENTS,
  SERVER_FRAME_MAX_BYTES,
  SIGNAL_PAYLOAD_MAX_CHARS,
} from "./limits.ts";

export type Decoded<Frame> =
  | { ok: true; frame: Frame }
  | { ok: false; problem: FrameProblem; field?: string };

/** Thrown inside a decoder only: the name of the first wrong field. */
class BadField extends Error {}

/** Reads what a client sent. */
export function decodeClientFrame(data: unknown): Decoded<ClientFrame> {
  return decode(data, CLIENT_FRAME_MAX_BYTES, (type, fields) => {
    switch (type) {
      case "hello": {
        const proof = wireEvent(fields.proof, "proof");
        const version = count(fields.version, "version");
        if (fields.resume === undefined) return { type, version, proof };
        return { type, version, proof, resume: logPosition(fields.resume) };
      }
      case "send":
        return { type, events: list(fields.events, "events", 1, SEND_MAX_EVENTS, wireEvent) };
      case "history":
        return { type, before: count(fields.before, "before"), limit: count(fields.limit, "limit", PAGE_MAX_EVENTS) };
      case "ping":
        return { type };
      case "signal":
        return { type, to: base64url(fields.to, "to", 32), ...signed(fields) };
    }
  });
}

/** Reads what a server sent. */
export function decodeServerFrame(data: unknown): Decoded<ServerFrame> {
  return decode(data, SERVER_FRAME_MAX_BYTES, (type, fields) => {
    switch (type) {
      case "challenge":
        return {
          type,
          version: count(fields.version, "version"),
          nonce: base64url(fields.nonce, "nonce", 16),
          at: time(fields.at, "at"),
        };
      case "welcome": {
        const { people, limits } = fields;
        if (!isRecord(people)) throw new BadField("people");
        if (!isRecord(limits)) throw new BadField("limits");
        if (fields.mode !== "resume" && fields.mode !== "latest") throw new BadField("mode");
        return {
          type,
          room: roomInfo(fields.room),
          epoch: base64url(fields.epoch, "epoch", 8),
          head: position(fields.head, "head"),
          oldest: count(fields.oldest, "oldest"),
          mode: fields.mode,
          from: count(fields.from, "from"),
          lastN: position(fields.lastN, "lastN"),
          clock: position(fields.clock, "clock"),
          ...optional("cleared", fields.cleared, position),
          people: {
            count: position(people.count, "people.count"),
            shown: list(people.shown, "people.shown", 0, PEOPLE_SHOWN, person),
          },
          limits: {
            messageBurst: count(limits.messageBurst, "limits.messageBurst"),
            messageEveryMs: position(limits.messageEveryMs, "limits.messageEveryMs"),
            inFlight: count(limits.inFlight, "limits.inFlight"),
          },
          at: time(fields.at, "at"),
        };
      }
      case "events":
        return {
          type,
          from: count(fields.from, "from"),
          events: list(fields.events, "events", 1, Infinity, wireEvent),
        };
      case "ack":
        return { type, acks: list(fields.acks, "acks", 1, Infinity, ack) };
      case "refused":
        return {
          type,
          id: base64url(fields.id, "id", 16),
          reason: oneOf(fields.reason, "reason", Object.keys(REFUSALS) as Refusal[]),
          ...optional("retryAfterMs", fields.retryAfterMs, position),
          ...optional("expectedN", fields.expectedN, count),
          ...optional("field", fields.field, text),
        };
      case "presence":
        return {
          type,
          count: position(fields.count, "count"),
          joined: list(fields.joined, "joined", 0, Infinity, person),
          left: list(fields.left, "left", 0, Infinity, (value, field) => base64url(value, field, 32)),
        };
      case "page":
        return {
          type,
          before: count(fields.before, "before"),
          from: count(fields.from, "from"),
          events: list(fields.events, "events", 0, PAGE_MAX_EVENTS, wireEvent),
          oldest: count(fields.oldest, "oldest"),
        };
      case "pong":
        return { type, at: time(fields.at, "at") };
      case "signal":
        return { type, from: base64url(fields.from, "from", 32), ...signed(fields) };
      case "signal_undeliverable":
        return {
          type,
          to: base64url(fields.to, "to", 32),
          reason: oneOf(fields.reason, "reason", Object.keys(SIGNAL_FAILURES) as SignalFailure[]),
        };
      case "notices":
        return { type, notices: list(fields.notices, "notices", 0, NOTICES_MAX, wireEvent) };
      case "problem":
        return {
          type,
          problem: oneOf(fields.problem, "problem", FRAME_PROBLEMS),
          ...optional("field", fields.field, text),
          ...optional("retryAfterMs", fields.retryAfterMs, position),
        };
      case "goodbye":
        return {
          type,
          reason: oneOf(fields.reason, "reason", Object.keys(CLOSE_REASONS) as (keyof typeof CLOSE_REASONS)[]),
          ...optional("retryAfterMs", fields.retryAfterMs, position),
        };
    }
  });
}

/** Reads the payload of a hello's proof; undefined when it is not one. The signature is still to be checked. */
export function readHelloProof(payload: string): HelloProof | undefined {
  try {
    const value: unknown = JSON.parse(payload);
    if (!isRecord(value) || value.hello !== 1) return undefined;
    return {
      hello: 1,
      nonce: base64url(value.nonce, "nonce", 16),
      room: base64url(value.room, "room", 16),
      author: base64url(value.author, "author", 32),
      name: personName(value.name, "name"),
    };
  } catch {
    return undefined;
  }
}

/** Reads the room a server tells of over HTTP; undefined when it is not one. */
export function readRoomInfo(value: unknown): RoomInfo | undefined {
  try {
    return roomInfo(value);
  } catch {
    return undefined;
  }
}

/** Reads a wire event on its own (the body of a room's creation); undefined when it is not one. */
export function readWireEvent(value: unknown): WireEvent | undefined {
  try {
    return wireEvent(value, "event");
  } catch {
    return undefined;
  }
}

function decode<Frame>(
  data: unknown,
  maxBytes: number,
  read: (type: unknown, fields: Record<string, unknown>) => Frame | undefined,
): Decoded<Frame> {
  if (typeof data !== "string") return { ok: false, problem: "not_text" };
  // No text has fewer UTF-8 bytes than UTF-16 units; at most three times as many, which the bound tolerates.
  if (data.length > maxBytes) return { ok: false, problem: "too_large" };
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { ok: false, problem: "not_json" };
  }
  if (!isRecord(value)) return { ok: false, problem: "unknown_type" };
  try {
    const frame = read(value.type, value);
    return frame === undefined ? { ok: false, problem: "unknown_type" } : { ok: true, frame };
  } catch (error) {
    if (error instanceof BadField) return { ok: false, problem: "bad_field", field: error.message };
    throw error;
  }
}

/** A payload and a signature. Sizes are bounded here; `readEvent` reads the payload. */
function wireEvent(value: unknown, field: string): WireEvent {
  if (!Array.isArray(value) || value.length !== 2) throw new BadField(field);
  const [payload, signature]: unknown[] = value;
  if (typeof payload !== "string" || payload === "") throw new BadField(`${field}[0]`);
  // Twice the limit: a payload somewhat too long is an event to refuse by id, a huge one is not worth hashing.
  if (payload.length > 2 * EVENT_PAYLOAD_MAX_BYTES) throw new BadField(`${field}[0]`);
  return [payload, base64url(signature, `${field}[1]`, 64)];
}

/** The signed text of a signal. Its size is bounded here; `readSignal` reads it. */
function signed(fields: Record<string, unknown>): { payload: string; signature: string } {
  const payload = text(fields.payload, "payload");
  if (payload === "" || payload.length > SIGNAL_PAYLOAD_MAX_CHARS) throw new BadField("payload");
  return { payload, signature: base64url(fields.signature, "signature", 64) };
}

function logPosition(value: unknown): LogPosition {
  if (!isRecord(value)) throw new BadField("resume");
  return { epoch: base64url(value.epoch, "resume.epoch", 8), position: position(value.position, "resume.position") };
}

function person(value: unknown, field: string): Person {
  if (!isRecord(value)) throw new BadField(field);
  return {
    author: base64url(value.author, `${field}.author`, 32),
    name: personName(value.name, `${field}.name`),
  };
}

/** A display name in the clear, or a sealed one: IV, tag and at most NAME_MAX_BYTES, base64url. */
function personName(value: unknown, field: string): string {
  const name = text(value, field);
  if (name.trim() === "" || name.length > Math.ceil((12 + 16 + NAME_MAX_BYTES) * 4 / 3)) throw new BadField(field);
  return name;
}

function roomInfo(value: unknown): RoomInfo {
  if (!isRecord(value)) throw new BadField("room");
  return {
    id: base64url(value.id, "room.id", 16),
    kind: oneOf<RoomKind>(value.kind, "room.kind", ["listed", "unlisted", "sealed"]),
    name: text(value.name, "room.name"),
    ...optional("code", value.code, (code) => text(code, "room.code")),
    host: base64url(value.host, "room.host", 32),
    founding: wireEvent(value.founding, "room.founding"),
    createdAt: time(value.createdAt, "room.createdAt"),
  };
}

function ack(value: unknown, field: string): [EventId, number] {
  if (!Array.isArray(value) || value.length !== 2) throw new BadField(field);
  return [base64url(value[0], field, 16), count(value[1], field)];
}

function list<Item>(
  value: unknown,
  field: string,
  min: number,
  max: number,
  read: (value: unknown, field: string) => Item,
): Item[] {
  if (!Array.isArray(value) || value.length < min || value.length > max) throw new BadField(field);
  return value.map((item: unknown, index) => read(item, `${field}[${index}]`));
}

function optional<Name extends string, Value>(
  name: Name,
  value: unknown,
  read: (value: unknown, field: string) => Value,
): { [name in Name]?: Value } {
  if (value === undefined) return {};
  return { [name]: read(value, name) } as { [name in Name]?: Value };
}

function oneOf<Word extends string>(value: unknown, field: string, words: readonly Word[]): Word {
  const word = words.find((word) => word === value);
  if (word === undefined) throw new BadField(field);
  return word;
}

function text(value: unknown, field: string): string {
  if (typeof value !== "string" || !value.isWellFormed()) throw new BadField(field);
  return value;
}

function base64url(value: unknown, field: string, byteLength: number): string {
  if (!isBase64UrlOf(value, byteLength)) throw new BadField(field);
  return value;
}

function count(value: unknown, field: string, max = Number.MAX_SAFE_INTEGER): number {
  if (!isCount(value) || value > max) throw new BadField(field);
  return value;
}

/** Zero or a count. */
function position(value: unknown, field: string): number {
  if (value !== 0 && !isCount(value)) throw new BadField(field);
  return value;
}

function time(value: unknown, field: string): number {
  if (!isTime(value)) throw new BadField(field);
  return value;
}
