/** Sizes and times that only a session has to know. Both sides share those in lib/protocol/limits.ts. */

/** From opening a transport to `welcome`; then another transport is tried. */
export const CONNECT_TIMEOUT_MS = 8_000;
/** No frame within this after a `ping`: the transport is dead. Sooner after a sleep: probe_timeout.ts. */
export const PROBE_TIMEOUT_MS = 1_500;
/** On a slow network a probe may take up to this many times as long: the largest page at 5 KB/s. */
export const PROBE_PATIENCE_MAX = 16;
/** Silence after a frame that wants an answer; then a probe. With the probe, a dead transport shows in under 3 s. */
export const ANSWER_PATIENCE_MS = 1_200;
/** An event without its ack for this long on a live transport: the transport is replaced, and the event sent again. */
export const ACK_TIMEOUT_MS = 10_000;
/** An attempt older than this when the device wakes up is started again: its socket may be from before the sleep. */
export const STALE_TRY_MS = 1_500;

/**
 * Events in the outbox of one room, refused ones included. Beyond it: `outbox_full`, and the composer keeps the text.
 */
export const OUTBOX_MAX_EVENTS = 1_000;
/** Payload characters in one `send` frame: well below CLIENT_FRAME_MAX_BYTES even at three bytes each. */
export const SEND_MAX_CHARS = 32_768;
/** Pause of the outbox when a transport is full. */
export const TRANSPORT_FULL_PAUSE_MS = 250;
/** Pause of the outbox after a retriable refusal that names no time. */
export const REFUSED_PAUSE_MS = 1_000;
/** Pause of the outbox after its storage failed. */
export const STORAGE_RETRY_MS = 2_000;
/** Numbers lost on both sides that are filled with no-op events; a larger gap is not filled. */
export const HOLE_MAX_EVENTS = 100;

/** Events of one room in the local copy. The oldest positions go first. */
export const REPLICA_MAX_EVENTS = 500;
/** Events of one room in memory; beyond it the newest are kept, and the rest can be loaded again. */
export const MEMORY_MAX_EVENTS = 20_000;
/**
 * Received events that wait for verification. Beyond it the transport is dropped, and the session resumes from its
 * position.
 */
export const UNCHECKED_MAX_EVENTS = 5_000;
/** Signatures verified at a time. */
export const CHECKS_AT_ONCE = 16;
/** Verification that takes longer lets the page do other work in between. */
export const CHECKING_TURN_MS = 12;
/** Least time between two writes of the local copy. */
export const REPLICA_SAVE_EVERY_MS = 1_000;
/** Unread messages of one room that are known one by one; beyond it only the first ones are. */
export const UNREAD_MAX_EVENTS = 1_000;
/** Least time between two accesses of a tab to the stored read cursor. */
export const SEEN_KEEP_EVERY_MS = 1_000;
/** Events requested when somebody scrolls up. */
export const OLDER_EVENTS = 100;
/** Pages requested in a row until they contain enough messages; behind 2,000 reactions people scroll. */
export const LINES_MAX_PAGES = 20;
/** Newest events that the leading tab keeps for the other tabs of the device. */
export const TAB_RECENT_MAX_EVENTS = 500;
/** How long a tab waits for the leading one; then it assumes that one asleep and takes over. */
export const TAB_PATIENCE_MS = 1_000;
/** People of a room kept by name; the count is always the server's. */
export const PEOPLE_MAX = 1_000;

/** How often the visible home page requests the listed rooms. */
export const LISTED_POLL_MS = 5_000;
/** An HTTP request of the home page is given up after this. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** Relayed events of one room: from other phones, and not in the room's log yet. The oldest go first. */
export const RELAYED_MAX_EVENTS = 1_000;
/**
 * An event of somebody else that is not in the log after a random time between these two is sent for its author: one of
 * many phones does it, and the others see it done. Counted from its arrival, or from the beginning of the connection.
 */
export const FORWARD_LEAST_MS = 2_000;
export const FORWARD_MOST_MS = 8_000;
/** Time after which it is sent again without an answer. */
export const FORWARD_AGAIN_MS = 15_000;
/** Events of others in one `send` frame. */
export const FORWARD_MAX_EVENTS = 16;
/**
 * How long an event waits for others to travel with to the server, when peers bring it to everybody. Below 1 s, because
 * behind a dead link that nobody has noticed yet the message takes this long.
 */
export const LAZY_SERVER_MS = 900;
/**
 * How long it may wait when every phone that is here has signed that it holds it. Nothing is lost then, and the
 * messages of this time are one frame, one commit and one frame for each phone.
 */
export const LAZY_HELD_MS = 4_000;
/** Events from peers that are verified and that the mesh has not delivered yet. */
export const VERIFIED_MAX_EVENTS = 1_000;
