// Runs in browser and server.
/** Decoders of server frames. */
import {
  CLOSE_REASONS,
  type CloseReason,
  FRAME_PROBLEMS,
  type FrameProblem,
  type Refusal,
  REFUSALS,
  SIGNAL_FAILURES,
  type SignalFailure,
} from "./codes.ts";
import { personName, SIGNED, wireEvent } from "./decode_shared.ts";
import type { EventId, WireEvent } from "./event.ts";
import {
  amount,
  base64url,
  count,
  type Decoded,
  decodeFrame,
  type FrameReaders,
  id,
  key,
  list,
  object,
  oneOf,
  optional,
  readOr,
  text,
  time,
  tuple,
  wordOr,
} from "./fields.ts";
import type { RoomInfo, ServerFrame } from "./frames.ts";
import { type LogEntry, logEntry } from "./stub.ts";
import { NOTICES_MAX, PAGE_MAX_EVENTS, PEOPLE_SHOWN, SERVER_FRAME_MAX_BYTES } from "./limits.ts";

const person = object({ author: key, name: personName });

const roomInfo = object({
  id,
  kind: oneOf("listed", "unlisted", "sealed"),
  name: text(),
  code: optional(text()),
  host: key,
  genesis: wireEvent,
  createdAt: time,
});

const FRAMES: FrameReaders<ServerFrame> = {
  challenge: object({ version: count, nonce: id, at: time }),
  welcome: object({
    room: roomInfo,
    epoch: base64url(8),
    head: amount,
    oldest: count,
    mode: oneOf("resume", "latest"),
    from: count,
    lastN: amount,
    clock: amount,
    cleared: optional(amount),
    people: object({ count: amount, shown: list(person, 0, PEOPLE_SHOWN) }),
    limits: object({ messageBurst: count, messageEveryMs: amount, inFlight: count }),
    at: time,
  }),
  events: object({ from: count, events: list(logEntry, 1) }),
  ack: object({ acks: list(tuple<[EventId, number]>(id, count), 1) }),
  refused: object({
    id,
    // A newer server may give a reason that this build does not know. Such a refusal is retriable, so nothing is lost.
    reason: wordOr<Refusal>("overloaded", Object.keys(REFUSALS) as Refusal[]),
    retryAfterMs: optional(amount),
    expectedN: optional(count),
    field: optional(text()),
  }),
  presence: object({ count: amount, joined: list(person), left: list(key) }),
  page: object({ before: count, from: count, events: list(logEntry, 0, PAGE_MAX_EVENTS), oldest: count }),
  pong: object({ at: time }),
  check: object({}),
  signal: object({ from: key, ...SIGNED }),
  signal_undeliverable: object({
    to: key,
    reason: wordOr<SignalFailure>("busy", Object.keys(SIGNAL_FAILURES) as SignalFailure[]),
  }),
  notices: object({ notices: list(wireEvent, 0, NOTICES_MAX) }),
  problem: object({
    problem: wordOr<FrameProblem>("unknown_type", FRAME_PROBLEMS),
    field: optional(text()),
    retryAfterMs: optional(amount),
  }),
  goodbye: object({
    reason: wordOr<CloseReason>("going_away", Object.keys(CLOSE_REASONS) as CloseReason[]),
    retryAfterMs: optional(amount),
  }),
};

/** Reads a server's frame. */
export function decodeServerFrame(data: unknown): Decoded<ServerFrame> {
  return decodeFrame(data, SERVER_FRAME_MAX_BYTES, FRAMES);
}

/** Reads a server's description of a room over HTTP; undefined if it is invalid. */
export function readRoomInfo(value: unknown): RoomInfo | undefined {
  return readOr(roomInfo, value);
}

/** Reads a single wire event, such as the body of a room's creation; undefined if it is invalid. */
export function readWireEvent(value: unknown): WireEvent | undefined {
  return readOr(wireEvent, value);
}

/** Reads one position of a log; undefined if it is invalid. */
export function readLogEntry(value: unknown): LogEntry | undefined {
  return readOr(logEntry, value);
}
