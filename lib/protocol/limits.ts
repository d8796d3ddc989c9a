// Runs in browser and server.
/** Every size and time that both ends of a wire must agree on. Server-only settings live in lib/server/config.ts. */

/** Version of the frames in frames.ts. A client that speaks another one is told `unsupported_version`. */
export const PROTOCOL_VERSION = 1;

/** Longest text of a message, in Unicode code points. */
export const MESSAGE_MAX_CHARS = 2_000;
/** Longest display name, in grapheme clusters. */
export const NAME_MAX_CHARS = 40;
/** Longest display name in UTF-8 bytes: 40 clusters may be long emoji sequences. */
export const NAME_MAX_BYTES = 160;
/** Longest room name, in code points. */
export const ROOM_NAME_MAX_CHARS = 60;
/** Longest emoji of a reaction, in UTF-8 bytes (one cluster; family emoji take about 25). */
export const REACTION_MAX_BYTES = 40;

/** Longest payload of one event: 2,000 four-byte characters, sealed and base64url-encoded, still fit. */
export const EVENT_PAYLOAD_MAX_BYTES = 16_384;
/** Most events in one `send` frame. */
export const SEND_MAX_EVENTS = 32;
/** Largest frame a server reads; a larger one is refused as `too_large` before it is parsed. */
export const CLIENT_FRAME_MAX_BYTES = 131_072;
/** Largest frame a client reads. Server pages are cut well below. */
export const SERVER_FRAME_MAX_BYTES = 1_048_576;
/** Payload and signature bytes after which a page of events ends, even when it holds fewer events than asked for. */
export const PAGE_MAX_BYTES = 131_072;

/** Newest events a client without a usable position gets. */
export const LATEST_EVENTS = 50;
/** Most events in one page of history or of catching up. */
export const PAGE_MAX_EVENTS = 200;
/** A client that missed more than this gets the newest events and a declared gap, which it can fill by scrolling. */
export const RESUME_MAX_EVENTS = 2_000;

/** How far an event's Lamport clock may run ahead of the receiver's highest one. */
export const CLOCK_MAX_LEAD = 10_000;

/** Idle time after which a client sends `ping`. */
export const HEARTBEAT_MS = 25_000;
/** Silence after which the server takes a connection for dead: two missed heartbeats and a half. */
export const IDLE_TIMEOUT_MS = 62_500;
/** Time a client has, from opening a connection, for a valid `hello`. */
export const HELLO_TIMEOUT_MS = 10_000;

/** A polling request for frames is answered after this, also when there are none: some proxies cut after 10 s of silence. */
export const POLL_HOLD_MS = 8_000;
/** Bytes of frames in one polling answer, about; one frame is always taken. The rest is for the next request. */
export const POLL_ANSWER_MAX_BYTES = 131_072;
/** Largest body of a polling request: its head, and the largest frame there is. More is `too_large`. */
export const POLL_REQUEST_MAX_BYTES = CLIENT_FRAME_MAX_BYTES + 1_024;

/** Most people named in a `welcome`; the count is always complete. */
export const PEOPLE_SHOWN = 50;
