/** Every size and time of a session that only this side has to know. What both sides must agree on: lib/protocol/limits.ts. */

/** From opening a transport to `welcome`; then the transport is given up and another one tried. */
export const CONNECT_TIMEOUT_MS = 8_000;
/** A `ping` that is not answered by any frame within this: the transport is dead. Sooner after a sleep: probe_patience.ts. */
export const PROBE_TIMEOUT_MS = 1_500;
/** On a slow network a probe may take up to so many times as long: the largest page at 5 KB/s. */
export const PROBE_PATIENCE_MAX = 16;
/** Silence after something was sent that wants an answer; then a probe. With the probe, a dead transport shows in under 3 s. */
export const ANSWER_PATIENCE_MS = 1_200;
/** An event without its ack for this long, on a transport that is alive: the transport is replaced, and the event sent again. */
export const ACK_TIMEOUT_MS = 10_000;
/** A try to connect that is older than this when the device wakes is started anew: its socket may be from before. */
export const STALE_TRY_MS = 1_500;

/** Events in the outbox of one room, refused ones included. More: `outbox_full`, and the text stays with its writer. */
export const OUTBOX_MAX_EVENTS = 1_000;
/** Payload characters in one `send` frame: well below CLIENT_FRAME_MAX_BYTES when every one takes three bytes. */
export const SEND_MAX_CHARS = 32_768;
/** How long the outbox waits when a transport takes no more. */
export const TRANSPORT_FULL_PAUSE_MS = 250;
/** How long the outbox waits when a refusal that asks for patience names no time. */
export const REFUSED_PAUSE_MS = 1_000;
/** How long the outbox waits after its storage failed before it reads and writes again. */
export const STORAGE_RETRY_MS = 2_000;
/** Numbers that were lost on both sides and are filled with empty events; a larger hole is not filled. */
export const HOLE_MAX_EVENTS = 100;

/** Events of one room in the local copy. The oldest positions go first. */
export const REPLICA_MAX_EVENTS = 500;
/** Events of one room in memory; beyond it the local copy's newest are kept and the rest can be loaded again. */
export const MEMORY_MAX_EVENTS = 20_000;
/** Received events that wait to be checked. More: the transport is dropped, and the session resumes from its position. */
export const UNCHECKED_MAX_EVENTS = 5_000;
/** Signatures checked at a time. */
export const CHECKS_AT_ONCE = 16;
/** Checking that takes longer lets the page do other things in between. */
export const CHECKING_TURN_MS = 12;
/** Least time between two writes of the local copy. */
export const REPLICA_SAVE_EVERY_MS = 1_000;
/** Unread messages of one room that are known one by one. When there are more, the first of them are. */
export const UNREAD_MAX_EVENTS = 1_000;
/** Least time between two looks of a tab into what the device remembers to have seen. */
export const SEEN_KEEP_EVERY_MS = 1_000;
/** Events asked for when somebody scrolls up. */
export const OLDER_EVENTS = 100;
/** Pages asked for one after another until enough of what they bring is said: behind 2,000 reactions people scroll. */
export const LINES_MAX_PAGES = 20;
/** Newest events that the tab with the connection keeps for the other tabs of the device. */
export const TAB_RECENT_MAX_EVENTS = 500;
/** How long another tab waits for the one with the connection; then that one sleeps, and this one takes its place. */
export const TAB_PATIENCE_MS = 1_000;
/** People of a room kept by name; the count is always the server's. */
export const PEOPLE_MAX = 1_000;

/** How often the home page asks for the listed rooms, while it is looked at. */
export const LISTED_POLL_MS = 5_000;
/** An HTTP request of the home page that takes longer is given up. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** Events of one room that came from other phones and wait for the room's log to have them. The oldest go first. */
export const RELAYED_MAX_EVENTS = 1_000;
/**
 * An event of somebody else that is not in the log this long after it came, or after the connection did, is sent for its
 * author: a random time between these, so that one of many phones does it and the others see it done.
 */
export const FORWARD_LEAST_MS = 2_000;
export const FORWARD_MOST_MS = 8_000;
/** Time after which it is sent again when there was no answer. */
export const FORWARD_AGAIN_MS = 15_000;
/** Events of others in one `send`. */
export const FORWARD_MAX_EVENTS = 16;
/**
 * How long an event waits for others to travel with to the server, when peers bring it to everybody. Below 1 s: where a
 * link died and nobody knows yet, this is how long its message takes.
 */
export const LAZY_SERVER_MS = 900;
/**
 * How long it may wait once each phone that is here has signed that it holds it: nothing is lost then, whatever ends, and
 * what people say meanwhile is one frame, one commit and one frame for each of them.
 */
export const LAZY_HELD_MS = 4_000;
/** Events from peers that are verified and that the mesh has not delivered yet. */
export const VERIFIED_MAX_EVENTS = 1_000;
