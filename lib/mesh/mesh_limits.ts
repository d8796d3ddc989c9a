// Runs in browser and simulator.
/** Sizes and times of one phone's mesh node. Values that both ends of a link must agree on are in mesh_frames.ts. */
import type { RateLimit } from "../shared/rate_limiter.ts";

// ---- topology ----

/** Time between two dials. */
export const DIAL_EVERY_MS = 2_000;
/** Time between two dials to the same phone; doubles with each failure in a row, up to DIAL_PEER_MAX_MS. */
export const DIAL_PEER_EVERY_MS = 5_000;
export const DIAL_PEER_MAX_MS = 60_000;
/** A dial that has not produced a link after this time has failed. */
export const DIAL_TIMEOUT_MS = 10_000;
/** One phone of each pair dials. The other one may dial after waiting this long. */
export const CALLER_GRACE_MS = 4_000;
/** A caller with fewer links than this is accepted even when all places are taken. */
export const LINKS_MIN = 2;
/** Time between two evictions by this phone, and between two evictions in favour of the same caller. */
export const EVICT_EVERY_MS = 2_000;
export const EVICT_FOR_PEER_EVERY_MS = 60_000;
/** Known phones may stay unreachable for this long before a phone with enough links dials one of them. */
export const UNREACHABLE_PATIENCE_MS = 10_000;
/** Phones remembered, as people and as failures. The oldest entries are dropped first. */
export const PEERS_MAX = 1_000;
/** Failures in a row after which a phone counts as gone until the session or a peer names it again. */
export const DIAL_FAILURES_MAX = 3;

// ---- broadcast ----

/** Rooms of up to this many phones are flooded. */
export const FLOOD_MAX_PHONES = 15;
/** Offered ids are batched for this long. */
export const OFFER_DELAY_MS = 20;
/** Ids in `held` are batched for this long. */
export const HELD_DELAY_MS = 40;
/**
 * An unanswered push or offer is offered again after 1.5 times the average answer time plus HELD_DELAY_MS, within these
 * bounds. Each further retry waits OFFER_RETRY_FACTOR times as long.
 */
export const OFFER_RETRY_MIN_MS = 160;
export const OFFER_RETRY_MAX_MS = 1_000;
export const OFFER_RETRY_FACTOR = 1.5;
export const OFFERS_MAX = 6;
/** Delay from an offer to the `want`, because the event may already be on its way as a push. */
export const WANT_AFTER_MS = 60;
/** The same delay on lossy links: more than LOSSY_SHARE of the last events had to be requested. */
export const WANT_AFTER_LOSS_MS = 20;
export const LOSSY_SHARE = 0.2;
/** On lossy links nothing is pruned while a phone pushes to at most this many peers. */
export const EAGER_WHEN_LOSSY = 2;
/**
 * Time for the answer to `want` before another phone is asked: initially, and the bounds of 1.5 times the measured
 * average.
 */
export const WANT_TIMEOUT_MS = 150;
export const WANT_TIMEOUT_MIN_MS = 100;
export const WANT_TIMEOUT_MAX_MS = 1_000;
/** Requests for one event: in total, and to one phone. */
export const WANTS_MAX = 12;
export const WANTS_PER_PEER = 5;
/** Events known only from one peer's offers. Its further offers are ignored. */
export const WANTED_PER_PEER = 256;
/** Events whose broadcast is tracked. The oldest one is dropped and left to anti-entropy. */
export const BROADCAST_MAX = 512;
/** Longest time that the broadcast of an event is tracked. */
export const BROADCAST_MS = 30_000;
/** Ids of handled events. The oldest are dropped; HeldEvents still rejects those events by author and number. */
export const SEEN_MAX = 20_000;
/** Pushed events accepted per author. The server's rate, with twice its burst. */
export const PUSH_LIMIT: RateLimit = { burst: 10, everyMs: 1_000 };
/** Fetched events accepted per author. */
export const FETCH_LIMIT: RateLimit = { burst: 200, everyMs: 1_000 };
/** Authors whose rate is remembered. */
export const AUTHORS_MAX = 2_000;

