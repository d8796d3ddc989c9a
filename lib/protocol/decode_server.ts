// Runs in browser and server.
/** Decoders of what servers send. */
import { CLOSE_REASONS, FRAME_PROBLEMS, type Refusal, REFUSALS, SIGNAL_FAILURES, type SignalFailure } from "./codes.ts";
import {
  BadField,
  base64url,
  count,
  decode,
  type Decoded,
  list,
  oneOf,
  optional,
  personName,
  position,
  signed,
  text,
  time,
  wireEvent,
} from "./decode_fields.ts";
import { type EventId, isRecord, type RoomKind, type WireEvent } from "./event.ts";
import type { Person, RoomInfo, ServerFrame } from "./frames.ts";
import { NOTICES_MAX, PAGE_MAX_EVENTS, PEOPLE_SHOWN, SERVER_FRAME_MAX_BYTES } from "./limits.ts";

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

function person(value: unknown, field: string): Person {
  if (!isRecord(value)) throw new BadField(field);
  return {
    author: base64url(value.author, `${field}.author`, 32),
    name: personName(value.name, `${field}.name`),
  };
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
