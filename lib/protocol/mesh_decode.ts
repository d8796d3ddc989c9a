// Runs in browser and simulator.
/**
 * The one door through which another phone's text becomes a frame. Every field and size is checked and a new object is
 * built from the checked fields, so nobody behind the door validates or casts.
 */
import { isCount, isRecord, type WireEvent } from "./event.ts";
import { EVENT_PAYLOAD_MAX_BYTES, NOTICES_MAX } from "./limits.ts";
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
  type Receipt,
} from "./mesh_frames.ts";
import { isWellFormed } from "./well_formed.ts";

/** Why another phone's data is no frame. Nothing else happens, but it is counted against that phone. */
export type MeshFrameProblem = "not_text" | "too_large" | "not_json" | "unknown_type" | "bad_field";

export type DecodedMeshFrame =
  | { ok: true; frame: MeshFrame }
  | { ok: false; problem: MeshFrameProblem; field?: string };

/** Thrown inside the decoder only: the name of the first wrong field. */
class BadField extends Error {}

/** Highest number a digest's bucket has: 48 bits. */
const BUCKET_MAX = 2 ** 48 - 1;
/**
 * The canonical base64url texts of so many bytes, as `isBase64UrlOf` says: the last letter's spare bits are zero. Ids and
 * keys are most of what phones tell each other, and a pattern reads them several times faster.
 */
const BASE64URL = {
  16: /^[A-Za-z0-9_-]{21}[AQgw]$/,
  32: /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/,
  64: /^[A-Za-z0-9_-]{85}[AQgw]$/,
};
/** Oldest `ageMs` that is told: a day. */
const AGE_MAX_MS = 86_400_000;

/** Reads what a linked phone sent. */
export function decodeMeshFrame(data: unknown): DecodedMeshFrame {
  if (typeof data !== "string") return { ok: false, problem: "not_text" };
  if (data.length > MESH_FRAME_MAX_CHARS) return { ok: false, problem: "too_large" };
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { ok: false, problem: "not_json" };
  }
  if (!isRecord(value)) return { ok: false, problem: "unknown_type" };
  try {
    const frame = read(value);
    return frame === undefined ? { ok: false, problem: "unknown_type" } : { ok: true, frame };
  } catch (error) {
    if (error instanceof BadField) return { ok: false, problem: "bad_field", field: error.message };
    throw error;
  }
}

function read(fields: Record<string, unknown>): MeshFrame | undefined {
  const { type } = fields;
  switch (type) {
    case "hello":
      return {
        type,
        version: whole(fields.version, "version", 1),
        links: whole(fields.links, "links", 0, MESH_LINKS_MAX),
        maxLinks: whole(fields.maxLinks, "maxLinks", 0, MESH_LINKS_MAX),
        buckets: buckets(fields.buckets),
      };
    case "push":
      return {
        type,
        event: wireEvent(fields.event),
        hopsLeft: whole(fields.hopsLeft, "hopsLeft", 0, MESH_HOPS_MAX),
        copies: whole(fields.copies, "copies", 0, MESH_COPIES_MAX),
        asked: flag(fields.asked, "asked"),
      };
    case "offer":
    case "held":
    case "want":
      return { type, ids: list(fields.ids, "ids", 1, MESH_IDS_MAX, id) };
    case "prune":
      return { type };
    case "notices":
      return { type, notices: list(fields.notices, "notices", 1, NOTICES_MAX, wireEvent) };
    case "digest":
      return { type, buckets: buckets(fields.buckets) };
    case "summary":
      return {
        type,
        buckets: list(
          fields.buckets,
          "buckets",
          1,
          MESH_BUCKETS,
          (value, field) => whole(value, field, 0, MESH_BUCKETS - 1),
        ),
        complete: flag(fields.complete, "complete"),
        answer: flag(fields.answer, "answer"),
        authors: list(fields.authors, "authors", 0, MESH_SUMMARY_AUTHORS, (value, field) => {
          const [key, ends] = tuple(value, field, 2);
          return [author(key, field), rising(ends, `${field}[1]`)];
        }),
      };
    case "fetch":
      return {
        type,
        ranges: list(fields.ranges, "ranges", 1, MESH_FETCH_RANGES, (value, field) => {
          const [key, from, to] = tuple(value, field, 3);
          const first = whole(from, field, 1);
          return [author(key, field), first, whole(to, field, first)];
        }),
      };
    case "page":
      return { type, events: list(fields.events, "events", 0, MESH_PAGE_EVENTS, carriedEvent) };
    case "peers":
      return {
        type,
        links: whole(fields.links, "links", 0, MESH_LINKS_MAX),
        maxLinks: whole(fields.maxLinks, "maxLinks", 0, MESH_LINKS_MAX),
        peers: list(fields.peers, "peers", 0, MESH_PEERS_ROWS, (value, field) => {
          const [key, ageMs, hops] = tuple(value, field, 3);
          return [author(key, field), whole(ageMs, field, 0, AGE_MAX_MS), whole(hops, field, 1, MESH_HOPS_MAX)];
        }),
      };
    case "receipts":
      return {
        type,
        batch: whole(fields.batch, "batch", 1),
        receipts: list(fields.receipts, "receipts", 1, MESH_RECEIPTS_MAX, receipt),
      };
    case "taken":
      return { type, batch: whole(fields.batch, "batch", 1) };
    case "signal":
      return {
        type,
        from: author(fields.from, "from"),
        to: author(fields.to, "to"),
        hopsLeft: whole(fields.hopsLeft, "hopsLeft", 0, MESH_HOPS_MAX),
        text: text(fields.text, "text", MESH_SIGNAL_CHARS),
      };
    case "goodbye": {
      const reason = MESH_GOODBYES.find((name) => name === fields.reason);
      if (reason === undefined) throw new BadField("reason");
      if (fields.peer === undefined) return { type, reason };
      return { type, reason, peer: author(fields.peer, "peer") };
    }
  }
}

