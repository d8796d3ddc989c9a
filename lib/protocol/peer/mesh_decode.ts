// Runs in browser and simulator.
/** Decoder of what linked phones send. */
import type { AuthorKey, WireEvent } from "../event.ts";
import {
  BadField,
  count,
  type Decoded,
  decodeFrame,
  flag,
  type FrameReaders,
  id,
  key,
  list,
  object,
  oneOf,
  optional,
  type Reader,
  signature,
  text,
  tuple,
  where,
  whole,
} from "../fields.ts";
import { EVENT_PAYLOAD_MAX_BYTES, NOTICES_MAX } from "../limits.ts";
import {
  type CarriedEvent,
  MESH_BUCKETS,
  MESH_COPIES_MAX,
  MESH_FETCH_RANGES,
  MESH_FRAME_MAX_CHARS,
  MESH_GOODBYES,
  MESH_HOPS_MAX,
  MESH_IDS_MAX,
  MESH_LINKS_MAX,
  MESH_PAGE_EVENTS,
  MESH_PEERS_ROWS,
  MESH_RECEIPTS_MAX,
  MESH_SIGNAL_CHARS,
  MESH_SUMMARY_AUTHORS,
  MESH_SUMMARY_RANGES,
  type MeshFrame,
} from "./mesh_frames.ts";

/** Why another phone's data is no frame. Nothing else happens, but it is counted against that phone. */
export type MeshFrameProblem = "not_text" | "too_large" | "not_json" | "unknown_type" | "bad_field";

/** Highest number a digest's bucket has: 48 bits. */
const BUCKET_MAX = 2 ** 48 - 1;
/** Oldest `ageMs` that is told: a day. */
const AGE_MAX_MS = 86_400_000;

const payload = where(text(EVENT_PAYLOAD_MAX_BYTES), (payload) => payload !== "");
const wireEvent = tuple<WireEvent>(payload, signature);
const buckets = list(whole(0, BUCKET_MAX), MESH_BUCKETS, MESH_BUCKETS);
const links = whole(0, MESH_LINKS_MAX);
const hopsLeft = whole(0, MESH_HOPS_MAX);
const copies = whole(0, MESH_COPIES_MAX);
const ids = list(id, 1, MESH_IDS_MAX);

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

const FRAMES: FrameReaders<MeshFrame> = {
  hello: object({ version: count, links, maxLinks: links, buckets }),
  push: object({ event: wireEvent, hopsLeft, copies, asked: flag }),
  offer: object({ ids }),
  held: object({ ids }),
  want: object({ ids }),
  prune: object({}),
  notices: object({ notices: list(wireEvent, 1, NOTICES_MAX) }),
  digest: object({ buckets }),
  summary: object({
    buckets: list(whole(0, MESH_BUCKETS - 1), 1, MESH_BUCKETS),
    complete: flag,
    answer: flag,
    authors: list(tuple<[AuthorKey, number[]]>(key, rising), 0, MESH_SUMMARY_AUTHORS),
  }),
  fetch: object({
    ranges: list(
      where(tuple<[AuthorKey, number, number]>(key, count, count), ([, from, to]) => to >= from),
      1,
      MESH_FETCH_RANGES,
    ),
  }),
  page: object({ events: list(tuple<CarriedEvent>(payload, signature, hopsLeft, copies), 0, MESH_PAGE_EVENTS) }),
  peers: object({
    links,
    maxLinks: links,
    peers: list(
      tuple<[AuthorKey, number, number]>(key, whole(0, AGE_MAX_MS), whole(1, MESH_HOPS_MAX)),
      0,
      MESH_PEERS_ROWS,
    ),
  }),
  receipts: object({
    batch: count,
    receipts: list(
      where(object({ phone: key, author: key, from: count, to: count, signature }), ({ from, to }) => to >= from),
      1,
      MESH_RECEIPTS_MAX,
    ),
  }),
  taken: object({ batch: count }),
  signal: object({ from: key, to: key, hopsLeft, text: text(MESH_SIGNAL_CHARS) }),
  goodbye: object({ reason: oneOf(...MESH_GOODBYES), peer: optional(key) }),
};

/** Reads what a linked phone sent. */
export function decodeMeshFrame(data: unknown): Decoded<MeshFrame, MeshFrameProblem> {
  return decodeFrame(data, MESH_FRAME_MAX_CHARS, FRAMES);
}
