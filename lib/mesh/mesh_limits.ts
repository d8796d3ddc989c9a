// Runs in browser and simulator.
/** Every size and time of the mesh that only this phone has to know. What both phones must agree on: mesh_frames.ts. */

// ---- overlay ----

/** Time between two tries to link to anybody. */
export const DIAL_EVERY_MS = 2_000;
/** Time between two tries to link to the same phone; doubles with each failure in a row, up to DIAL_PEER_MAX_MS. */
export const DIAL_PEER_EVERY_MS = 5_000;
export const DIAL_PEER_MAX_MS = 60_000;
/** A link that did not come up in this time will not. */
export const DIAL_TIMEOUT_MS = 10_000;
/** Of each pair one phone calls. When nobody called this long, the other one may. */
export const CALLER_GRACE_MS = 4_000;
/** Links below which a phone is taken in although all places are taken. */
export const LINKS_MIN = 2;
/** Time between two swaps of this phone, and between two swaps for the same phone. */
export const EVICT_EVERY_MS = 2_000;
export const EVICT_FOR_PEER_EVERY_MS = 60_000;
/** How long phones that are known but not reached are waited for before somebody dials them for that reason. */
export const UNREACHABLE_PATIENCE_MS = 10_000;
/** Phones remembered, as people and as failures. The ones heard of longest ago go first. */
export const PEERS_MAX = 1_000;
/** Failures in a row after which a phone is no longer taken for present until somebody names it again. */
export const DIAL_FAILURES_MAX = 3;

// ---- broadcast ----

/** Rooms of up to this many phones are flooded. */
export const FLOOD_MAX_PHONES = 15;
/** Offers of several events wait this long for each other. */
export const OFFER_DELAY_MS = 20;
/** So does `held`. */
export const HELD_DELAY_MS = 40;
/**
 * A neighbour that says nothing to a push or an offer is offered it again after half as much again as answers take on
 * average and HELD_DELAY_MS, within these bounds; then after half as long again each time.
 */
export const OFFER_RETRY_MIN_MS = 160;
export const OFFER_RETRY_MAX_MS = 1_000;
export const OFFER_RETRY_FACTOR = 1.5;
export const OFFERS_MAX = 6;
/** How long an event that was offered is waited for before it is asked for: it may be on its way as a push. */
export const WANT_AFTER_MS = 60;
/** The same where more than this share of the last events had to be asked for: pushes get lost here. */
export const WANT_AFTER_LOSS_MS = 20;
export const LOSSY_SHARE = 0.2;
/** There, no link is pruned while a phone pushes to no more than so many. */
export const EAGER_WHEN_LOSSY = 2;
/**
 * How long the answer to `want` may take before another phone is asked: at first, and the bounds once it was measured
 * (half as much again as it takes on average).
 */
export const WANT_TIMEOUT_MS = 150;
export const WANT_TIMEOUT_MIN_MS = 100;
export const WANT_TIMEOUT_MAX_MS = 1_000;
/** Asks for one event in all, and at one phone. */
export const WANTS_MAX = 12;
export const WANTS_PER_PEER = 5;
/** Events known from offers only; per neighbour, and neighbours remembered per event. Further offers are not heard. */
export const WANTED_PER_PEER = 256;
/** Events whose broadcast is followed. The oldest one goes first, and anti-entropy does the rest. */
export const BROADCAST_MAX = 512;
/** Longest time the broadcast of an event is followed. */
export const BROADCAST_MS = 30_000;
/** Ids of events handled once. The oldest one goes first; older events are kept out by what is held of their author. */
export const SEEN_MAX = 20_000;
/** Events per author that are taken from pushes at once, then one per this time: the server's rate, twice its burst. */
export const AUTHOR_BURST = 10;
export const AUTHOR_EVERY_MS = 1_000;
/** Events per author that are fetched from what neighbours hold at once, then one per AUTHOR_EVERY_MS. */
export const AUTHOR_FETCH_BURST = 200;
/** Authors whose budget is remembered. */
export const AUTHORS_MAX = 2_000;