function wireEvent(value: unknown): WireEvent {
  const [payload, signature] = tuple(value, "event", 2);
  return [payloadText(payload, "event[0]"), base64url(signature, "event[1]", 64)];
}

function carriedEvent(value: unknown, field: string): CarriedEvent {
  const [payload, signature, hopsLeft, copies] = tuple(value, field, 4);
  return [
    payloadText(payload, `${field}[0]`),
    base64url(signature, `${field}[1]`, 64),
    whole(hopsLeft, `${field}[2]`, 0, MESH_HOPS_MAX),
    whole(copies, `${field}[3]`, 0, MESH_COPIES_MAX),
  ];
}

function payloadText(value: unknown, field: string): string {
  const payload = text(value, field, EVENT_PAYLOAD_MAX_BYTES);
  if (payload === "") throw new BadField(field);
  return payload;
}

function receipt(value: unknown, field: string): Receipt {
  if (!isRecord(value)) throw new BadField(field);
  const from = whole(value.from, `${field}.from`, 1);
  return {
    phone: author(value.phone, `${field}.phone`),
    author: author(value.author, `${field}.author`),
    from,
    to: whole(value.to, `${field}.to`, from),
    signature: base64url(value.signature, `${field}.signature`, 64),
  };
}

function buckets(value: unknown): number[] {
  return list(value, "buckets", MESH_BUCKETS, MESH_BUCKETS, (item, field) => whole(item, field, 0, BUCKET_MAX));
}

/** from, to, from, to, …: each from after the last to, each to not before its from. */
function rising(value: unknown, field: string): number[] {
  const ends = list(value, field, 2, 2 * MESH_SUMMARY_RANGES, (item, name) => whole(item, name, 1));
  if (ends.length % 2 !== 0) throw new BadField(field);
  for (let at = 1; at < ends.length; at++) {
    const least = at % 2 === 1 ? ends[at - 1]! : ends[at - 1]! + 1;
    if (ends[at]! < least) throw new BadField(`${field}[${at}]`);
  }
  return ends;
}

function tuple(value: unknown, field: string, length: number): unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw new BadField(field);
  return value;
}

function list<Item>(
  value: unknown,
  field: string,
  min: number,
  max: number,
  readItem: (value: unknown, field: string) => Item,
): Item[] {
  if (!Array.isArray(value) || value.length < min || value.length > max) throw new BadField(field);
  return value.map((item: unknown, index) => readItem(item, `${field}[${index}]`));
}

function whole(value: unknown, field: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (value === 0 && min === 0) return 0;
  if (!isCount(value) || value < min || value > max) throw new BadField(field);
  return value;
}

function flag(value: unknown, field: string): boolean {
  if (typeof value !== "boolean") throw new BadField(field);
  return value;
}

function text(value: unknown, field: string, maxChars: number): string {
  if (typeof value !== "string" || value.length > maxChars || !isWellFormed(value)) throw new BadField(field);
  return value;
}

function author(value: unknown, field: string): string {
  return base64url(value, field, 32);
}

function id(value: unknown, field: string): string {
  return base64url(value, field, 16);
}

function base64url(value: unknown, field: string, byteLength: 16 | 32 | 64): string {
  if (typeof value !== "string" || !BASE64URL[byteLength].test(value)) throw new BadField(field);
  return value;
}