// ---- holding ----

/** Events held for others, and the characters of their payloads. When full, the author with most loses the oldest. */
export const HELD_MAX_EVENTS = 2_000;
export const HELD_MAX_CHARS = 4_000_000;
/** Events that this phone carries for others, and how long they are protected from eviction. */
export const CARRIED_EVENTS_MAX = 1_000;
export const CARRIED_MS = 6 * 3_600_000;

// ---- anti-entropy ----

/** Time between digests, each to the next peer in turn, when nothing differed recently … */
export const DIGEST_CALM_MS = 5_000;
/** … and when something did. */
export const DIGEST_BUSY_MS = 1_000;
/** Least time between two summaries to one peer, so that false digests cost little. */
export const SUMMARY_EVERY_MS = 500;
/** Time for a page to arrive. */
export const FETCH_TIMEOUT_MS = 600;
/** Ranges per peer waiting to be fetched. The next digest finds the ranges that do not fit. */
export const FETCH_QUEUE_MAX = 512;
/** Requests for one range at one peer. */
export const FETCHES_MAX = 3;
/** Pages sent per peer. Further requests are ignored. */
export const PAGE_LIMIT: RateLimit = { burst: 20, everyMs: 50 };
/** Up to this many events of a page are offered on one by one. After a larger page, peers get a digest instead. */
export const OFFERED_FROM_PAGE = 16;

// ---- routing ----

/** Time between routing updates in rooms whose phones fit into one frame; twice as long in larger rooms. */
export const PEERS_EVERY_MS = 5_000;
/** A route expires when nobody has confirmed the phone for this long; later in rooms that need several frames. */
export const ROUTE_TTL_MS = 20_000;
export const ROUTE_TTL_PER_PHONE_MS = 400;

// ---- receipts ----

/** Receipts are batched for this long. */
export const RECEIPT_DELAY_MS = 400;
/** An unacknowledged batch is sent again after this time, and at most this often. */
export const RECEIPTS_RETRY_MS = 600;
export const RECEIPTS_TRIES = 5;
/** Approximate number of phones that sign for one event. In larger rooms the event's id selects them. */
export const RECEIPT_PHONES = 64;
/** Relayed receipts accepted from one peer. */
export const RECEIPT_LIMIT: RateLimit = { burst: 256, everyMs: 10 };
/** Receipts queued in this phone, and remembered as forwarded. The oldest are dropped. */
export const RECEIPTS_QUEUED = 256;
export const RECEIPTS_SEEN = 4_000;
/** Own events whose receipts are counted: the newest ones. */
export const COUNTED_EVENTS = 200;
/** Receipts whose signatures are verified at the same time. Further ones are dropped. */
export const RECEIPTS_CHECKED_MAX = 128;

// ---- verification and score ----

/** Events waiting for verification: in total, and from one peer. Further ones are dropped and arrive again later. */
export const UNCHECKED_MAX = 512;
export const UNCHECKED_PER_PEER = 128;
/** Strikes at which a link is ended; one is forgiven every STRIKE_FORGIVEN_MS. */
export const STRIKES_MAX = 20;
export const STRIKE_FORGIVEN_MS = 2_000;
/** Frames read from one peer: 300 a second. Further ones are ignored, and every hundredth is a strike. */
export const FRAME_LIMIT: RateLimit = { burst: 600, everyMs: 1_000 / 300 };
/** Duplicate pushes accepted from one peer, and `want`s answered. */
export const DUPLICATE_LIMIT: RateLimit = { burst: 100, everyMs: 100 };
export const WANT_LIMIT: RateLimit = { burst: 200, everyMs: 10 };
/** Ids of refused or rate-limited events are not requested for this long. The oldest are dropped. */
export const SUPPRESSED_IDS_MAX = 2_000;
export const SUPPRESSED_MS = 10_000;
/** First ban of a misbehaving phone; doubles each time, up to the maximum. */
export const BAN_MS = 60_000;
export const BAN_MAX_MS = 3_600_000;
export const PEER_BANS_MAX = 512;
