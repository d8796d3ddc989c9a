// Runs in browser and simulator.
/**
 * Every frame between two linked phones, one type each. A frame is one JSON text on an ordered, reliable data channel.
 * docs/PROTOCOL.md ("Between phones") has the rules; these readers have the fields.
 *
 * A link: both sides send `hello` immediately, then any frame at any time. The link identifies the sender, never the
 * frame. Events are the unchanged wire events; everything beside them (`hopsLeft`, `copies`) is the sender's unsigned
 * claim, and bounded.
 */
import type { AuthorKey, EventId, WireEvent } from "../event.ts";
import {
  BadField,
  count,
  decodeFrame,
  flag,
  id,
  key,
  list,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  signature,
  type Tagged,
  text,
  tuple,
  where,
  whole,
} from "../fields.ts";
import { EVENT_PAYLOAD_MAX_BYTES, NOTICES_MAX } from "../limits.ts";

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

/** Highest number of a digest's bucket: 48 bits. */
const BUCKET_MAX = 2 ** 48 - 1;
/** Highest `ageMs`: a day. */
const AGE_MAX_MS = 86_400_000;

const payload = where(text(EVENT_PAYLOAD_MAX_BYTES), (payload) => payload !== "");
const wireEvent = tuple<WireEvent>(payload, signature);
const buckets = list(whole(0, BUCKET_MAX), MESH_BUCKETS, MESH_BUCKETS);
/** The sender's links, this one included, and its limit. */
const degree = { links: whole(0, MESH_LINKS_MAX), maxLinks: whole(0, MESH_LINKS_MAX) };
const hopsLeft = whole(0, MESH_HOPS_MAX);
const copies = whole(0, MESH_COPIES_MAX);
const ids: Reader<EventId[]> = list(id, 1, MESH_IDS_MAX);

/** An event, the number of further links it may cross, and the number of copies for its receiver to carry (0: none). */
const carriedEvent = tuple<readonly [payload: string, signature: string, hopsLeft: number, copies: number]>(
  payload,
  signature,
  hopsLeft,
  copies,
);

const receipt = where(
  object({ phone: key, author: key, from: count, to: count, signature }),
  ({ from, to }) => to >= from,
);
/** A phone's signed claim that it holds the events `from` to `to` of an author. The signed text: receiptText. */
export type Receipt = Read<typeof receipt>;

/** from, to, from, to, …: each from after the last to, each to not before its from. */
const rising: Reader<number[]> = (value, field) => {
  const ends = list(count, 2, 2 * MESH_SUMMARY_RANGES)(value, field);
  if (ends.length % 2 !== 0) throw new BadField(field);
  for (let at = 1; at < ends.length; at++) {
    const least = at % 2 === 1 ? ends[at - 1]! : ends[at - 1]! + 1;
    if (ends[at]! < least) throw new BadField(`${field}[${at}]`);
  }
  return ends;
};

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

const FRAMES = {
  /** Both, once, when the link is up. `buckets`: as in `digest`. */
  hello: object({ version: count, ...degree, buckets }),
  /** Either side, with a new event for this link; or, with `asked`, as the answer to `want`. */
  push: object({ event: wireEvent, hopsLeft, copies, asked: flag }),
  /** Either side: lists held events. The receiver answers `held` or `want`; without an answer the offer is repeated. */
  offer: object({ ids }),
  /** Either side, after `push` or `offer`: the sender holds these now. */
  held: object({ ids }),
  /** Either side, after `offer`: requests these, and pushes from now on. */
  want: object({ ids }),
  /** Either side, after a duplicate `push`: requests offers instead of pushes from now on. */
  prune: object({}),
  /**
   * Either side, at intervals: summarises the held events in MESH_BUCKETS numbers of 48 bits. A bucket's number is the
   * XOR of the first 48 bits of the ids of its events; an author's bucket is the low four bits of the key's first
   * base64url digit.
   */
  digest: object({ buckets }),
  /** The answer to a different digest: lists the held events of these buckets. */
  summary: object({
    /** The buckets of this summary. The sender holds nothing of their other authors (see `complete`). */
    buckets: list(whole(0, MESH_BUCKETS - 1), 1, MESH_BUCKETS),
    /** Whether all authors of the buckets are named. */
    complete: flag,
    /** Whether it was sent because of a summary. */
    answer: flag,
    /** Both ends of each range are included. */
    authors: list(tuple<[author: AuthorKey, ends: number[]]>(key, rising), 0, MESH_SUMMARY_AUTHORS),
  }),
  /** Sent for events that a summary names and the sender lacks. One at a time per link. */
  fetch: object({
    ranges: list(
      where(tuple<[author: AuthorKey, from: number, to: number]>(key, count, count), ([, from, to]) => to >= from),
      1,
      MESH_FETCH_RANGES,
    ),
  }),
  /** Answer to `fetch`: the held ones of the requested events, up to the limits of a page; may be empty. */
  page: object({ events: list(carriedEvent, 0, MESH_PAGE_EVENTS) }),
  /** Either side, at intervals: the phones that the sender reaches. */
  peers: object({
    ...degree,
    /** `ageMs`: how long ago that phone was alive, as far as the sender knows. `hops`: links from the sender to it. */
    peers: list(
      tuple<[peer: AuthorKey, ageMs: number, hops: number]>(key, whole(0, AGE_MAX_MS), whole(1, MESH_HOPS_MAX)),
      0,
      MESH_PEERS_ROWS,
    ),
  }),
  /** Either side, towards the authors: receipts of this phone and of those behind it. Answered with `taken`. */
  receipts: object({ batch: count, receipts: list(receipt, 1, MESH_RECEIPTS_MAX) }),
  /** Answer to `receipts`. */
  taken: object({ batch: count }),
  /** Either side: signaling for a phone that the receiver reaches better. `from` signs the text; relays do not read it. */
  signal: object({ from: key, to: key, hopsLeft, text: text(MESH_SIGNAL_CHARS) }),
  /** Both, when the link is up if they hold any, and whenever these change: the operator's notices and withdrawals. */
  notices: object({ notices: list(wireEvent, 1, NOTICES_MAX) }),
  /** Either side, just before it ends the link. */
  goodbye: object({ reason: oneOf(...MESH_GOODBYES), peer: optional(key) }),
};

/** A frame of one `type`, or of any. */
export type MeshFrame<Type extends keyof typeof FRAMES = keyof typeof FRAMES> = Tagged<
  "type",
  Pick<typeof FRAMES, Type>
>;

/** Reads a linked phone's frame. An invalid one has no effect and counts against that phone. */
export function decodeMeshFrame(data: unknown) {
  return decodeFrame(data, MESH_FRAME_MAX_CHARS, FRAMES);
}

/** The text that a phone signs for a receipt. Its beginning differs from payloads and hellos: no signature fits both. */
export function receiptText(room: string, receipt: Omit<Receipt, "signature">): string {
  return JSON.stringify(["receipt", 1, room, receipt.phone, receipt.author, receipt.from, receipt.to]);
}
