// Runs in browser and server.
/**
 * Every frame of the server, and what both sides' frames have in common; client_frames.ts has those of the client. A
 * frame is one JSON text on a socket (and, unchanged, in the body of a polling request). docs/PROTOCOL.md has the rules;
 * these readers have the fields.
 *
 * A connection: server `challenge` → client `hello` → server `welcome`, then the announced `events`, then frames of
 * both sides at any time. Positions number a room's stored events 1, 2, 3, …; they are valid only with the log's epoch.
 */
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
import { type EventId, wireEvent } from "./event.ts";
import {
  amount,
  base64url,
  count,
  type Decoded,
  decodeFrame,
  id,
  key,
  list,
  object,
  oneOf,
  optional,
  type Read,
  readOr,
  signature,
  type Tagged,
  text,
  time,
  tuple,
  where,
  wordOr,
} from "./fields.ts";
import {
  NAME_MAX_BYTES,
  NOTICES_MAX,
  PAGE_MAX_EVENTS,
  PEOPLE_SHOWN,
  SERVER_FRAME_MAX_BYTES,
  SIGNAL_PAYLOAD_MAX_CHARS,
} from "./limits.ts";
import { logEntry } from "./stub.ts";

/** A place in a room's log: the log's `epoch` (8 random bytes, base64url) and the position of one stored event. */
export interface LogPosition {
  epoch: string;
  /** 0: before the first event. */
  position: number;
}

/** A display name in plain text, or a sealed one: IV, tag and at most NAME_MAX_BYTES, base64url. */
export const personName = where(
  text(Math.ceil((12 + 16 + NAME_MAX_BYTES) * 4 / 3)),
  (name) => name.trim() !== "",
);

/** A person who is in the room now. In a sealed room `name` is sealed (base64url), as bodies are. */
export type Person = Read<typeof person>;
const person = object({ author: key, name: personName });

/** The public description of a room. */
export type RoomInfo = Read<typeof roomInfo>;
/** Reads it. */
export const roomInfo = object({
  id,
  kind: oneOf("listed", "unlisted", "sealed"),
  /** The name in the genesis event; sealed in a sealed room. */
  name: text(),
  /** Absent in sealed rooms, which open by link or QR code only. */
  code: optional(text()),
  host: key,
  /** The host's first event, which proves kind, name and host. */
  genesis: wireEvent,
  /** Server's clock, ms since 1970. */
  createdAt: time,
});

/** The JSON of a Signal (signal.ts), at most SIGNAL_PAYLOAD_MAX_CHARS, and its signature by the sender's room key. */
export const signedSignal = {
  payload: where(text(SIGNAL_PAYLOAD_MAX_CHARS), (payload) => payload !== ""),
  signature,
};

