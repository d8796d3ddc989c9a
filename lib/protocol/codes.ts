// Runs in browser and server.
/** Closed lists of reasons. Programs decide by the name alone, never by a message text. */

/** Why one event was not accepted. `retriable`: the same bytes may be accepted later. `final`: they never will be. */
export const REFUSALS = {
  /** The payload is not a JSON object of the documented shape; `field` names the first wrong field. */
  bad_event: "final",
  /** The payload is longer than EVENT_PAYLOAD_MAX_BYTES, or a text in it longer than its limit. */
  too_long: "final",
  /** The signature does not belong to this payload and author. */
  bad_signature: "final",
  /** The event names another room than the one that received it. */
  wrong_room: "final",
  /** This room does not accept the kind: plain text in a sealed room, another genesis event. */
  wrong_kind: "final",
  /** The author has already used this `n` for another event. */
  conflict: "final",
  /** An event before this one is missing: send from `expectedN` on. */
  missing_previous: "retriable",
  /** Older than the room's log, so the server cannot know whether it was stored before. */
  expired: "final",
  /** The Lamport clock is more than CLOCK_MAX_LEAD ahead of the room's. */
  clock_ahead: "final",
  /** The operator banned this author. */
  banned: "final",
  /** The author sends too fast; wait `retryAfterMs`. */
  rate_limited: "retriable",
  /** The server is overloaded; wait `retryAfterMs`. */
  overloaded: "retriable",
  /** The room holds as many bytes as it may; wait `retryAfterMs`. */
  room_full: "retriable",
  /** The database did not answer; the event is not stored. Wait `retryAfterMs`. */
  storage_unavailable: "retriable",
} as const satisfies Record<string, "final" | "retriable">;
export type Refusal = keyof typeof REFUSALS;

/** Why a frame is invalid. Its sender is informed; the frame has no other effect. */
export const FRAME_PROBLEMS = [
  /** Not text. */
  "not_text",
  /** Larger than CLIENT_FRAME_MAX_BYTES. */
  "too_large",
  /** Not JSON. */
  "not_json",
  /** `type` is not one of the documented frames. */
  "unknown_type",
  /** A field is missing or of the wrong shape; `field` names it. */
  "bad_field",
  /** A frame that is not allowed in this state: anything before `hello`, or a second `hello`. */
  "out_of_turn",
  /** Too many frames, or the room's history is unavailable; wait `retryAfterMs`. `field` `signal`: too many signals. */
  "busy",
] as const;
export type FrameProblem = (typeof FRAME_PROBLEMS)[number];

/** Why a signal did not reach its peer. `retriable`: a retry may work. `final`: not before that peer returns. */
export const SIGNAL_FAILURES = {
  /** Nobody with this key is in the room. */
  not_present: "final",
  /** The peer, or the path to it, is under backpressure. Signals are not queued. */
  busy: "retriable",
} as const satisfies Record<string, "final" | "retriable">;
export type SignalFailure = keyof typeof SIGNAL_FAILURES;

/**
 * Why a connection ends: the WebSocket close code (RFC 6455 section 7.4.2, private range) and whether the client
 * reconnects automatically. `resume`: immediately, from its position. `retry`: after `retryAfterMs` or its own backoff.
 * `final`: never.
 */
export const CLOSE_REASONS = {
  /** The server stops or moves its clients to another instance. */
  going_away: { code: 4000, next: "retry" },
  /** The client read too slowly; it resumes from its position. */
  too_slow: { code: 4001, next: "resume" },
  /** The client was silent for IDLE_TIMEOUT_MS. */
  idle: { code: 4002, next: "resume" },
  /** Too many invalid frames. */
  bad_frames: { code: 4003, next: "retry" },
  /** There is no room with this id. */
  no_such_room: { code: 4004, next: "final" },
  /** The client has another PROTOCOL_VERSION; the user has to reload the page. */
  unsupported_version: { code: 4005, next: "final" },
  /** No valid hello within HELLO_TIMEOUT_MS. */
  hello_timeout: { code: 4006, next: "retry" },
  /** The hello's proof is wrong: bad signature, nonce, room or name. */
  bad_hello: { code: 4007, next: "final" },
  /** Too many new connections from this device or address; wait `retryAfterMs`. */
  rate_limited: { code: 4008, next: "retry" },
  /** The server has too many connections, or its database does not answer; wait `retryAfterMs`. */
  overloaded: { code: 4009, next: "retry" },
  /** The operator deleted the room. */
  room_deleted: { code: 4010, next: "final" },
  /** The operator deleted all events of the room; the client resumes and learns of a new epoch. */
  room_cleared: { code: 4011, next: "resume" },
  /** The operator banned this key or device. */
  banned: { code: 4012, next: "final" },
  /** An unforeseen server error; wait `retryAfterMs`. */
  internal_error: { code: 4013, next: "retry" },
} as const satisfies Record<string, { code: number; next: "resume" | "retry" | "final" }>;
export type CloseReason = keyof typeof CLOSE_REASONS;

/** The reason for a close code; undefined for codes outside CLOSE_REASONS, such as 1006. */
export function closeReasonOf(code: number): CloseReason | undefined {
  for (const reason in CLOSE_REASONS) {
    if (CLOSE_REASONS[reason as CloseReason].code === code) return reason as CloseReason;
  }
}

/** Why a room could not be created or found over HTTP. */
export const ROOM_API_PROBLEMS = {
  /** The genesis event is not of the documented shape; `field` names the first wrong field. */
  bad_event: 400,
  /** The genesis event's signature is wrong. */
  bad_signature: 400,
  /** The payload is too long. */
  too_long: 413,
  /** The genesis event is not `n` 1 and `clock` 1 of kind `room`. */
  not_a_genesis_event: 400,
  /** Another room has this id. */
  id_taken: 409,
  /** No free code was found for this id; try another id. */
  no_free_code: 503,
  /** No room has this code or id. */
  no_such_room: 404,
  /** Too many new rooms or wrong codes; wait `retryAfterMs`. */
  rate_limited: 429,
  /** The request's body did not arrive in time. */
  too_slow: 408,
  /** The server is overloaded; wait `retryAfterMs`. */
  overloaded: 503,
  /** The database did not answer. */
  storage_unavailable: 503,
} as const satisfies Record<string, number>;
export type RoomApiProblem = keyof typeof ROOM_API_PROBLEMS;
