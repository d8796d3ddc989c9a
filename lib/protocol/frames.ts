// Runs in browser and server.
/**
 * Every frame of the protocol, one type each. A frame is one JSON text on a socket (and, unchanged, in the body of a
 * polling request). docs/PROTOCOL.md has the rules; these types have the fields.
 *
 * A connection: server `challenge` → client `hello` → server `welcome`, then the announced `events`, then frames of
 * both sides at any time. Positions number a room's stored events 1, 2, 3, …; they are valid only with the log's epoch.
 */
import type { AuthorKey, EventId, RoomId, RoomKind, WireEvent } from "./event.ts";
import type { LogEntry } from "./stub.ts";
import type { CloseReason, FrameProblem, Refusal, SignalFailure } from "./codes.ts";

/** A place in a room's log: the log's `epoch` (8 random bytes, base64url) and the position of one stored event. */
export interface LogPosition {
  epoch: string;
  /** 0: before the first event. */
  position: number;
}

/** A person who is in the room now. In a sealed room `name` is sealed (base64url), as bodies are. */
export interface Person {
  author: AuthorKey;
  name: string;
}

/** The public description of a room. */
export interface RoomInfo {
  id: RoomId;
  kind: RoomKind;
  /** The name in the genesis event; sealed in a sealed room. */
  name: string;
  /** Absent in sealed rooms, which open by link or QR code only. */
  code?: string;
  host: AuthorKey;
  /** The host's first event, which proves kind, name and host. */
  genesis: WireEvent;
  /** Server's clock, ms since 1970. */
  createdAt: number;
}

// ---- server → client ----

/** Server, immediately when a connection opens: the nonce that `hello` signs. */
export interface ChallengeFrame {
  type: "challenge";
  version: number;
  /** 16 random bytes, base64url; valid for this connection only. */
  nonce: string;
  /** Server's clock, ms since 1970. */
  at: number;
}

/** Server, once, after a valid `hello`. The events from `from` to `head` follow in `events` frames. */
export interface WelcomeFrame {
  type: "welcome";
  room: RoomInfo;
  epoch: string;
  /** Position of the newest stored event; 0 in a room without events. */
  head: number;
  /** Position of the oldest event the room still holds; `head` + 1 when it holds none. */
  oldest: number;
  /** `resume`: everything after the client's position follows. `latest`: only the newest events do. */
  mode: "resume" | "latest";
  /** Position of the first event that follows; `head` + 1 when none does. */
  from: number;
  /** The author's highest `n` in the room: the next one is one more. */
  lastN: number;
  /** The highest Lamport clock in the room. */
  clock: number;
  /**
   * Present when this epoch began because the operator cleared the room: the highest clock that was deleted then. The
   * client forgets what it holds of another epoch, and accepts no event up to this clock from peers.
   */
  cleared?: number;
  people: { count: number; shown: Person[] };
  limits: {
    /** Messages allowed at once, then one per `messageEveryMs`. */
    messageBurst: number;
    messageEveryMs: number;
    /** Most events of one connection that may wait for their answer. */
    inFlight: number;
  };
  /** Server's clock, ms since 1970. */
  at: number;
}

/** Server, whenever there are new events: the log entries at `from`, `from` + 1, …, without gaps between frames. */
export interface EventsFrame {
  type: "events";
  from: number;
  events: LogEntry[];
}

/** Server, after the events are on disk and before anybody receives them. */
export interface AckFrame {
  type: "ack";
  acks: [id: EventId, position: number][];
}

/** Server: one event was not stored. REFUSALS says whether to send it again. */
export interface RefusedFrame {
  type: "refused";
  id: EventId;
  reason: Refusal;
  /** Present with reasons that ask the client to wait. */
  retryAfterMs?: number;
  /** With `missing_previous`: the first `n` to send. */
  expectedN?: number;
  /** With `bad_event` and `too_long`: the first wrong field. */
  field?: string;
}