// ---- holding ----

/** Events held for others, and the characters of their payloads. When full, the author with most loses the oldest. */
export const HELD_MAX_EVENTS = 2_000;
export const HELD_MAX_CHARS = 4_000_000;
/** Events this phone is asked to carry, and for how long they are kept before others. */
export const CARRIED_EVENTS_MAX = 1_000;
export const CARRIED_MS = 6 * 3_600_000;

// ---- anti-entropy ----

/** A digest to one neighbour, in turn, when nothing was missing lately … */
export const DIGEST_CALM_MS = 5_000;
/** … and when something was. */
export const DIGEST_BUSY_MS = 1_000;
/** Two summaries to one neighbour keep this distance: a liar's digests cost little. */
export const SUMMARY_EVERY_MS = 500;
/** How long a page may take. */
export const FETCH_TIMEOUT_MS = 600;
/** Ranges per neighbour still to be fetched. What does not fit is found by the next digest. */
export const FETCH_QUEUE_MAX = 512;
/** Times one range is asked for at one neighbour. */
export const FETCHES_MAX = 3;
/** Pages per neighbour and second that are answered; more are not. */
export const PAGES_PER_SECOND = 20;
/** Fetched events of one page that are offered on at once. After more, the neighbours get a digest instead. */
export const OFFERED_FROM_PAGE = 16;

// ---- reach ----

/** How often neighbours are told whom this phone reaches, in rooms that fit into one frame; else twice as long. */
export const PEERS_EVERY_MS = 5_000;
/** A phone nobody told of for this long is not reached; longer in rooms that take several frames. */
export const ROUTE_TTL_MS = 20_000;
export const ROUTE_TTL_PER_PHONE_MS = 400;

// ---- receipts ----

/** Receipts wait this long for others to travel with. */
export const RECEIPT_DELAY_MS = 400;
/** A batch nobody took is sent again after this, this often. */
export const RECEIPTS_RETRY_MS = 600;
export const RECEIPTS_TRIES = 5;
/** Phones that sign receipts for one event, about: in larger rooms the event's id decides which ones. */
export const RECEIPT_PHONES = 64;
/** Receipts of others that one neighbour hands over at once, then one per this time. */
export const RECEIPTS_BURST = 256;
export const RECEIPT_EVERY_MS = 10;
/** Receipts on their way through this phone, and remembered as passed on. The oldest ones go first. */
export const RECEIPTS_QUEUED = 256;
export const RECEIPTS_SEEN = 4_000;
/** Own events whose receipts are counted, the newest ones. */
export const COUNTED_EVENTS = 200;
/** Receipts whose signatures are checked at a time. More are dropped. */
export const RECEIPTS_CHECKED_MAX = 128;

// ---- checking and score ----

/** Events that wait for their signature to be checked, and those of one neighbour. More are dropped and come again. */
export const UNCHECKED_MAX = 512;
export const UNCHECKED_PER_PEER = 128;
/** Strikes at which a link is ended; one is forgiven after each STRIKE_FORGIVEN_MS. */
export const STRIKES_MAX = 20;
export const STRIKE_FORGIVEN_MS = 2_000;
/** Frames of one neighbour at once, then per second. More are not read, and every hundredth is a strike. */
export const FRAMES_BURST = 600;
export const FRAMES_PER_SECOND = 300;
/** Pushes of events held already, and answered `want`s, of one neighbour at once, then one per this time. */
export const DUPLICATES_BURST = 100;
export const DUPLICATE_EVERY_MS = 100;
export const WANTS_BURST = 200;
export const WANT_EVERY_MS = 10;
/** Ids refused or over an author's budget are not asked for this long. The oldest ones go first. */
export const SUPPRESSED_IDS_MAX = 2_000;
export const SUPPRESSED_MS = 10_000;
/** How long a phone that misbehaved gets no link; twice as long each time, up to the longest. */
export const BAN_MS = 60_000;
export const BAN_MAX_MS = 3_600_000;
export const PEER_BANS_MAX = 512;
