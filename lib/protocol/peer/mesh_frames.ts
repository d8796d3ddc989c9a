// Runs in browser and simulator.
/**
 * Every frame between two linked phones, one type each. A frame is one JSON text on an ordered, reliable data channel.
 * docs/PROTOCOL.md ("Between phones") tells the rules; these types tell the fields.
 *
 * A link: both sides `hello` at once, then everything at will. Which phone a frame comes from is known from the link,
 * never from the frame. Events are the unchanged wire events; what is said about them beside (`hopsLeft`, `copies`) is
 * the sender's word, unsigned, and bounded.
 */
import type { AuthorKey, EventId, WireEvent } from "../event.ts";

/** Version of these frames. A phone that speaks another one is told goodbye `version`. */
export const MESH_VERSION = 1;

/** Largest frame, in UTF-16 units: one event of any allowed size, its quotes escaped, always fits. */
export const MESH_FRAME_MAX_CHARS = 65_536;
/**
 * Highest `hopsLeft`: how many links an event may cross. The links of 500 simulated phones have a diameter of 7; ways
 * along a tree, and around lost frames, are up to twice as long.
 */
export const MESH_HOPS_MAX = 16;
/** Highest `copies` of one event that phones are asked to carry (binary spray and wait, Spyropoulos 2005). */
export const MESH_COPIES_MAX = 16;
/** Most ids in one `offer`, `held` or `want`. */
export const MESH_IDS_MAX = 100;
/** The held events are told in this many parts, by author, so that a difference costs only its part. */
export const MESH_BUCKETS = 16;
/** Most authors in one `summary`. */
export const MESH_SUMMARY_AUTHORS = 128;
/** Most ranges per author in one `summary`, the newest ones. */
export const MESH_SUMMARY_RANGES = 16;
/** Most ranges in one `fetch`. */
export const MESH_FETCH_RANGES = 64;
/** Most events asked for in one `fetch`, and sent in one `page`. */
export const MESH_PAGE_EVENTS = 64;
/** Characters of payloads after which a page ends; one event is always in it. */
export const MESH_PAGE_CHARS = 16_384;
/** Most phones told of in one `peers`. */
export const MESH_PEERS_ROWS = 64;
/** Most receipts in one `receipts`. */
export const MESH_RECEIPTS_MAX = 32;
/** Most links any phone says it has, or may have. */
export const MESH_LINKS_MAX = 64;
/** Longest text of a `signal`: a session description with its candidates is 1 to 6 KB, signed and escaped. */
export const MESH_SIGNAL_CHARS = 16_384;

/** An event, how many further links it may cross, and how many copies its receiver should see carried (0: none). */
export type CarriedEvent = readonly [payload: string, signature: string, hopsLeft: number, copies: number];

/** Both, once, when the link is up. */
export interface MeshHelloFrame {
  type: "hello";
  version: number;
  /** Links the sender has, this one included, and the most it may have. */
  links: number;
  maxLinks: number;
  /** As in MeshDigestFrame. */
  buckets: number[];
}

/** Anybody, when a new event is to go on over this link; or, with `asked`, as the answer to `want`. */
export interface MeshPushFrame {
  type: "push";
  event: WireEvent;
  hopsLeft: number;
  copies: number;
  asked: boolean;
}

/** Anybody: I hold these; say `held` or `want`. Repeated for a while when nothing is said. */
export interface MeshOfferFrame {
  type: "offer";
  ids: EventId[];
}

/** Anybody, after `push` or `offer`: these I hold now, however they came. */
export interface MeshHeldFrame {
  type: "held";
  ids: EventId[];
}

/** Anybody, after `offer`: send me these. From now on push to me. */
export interface MeshWantFrame {
  type: "want";
  ids: EventId[];
}

/** Anybody, after a `push` of something held already: from now on offer, do not push. */
export interface MeshPruneFrame {
  type: "prune";
}