/** Server, after arrivals, departures and new names; batched over a short time. */
export interface PresenceFrame {
  type: "presence";
  /** Everybody in the room, on every instance. */
  count: number;
  /** People who arrived or have a new name; in large rooms only some of them. */
  joined: Person[];
  /** People who left. */
  left: AuthorKey[];
}

/** Server, the answer to `history`: the log entries at `from`, `from` + 1, …, the last one just before `before`. */
export interface PageFrame {
  type: "page";
  before: number;
  from: number;
  events: LogEntry[];
  /** Position of the oldest event the room still holds: nothing older exists if `from` <= `oldest`. */
  oldest: number;
}

/** Server, the answer to `ping`. */
export interface PongFrame {
  type: "pong";
  /** Server's clock, ms since 1970. */
  at: number;
}

/** Server: asks for a sign of life, which any frame is. A client answers with `ping` at once. */
export interface CheckFrame {
  type: "check";
}

/** Server: the client's frame was invalid and had no effect. */
export interface ProblemFrame {
  type: "problem";
  problem: FrameProblem;
  /** With `bad_field`: the field's path. */
  field?: string;
  retryAfterMs?: number;
}

/** Server: another person's `signal` to this one, unchanged. */
export interface SignalFrame {
  type: "signal";
  /** The person on the sending connection. The payload names its author as well, and the signature proves it: signal.ts. */
  from: AuthorKey;
  payload: string;
  signature: string;
}

/** Server: a signal of this client reached nobody. The absence of this frame proves nothing. */
export interface SignalUndeliverableFrame {
  type: "signal_undeliverable";
  to: AuthorKey;
  reason: SignalFailure;
}

/** Server, after `welcome` if there are any, and whenever they change: all current notices and withdrawals. */
export interface NoticesFrame {
  type: "notices";
  notices: WireEvent[];
}

/** Server, just before it ends the connection. */
export interface GoodbyeFrame {
  type: "goodbye";
  reason: CloseReason;
  retryAfterMs?: number;
}

export type ServerFrame =
  | ChallengeFrame
  | WelcomeFrame
  | EventsFrame
  | AckFrame
  | RefusedFrame
  | PresenceFrame
  | PageFrame
  | PongFrame
  | CheckFrame
  | SignalFrame
  | SignalUndeliverableFrame
  | ProblemFrame
  | NoticesFrame
  | GoodbyeFrame;

// ---- client → server ----

/** A client signs this to prove that it has the private key. */
export interface HelloProof {
  hello: 1;
  /** The nonce of this connection's `challenge`. */
  nonce: string;
  room: RoomId;
  author: AuthorKey;
  /** Display name; sealed in a sealed room. */
  name: string;
}

/** Client, once, as the answer to `challenge`. */
export interface HelloFrame {
  type: "hello";
  version: number;
  /** The JSON of a HelloProof, and its signature by `author`. */
  proof: WireEvent;
  /** The end of this client's replica of the log. Absent if it has none. */
  resume?: LogPosition;
  /** The device's clock, ms since 1970: many of them together show a server that its own is wrong. */
  at?: number;
}

/** Client: up to SEND_MAX_EVENTS of its events, in the order of `n`. Sending one again is harmless. */
export interface SendFrame {
  type: "send";
  events: WireEvent[];
}

/** Client: requests up to `limit` older events that end just before the position `before`. */
export interface HistoryFrame {
  type: "history";
  before: number;
  limit: number;
}

/** Client: checks the connection. Sent after HEARTBEAT_MS of silence, on resume, when the connection is suspect, and as the answer to `check`. */
export interface PingFrame {
  type: "ping";
}

/** Client: for the person `to`, on all their connections. The server relays it and stores nothing. */
export interface SendSignalFrame {
  type: "signal";
  to: AuthorKey;
  /** The JSON of a Signal (signal.ts), at most SIGNAL_PAYLOAD_MAX_CHARS. */
  payload: string;
  /** By the sender's room key. */
  signature: string;
}

export type ClientFrame = HelloFrame | SendFrame | HistoryFrame | PingFrame | SendSignalFrame;
