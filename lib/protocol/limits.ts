// Runs in browser and server.
/** Sizes and times that both ends of a wire must agree on. lib/server/config/server_config.ts has the server's own. */

/** Version of the frames in frames.ts and client_frames.ts. A client with another one is disconnected as `unsupported_version`. */
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

/** Largest file that can be offered. */
export const FILE_MAX_BYTES = 25 * 1_048_576;
/** Files are requested, verified and stored in blocks of this size; a file's last block may be smaller. */
export const FILE_BLOCK_BYTES = 262_144;
/** Longest name of a file, in code points. */
export const FILE_NAME_MAX_CHARS = 120;
/** Longest caption of a file, in code points: with name and thumbnail it fits into an event, even sealed. */
export const FILE_CAPTION_MAX_CHARS = 500;
/** Largest thumbnail in a `file` event. */
export const FILE_THUMBNAIL_MAX_BYTES = 5_000;
/** Longest side of a picture in a `file` event, in CSS pixels. */
export const FILE_SIDE_MAX = 32_767;

/** Longest payload of one event: 2,000 four-byte characters, sealed and base64url-encoded, still fit. */
export const EVENT_PAYLOAD_MAX_BYTES = 16_384;
/** Most events in one `send` frame. */
export const SEND_MAX_EVENTS = 32;
/** Largest frame a server reads; a larger one is refused as `too_large` before it is parsed. */
export const CLIENT_FRAME_MAX_BYTES = 131_072;
/** Largest frame a client reads. Server pages end well below it. */
export const SERVER_FRAME_MAX_BYTES = 1_048_576;
/** Payload and signature bytes after which a page of events ends, even with fewer events than requested. */
export const PAGE_MAX_BYTES = 131_072;

/** The newest events that a client without a usable position receives. */
export const LATEST_EVENTS = 50;
/** Most events in one page of history or catch-up. */
export const PAGE_MAX_EVENTS = 200;
/** A client that missed more events receives the newest ones and a declared gap, which it fills by scrolling. */
export const RESUME_MAX_EVENTS = 2_000;

/** How far an event's Lamport clock may run ahead of the receiver's highest one. */
export const CLOCK_MAX_LEAD = 10_000;

/** Idle time after which a client sends `ping`. */
export const HEARTBEAT_MS = 25_000;
/** Silence after which the server ends a connection: two and a half missed heartbeats. */
export const IDLE_TIMEOUT_MS = 62_500;
/** Time a client has, from opening a connection, for a valid `hello`. */
export const HELLO_TIMEOUT_MS = 10_000;

/** A polling request is answered after this at the latest, even without frames: some proxies cut after 10 s of silence. */
export const POLL_HOLD_MS = 8_000;
/** Approximate size of the frames in one polling answer; it has at least one frame. The next request gets the rest. */
export const POLL_ANSWER_MAX_BYTES = 131_072;
/** Largest body of a polling request: its head and the largest frame. More is `too_large`. */
export const POLL_REQUEST_MAX_BYTES = CLIENT_FRAME_MAX_BYTES + 1_024;

/** Longest payload of one signal, in UTF-16 units: a data channel's description with all candidates is 2–4 KiB. */
export const SIGNAL_PAYLOAD_MAX_CHARS = 12_288;
/** Most ICE candidates in one signal. */
export const SIGNAL_CANDIDATES_MAX = 32;
/** Longest text of one ICE candidate (RFC 8839 section 5.1), in UTF-16 units. */
export const SIGNAL_CANDIDATE_MAX_CHARS = 512;
/** How late a signal may arrive in its link session, in sequence numbers; older ones count as replayed. */
export const SIGNAL_REPLAY_WINDOW = 64;

/** Largest frame on a data channel that every browser sends unfragmented (RFC 8831 section 6.6). Longer texts are split. */
export const LINK_CHUNK_BYTES = 16_384;
/** Largest reassembled text on a link, in UTF-8 bytes. More ends the link as `bad_frames`. */
export const LINK_MESSAGE_MAX_BYTES = 262_144;
/** Silence after which a peer link is probed. */
export const LINK_HEARTBEAT_MS = 5_000;
/** A peer has to answer a link's ping within this time, else the link is suspect and routing ignores it. */
export const LINK_PROBE_TIMEOUT_MS = 800;
/** Silence after which a suspect link ends. */
export const LINK_SILENCE_MS = 8_000;
/** Longest time from the first signal to an open channel; then the attempt ends. */
export const LINK_SETUP_TIMEOUT_MS = 15_000;

/** Most links of a desktop. */
export const MESH_LINKS_DESKTOP = 8;
/** Most links of a phone. */
export const MESH_LINKS_PHONE = 3;

/** Phones of a room link automatically after this; sooner in development. */
export const MESH_AUTO_CONNECT_MS = 10_000;
export const MESH_AUTO_CONNECT_DEVELOPMENT_MS = 5_000;

/** Most people named in a `welcome`; the count always includes everybody. */
export const PEOPLE_SHOWN = 50;

/** Longest text of a notice, in Unicode code points. */
export const NOTICE_MAX_CHARS = 600;
/** Most rooms that one notice can name. */
export const NOTICE_MAX_ROOMS = 50;
/** Most notices that a server, frame or phone holds, withdrawals included. */
export const NOTICES_MAX = 8;
/** Longest payload of a notice, in UTF-16 units. */
export const NOTICE_PAYLOAD_MAX_CHARS = 8_192;
/** Longest life of a notice. */
export const NOTICE_MAX_LIFE_MS = 7 * 86_400_000;
