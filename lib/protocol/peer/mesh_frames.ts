// Runs in browser and simulator.
/**
 * Every frame between two linked phones, one type each. A frame is one JSON text on an ordered, reliable data channel.
 * docs/PROTOCOL.md ("Between phones") has the rules; these types have the fields.
 *
 * A link: both sides send `hello` immediately, then any frame at any time. The link identifies the sender, never the
 * frame. Events are the unchanged wire events; everything beside them (`hopsLeft`, `copies`) is the sender's unsigned
 * claim, and bounded.
 */
import type { AuthorKey, EventId, WireEvent } from "../event.ts";

/** Version of these frames. A phone with another one gets goodbye `version`. */
export const MESH_VERSION = 1;

/** Largest frame, in UTF-16 units: one event of any allowed size, its quotes escaped, always fits. */
export const MESH_FRAME_MAX_CHARS = 65_536;
/**
 * Highest `hopsLeft`: how many links an event may cross. The links of 500 simulated phones have a diameter of 7;
 * paths along a tree, and around lost frames, are up to twice as long.
 */
export const MESH_HOPS_MAX = 16;
/** Highest `copies` of one event that phones are asked to carry (binary spray and wait, Spyropoulos 2005). */
export const MESH_COPIES_MAX = 16;
/** Most ids in one `offer`, `held` or `want`. */
export const MESH_IDS_MAX = 100;
/** A digest has this many parts, by author, so that a difference costs only its part. */
export const MESH_BUCKETS = 16;
/** Most authors in one `summary`. */
export const MESH_SUMMARY_AUTHORS = 128;
/** Most ranges per author in one `summary`, the newest ones. */
export const MESH_SUMMARY_RANGES = 16;
/** Most ranges in one `fetch`. */
export const MESH_FETCH_RANGES = 64;
/** Most events requested in one `fetch`, and sent in one `page`. */
export const MESH_PAGE_EVENTS = 64;
/** Characters of payloads after which a page ends; it has at least one event. */
export const MESH_PAGE_CHARS = 16_384;
/** Most phones in one `peers`. */
export const MESH_PEERS_ROWS = 64;
/** Most receipts in one `receipts`. */
export const MESH_RECEIPTS_MAX = 32;
/** Most links that a phone may report as current or possible. */
export const MESH_LINKS_MAX = 64;
/** Longest text of a `signal`: a session description with its candidates is 1 to 6 KB, signed and escaped. */
export const MESH_SIGNAL_CHARS = 16_384;

/** An event, the number of further links it may cross, and the number of copies for its receiver to carry (0: none). */
export type CarriedEvent = readonly [payload: string, signature: string, hopsLeft: number, copies: number];

/** Both, once, when the link is up. */
export interface MeshHelloFrame {
  type: "hello";
  version: number;
  /** The sender's links, this one included, and its limit. */
  links: number;
  maxLinks: number;
  /** See MeshDigestFrame. */
  buckets: number[];
}

/** Either side, with a new event for this link; or, with `asked`, as the answer to `want`. */
export interface MeshPushFrame {
  type: "push";
  event: WireEvent;
  hopsLeft: number;
  copies: number;
  asked: boolean;
}

/** Either side: lists held events. The receiver answers `held` or `want`; without an answer the offer is repeated. */
export interface MeshOfferFrame {
  type: "offer";
  ids: EventId[];
}

/** Either side, after `push` or `offer`: the sender holds these now. */
export interface MeshHeldFrame {
  type: "held";
  ids: EventId[];
}

/** Either side, after `offer`: requests these, and pushes from now on. */
export interface MeshWantFrame {
  type: "want";
  ids: EventId[];
}

/** Either side, after a duplicate `push`: requests offers instead of pushes from now on. */
export interface MeshPruneFrame {
  type: "prune";
}

/**
 * Either side, at intervals: summarises the held events in MESH_BUCKETS numbers of 48 bits. A bucket's number is the XOR
 * of the first 48 bits of the ids of its events; an author's bucket is the low four bits of the key's first base64url
 * digit.
 */
export interface MeshDigestFrame {
  type: "digest";
  buckets: number[];
}

/** The answer to a different digest: lists the held events of these buckets. `answer`: sent because of a summary. */
export interface MeshSummaryFrame {
  type: "summary";
  /** The buckets of this summary. The sender holds nothing of their other authors (see `complete`). */
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

/** Answer to `fetch`: the held ones of the requested events, up to the limits of a page; may be empty. */
export interface MeshPageFrame {
  type: "page";
  events: CarriedEvent[];
}

/** Either side, at intervals: the phones that the sender reaches. */
export interface MeshPeersFrame {
  type: "peers";
  links: number;
  maxLinks: number;
  /** `ageMs`: how long ago that phone was alive, as far as the sender knows. `hops`: links between the sender and it. */
  peers: [peer: AuthorKey, ageMs: number, hops: number][];
}

/** A phone's signed claim that it holds the events `from` to `to` of an author. The signed text: receiptText. */
export interface Receipt {
  phone: AuthorKey;
  author: AuthorKey;
  from: number;
  to: number;
  signature: string;
}

/** Either side, towards the authors: receipts of this phone and of those behind it. Answered with `taken`. */
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

/** Either side: signaling for a phone that the receiver reaches better. `from` signs the text; relays do not read it. */
export interface MeshSignalFrame {
  type: "signal";
  from: AuthorKey;
  to: AuthorKey;
  hopsLeft: number;
  text: string;
}

/** Both, when the link is up if they hold any, and whenever these change: the operator's notices and withdrawals. */
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

/** Either side, just before it ends the link. */
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

/** The text that a phone signs for a receipt. Its beginning differs from payloads and hellos: no signature fits both. */
export function receiptText(room: string, receipt: Omit<Receipt, "signature">): string {
  return JSON.stringify(["receipt", 1, room, receipt.phone, receipt.author, receipt.from, receipt.to]);
}