const FRAMES = {
  /** Server, immediately when a connection opens: the nonce that `hello` signs. */
  challenge: object({
    version: count,
    /** 16 random bytes, base64url; valid for this connection only. */
    nonce: id,
    /** Server's clock, ms since 1970. */
    at: time,
  }),

  /** Server, once, after a valid `hello`. The events from `from` to `head` follow in `events` frames. */
  welcome: object({
    room: roomInfo,
    epoch: base64url(8),
    /** Position of the newest stored event; 0 in a room without events. */
    head: amount,
    /** Position of the oldest event the room still holds; `head` + 1 when it holds none. */
    oldest: count,
    /** `resume`: everything after the client's position follows. `latest`: only the newest events do. */
    mode: oneOf("resume", "latest"),
    /** Position of the first event that follows; `head` + 1 when none does. */
    from: count,
    /** The author's highest `n` in the room: the next one is one more. */
    lastN: amount,
    /** The highest Lamport clock in the room. */
    clock: amount,
    /**
     * Present when this epoch began because the operator cleared the room: the highest clock that was deleted then. The
     * client forgets what it holds of another epoch, and accepts no event up to this clock from peers.
     */
    cleared: optional(amount),
    people: object({ count: amount, shown: list(person, 0, PEOPLE_SHOWN) }),
    /**
     * `messageBurst` messages are allowed at once, then one per `messageEveryMs`. `inFlight`: most events of one
     * connection that may wait for their answer.
     */
    limits: object({ messageBurst: count, messageEveryMs: amount, inFlight: count }),
    /** Where the server has a TURN server: with this, `GET /mesh/config` answers with credentials for it. Opaque. */
    membership: optional(text()),
    /** Server's clock, ms since 1970. */
    at: time,
  }),

  /** Server, whenever there are new events: the log entries at `from`, `from` + 1, …, without gaps between frames. */
  events: object({ from: count, events: list(logEntry, 1) }),

  /** Server, after the events are on disk and before anybody receives them. */
  ack: object({ acks: list(tuple<[id: EventId, position: number]>(id, count), 1) }),

  /** Server: one event was not stored. REFUSALS says whether to send it again. */
  refused: object({
    id,
    // A newer server may give a reason that this build does not know. Such a refusal is retriable, so nothing is lost.
    reason: wordOr<Refusal>("overloaded", Object.keys(REFUSALS) as Refusal[]),
    /** Present with reasons that ask the client to wait. */
    retryAfterMs: optional(amount),
    /** With `missing_previous`: the first `n` to send. */
    expectedN: optional(count),
    /** With `bad_event` and `too_long`: the first wrong field. */
    field: optional(text()),
  }),

  /** Server, after arrivals, departures and new names; batched over a short time. */
  presence: object({
    /** Everybody in the room, on every instance. */
    count: amount,
    /** People who arrived or have a new name; in large rooms only some of them. */
    joined: list(person),
    /** People who left. */
    left: list(key),
  }),

  /** Server, the answer to `history`: the log entries at `from`, `from` + 1, …, the last one just before `before`. */
  page: object({
    before: count,
    from: count,
    events: list(logEntry, 0, PAGE_MAX_EVENTS),
    /** Position of the oldest event the room still holds: nothing older exists if `from` <= `oldest`. */
    oldest: count,
  }),

  /** Server, the answer to `ping`. `at`: its clock, ms since 1970. */
  pong: object({ at: time }),

  /** Server: asks for a sign of life, which any frame is. A client answers with `ping` at once. */
  check: object({}),

  /**
   * Server: another person's `signal` to this one, unchanged. `from`: the person on the sending connection. The payload
   * names its author as well, and the signature proves it: signal.ts.
   */
  signal: object({ from: key, ...signedSignal }),

  /** Server: a signal of this client reached nobody. The absence of this frame proves nothing. */
  signal_undeliverable: object({
    to: key,
    reason: wordOr<SignalFailure>("busy", Object.keys(SIGNAL_FAILURES) as SignalFailure[]),
  }),

  /** Server, after `welcome` if there are any, and whenever they change: all current notices and withdrawals. */
  notices: object({ notices: list(wireEvent, 0, NOTICES_MAX) }),

  /** Server: the client's frame was invalid and had no effect. With `bad_field`, `field` is the field's path. */
  problem: object({
    problem: wordOr<FrameProblem>("unknown_type", FRAME_PROBLEMS),
    field: optional(text()),
    retryAfterMs: optional(amount),
  }),

  /** Server, just before it ends the connection. */
  goodbye: object({
    reason: wordOr<CloseReason>("going_away", Object.keys(CLOSE_REASONS) as CloseReason[]),
    retryAfterMs: optional(amount),
  }),
};

/** A server's frame of one `type`, or of any. */
export type ServerFrame<Type extends keyof typeof FRAMES = keyof typeof FRAMES> = Tagged<
  "type",
  Pick<typeof FRAMES, Type>
>;

/** Reads a server's frame. */
export function decodeServerFrame(data: unknown): Decoded<ServerFrame> {
  return decodeFrame(data, SERVER_FRAME_MAX_BYTES, FRAMES);
}

/** Reads a server's description of a room over HTTP; undefined if it is invalid. */
export function readRoomInfo(value: unknown): RoomInfo | undefined {
  return readOr(roomInfo, value);
}
