// Runs in browser and server.
/**
 * Every frame of the protocol, one type each. A frame is one JSON text on a socket (and, unchanged, in the body of a
 * polling request). docs/PROTOCOL.md tells the rules; these types tell the fields.
 *
 * A connection: server `challenge` → client `hello` → server `welcome`, then the `events` it announced, then both sides
 * at will. Positions number a room's stored events 1, 2, 3, …; they mean something only together with the log's epoch.
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

/** Somebody who is in the room now. In a sealed room `name` is sealed (base64url), as bodies are. */
export interface Person {
  author: AuthorKey;
  name: string;
}

/** The public description of a room. */
export interface RoomInfo {
  id: RoomId;
  kind: RoomKind;
  /** As the founding event says it; sealed in a sealed room. */
  name: string;
  /** Absent in sealed rooms: they open by link or QR only. */
  code?: string;
  host: AuthorKey;
  /** The host's first event, which proves kind, name and host. */
  founding: WireEvent;
  /** Server's clock, ms since 1970. */
  createdAt: number;
}

// ---- server → client ----

/** Server, at once when a connection opens: what `hello` has to sign. */
export interface ChallengeFrame {
  type: "challenge";
  version: number;
  /** 16 random bytes, base64url; good for this connection only. */
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
  /** The highest `n` the room has of this author: the next one is one more. */
  lastN: number;
  /** The highest Lamport clock in the room. */
  clock: number;
  /**
   * Present when this epoch began because the operator cleared the room: the highest clock of what was deleted then. What
   * a client holds of another epoch, and what peers bring up to this clock, it forgets.
   */
  cleared?: number;
  people: { count: number; shown: Person[] };
  limits: {
    /** Messages at once, then one per `messageEveryMs`. */
    messageBurst: number;
    messageEveryMs: number;
    /** Events the server may still be storing for one connection. */
    inFlight: number;
  };
  /** Server's clock, ms since 1970. */
  at: number;
}

/** Server, whenever there are any: what the log holds at the positions `from`, `from` + 1, …, without holes between frames. */
export interface EventsFrame {
  type: "events";
  from: number;
  events: LogEntry[];
}

/** Server, after the events are on disk and before anybody else is told of them. */
export interface AckFrame {
  type: "ack";
  acks: [id: EventId, position: number][];
}

/** Server: one event that was not stored. REFUSALS tells whether to send it again. */
export interface RefusedFrame {
  type: "refused";
  id: EventId;
  reason: Refusal;
  /** Present with reasons that say "wait". */
  retryAfterMs?: number;
  /** With `missing_previous`: the first `n` to send. */
  expectedN?: number;
  /** With `bad_event` and `too_long`: the first wrong field. */
  field?: string;
}

/** Server, when people came, went or were renamed; changes within a short time come together. */
export interface PresenceFrame {
  type: "presence";
  /** Everybody in the room, on every instance. */
  count: number;
  /** People who came or have a new name; in large rooms only a part of them. */
  joined: Person[];
  /** People who left. */
  left: AuthorKey[];
}

/** Server, the answer to `history`: what the log holds at the positions `from`, `from` + 1, …, the last one just before `before`. */
export interface PageFrame {
  type: "page";
  before: number;
  from: number;
  events: LogEntry[];
  /** Position of the oldest event the room still holds: nothing older can be had when `from` <= `oldest`. */
  oldest: number;
}

/** Server, the answer to `ping`. */
export interface PongFrame {
  type: "pong";
  /** Server's clock, ms since 1970. */
  at: number;
}

/** Server: a frame of the client could not be read, and nothing else happened. */
export interface ProblemFrame {
  type: "problem";
  problem: FrameProblem;
  /** With `bad_field`: its name. */
  field?: string;
  retryAfterMs?: number;
}

/** Server: what another person of the room sent to this one by `signal`, unchanged. */
export interface SignalFrame {
  type: "signal";
  /** Whose connection it came from. The payload names its author, too, and the signature proves it: signal.ts. */
  from: AuthorKey;
  payload: string;
  signature: string;
}

/** Server: a signal of this client did not reach anybody. Silence is no promise that one did. */
export interface SignalUndeliverableFrame {
  type: "signal_undeliverable";
  to: AuthorKey;
  reason: SignalFailure;
}

/** Server, after `welcome` when there are any, and whenever they change: all notices and withdrawals that hold now. */
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
  | SignalFrame
  | SignalUndeliverableFrame
  | ProblemFrame
  | NoticesFrame
  | GoodbyeFrame;

// ---- client → server ----

/** A client signs this to prove that it holds its key. */
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
  /** Where this client's copy of the log ends. Absent: it has none. */
  resume?: LogPosition;
  /** The device's clock, ms since 1970: many of them together tell a server that its own is wrong. */
  at?: number;
}

/** Client: up to SEND_MAX_EVENTS of its events, in the order of `n`. Sending one again is harmless. */
export interface SendFrame {
  type: "send";
  events: WireEvent[];
}

/** Client: older events please, up to `limit` of them, the last one just before the position `before`. */
export interface HistoryFrame {
  type: "history";
  before: number;
  limit: number;
}

/** Client: are you there? Sent after HEARTBEAT_MS of silence, on resume, and whenever the connection is in doubt. */
export interface PingFrame {
  type: "ping";
}

/** Client: this to the person `to`, on all their connections. The server carries it and keeps nothing. */
export interface SendSignalFrame {
  type: "signal";
  to: AuthorKey;
  /** The JSON of a Signal (signal.ts), at most SIGNAL_PAYLOAD_MAX_CHARS. */
  payload: string;
  /** By the sender's room key. */
  signature: string;
}

export type ClientFrame = HelloFrame | SendFrame | HistoryFrame | PingFrame | SendSignalFrame;