/**
 * Anybody, now and then: what I hold, in MESH_BUCKETS numbers of 48 bits. A bucket's number is the XOR of the first 48
 * bits of the ids of its events; an author's bucket is the low four bits of the key's first base64url letter.
 */
export interface MeshDigestFrame {
  type: "digest";
  buckets: number[];
}

/** The answer to a digest that differs: what I hold in these buckets. `answer`: sent because of a summary. */
export interface MeshSummaryFrame {
  type: "summary";
  /** The buckets this tells of; an author of them who is not named is one nothing is held of (see `complete`). */
  buckets: number[];
  /** Whether all authors of the buckets are named. */
  complete: boolean;
  answer: boolean;
  /** Per author: from, to, from, to, …, rising, both ends included. */
  authors: [author: AuthorKey, ends: number[]][];
}

/** Sent for events that a summary names and the sender lacks. One at a time per link. */
export interface MeshFetchFrame {
  type: "fetch";
  ranges: [author: AuthorKey, from: number, to: number][];
}

/** Answer to `fetch`: what of it is held, up to the limits of a page. Empty: nothing. */
export interface MeshPageFrame {
  type: "page";
  events: CarriedEvent[];
}

/** Anybody, now and then: whom I reach. */
export interface MeshPeersFrame {
  type: "peers";
  links: number;
  maxLinks: number;
  /** `ageMs`: how long ago that phone was alive, as far as the sender heard. `hops`: links between the sender and it. */
  peers: [peer: AuthorKey, ageMs: number, hops: number][];
}

/** A phone's signed word that it holds the events `from` to `to` of an author. The signed text: receiptText. */
export interface Receipt {
  phone: AuthorKey;
  author: AuthorKey;
  from: number;
  to: number;
  signature: string;
}

/** Anybody, towards the authors: receipts of this phone and of those behind it. Answered with `taken`. */
export interface MeshReceiptsFrame {
  type: "receipts";
  batch: number;
  receipts: Receipt[];
}

/** Answer to `receipts`. */
export interface MeshTakenFrame {
  type: "taken";
  batch: number;
}

/** Anybody: signaling for a phone that the receiver reaches better. The text is signed by `from` and opaque here. */
export interface MeshSignalFrame {
  type: "signal";
  from: AuthorKey;
  to: AuthorKey;
  hopsLeft: number;
  text: string;
}

/** Both, when the link is up and they hold any, and whenever these change: the operator's notices and withdrawals. */
export interface MeshNoticesFrame {
  type: "notices";
  notices: WireEvent[];
}

/** Why a phone ends a link. */
export const MESH_GOODBYES = [
  /** The page is closed, or the mesh is switched off. */
  "leaving",
  /** No room for one more link; `peer`, if named, may have. */
  "full",
  /** A newcomer needs this place; link to `peer`, the newcomer, instead. */
  "evicted",
  /** Forged events, broken promises or too many frames. */
  "misbehaved",
  /** Another MESH_VERSION. */
  "version",
] as const;
export type MeshGoodbye = (typeof MESH_GOODBYES)[number];

/** Anybody, just before it ends the link. */
export interface MeshGoodbyeFrame {
  type: "goodbye";
  reason: MeshGoodbye;
  peer?: AuthorKey;
}

export type MeshFrame =
  | MeshHelloFrame
  | MeshPushFrame
  | MeshOfferFrame
  | MeshHeldFrame
  | MeshWantFrame
  | MeshPruneFrame
  | MeshDigestFrame
  | MeshSummaryFrame
  | MeshFetchFrame
  | MeshPageFrame
  | MeshPeersFrame
  | MeshReceiptsFrame
  | MeshTakenFrame
  | MeshSignalFrame
  | MeshNoticesFrame
  | MeshGoodbyeFrame;

/** The text that a phone signs for a receipt. It begins unlike any payload and any hello, so it can stand for neither. */
export function receiptText(room: string, receipt: Omit<Receipt, "signature">): string {
  return JSON.stringify(["receipt", 1, room, receipt.phone, receipt.author, receipt.from, receipt.to]);
}
