// Runs in browser and server.
/**
 * A report of a page's transports: counts and buckets of one period. It holds numbers only, so it cannot contain an id,
 * room, name or address. Rules: docs/PROTOCOL.md, "Transport reports".
 */
import {
  BadField,
  check,
  count,
  exactly,
  list,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  readOr,
  tuple,
  whole,
} from "../fields.ts";
import { BUCKET_COUNT, type BucketCounts } from "./latency_buckets.ts";

/** Transports in a report. */
export const REPORTED_TRANSPORTS = ["websocket", "polling", "p2p"] as const;
export type ReportedTransport = (typeof REPORTED_TRANSPORTS)[number];

export const TRANSPORT_REPORT_VERSION = 1;
export const TRANSPORT_REPORT_MAX_BYTES = 4_096;
/** Highest count in one report, so that no page distorts the figures of all others. */
export const REPORT_MAX_COUNT = 1_000;
/** Longest period of one report, ms. */
export const REPORT_MAX_MS = 3_600_000;
/** Highest number of links of one page; more count as this many. */
export const REPORT_MAX_LINKS = 8;

const reportRules = object({
  /** Share of pages that report, 0 to 1; each page draws for itself. */
  share: ((value, field) => {
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) throw new BadField(field);
    return value;
  }) as Reader<number>,
  everyMs: count,
});

/** The answer to `GET /api/reports`: the share of pages that report, and how often. */
export type ReportRules = Read<typeof reportRules>;

/** Reads the answer; undefined if it is invalid. */
export function readReportRules(value: unknown): ReportRules | undefined {
  return readOr(reportRules, value);
}

const times = whole(0, REPORT_MAX_COUNT);
const bucketPairs = list(tuple<[number, number]>(whole(0, BUCKET_COUNT - 1), times), 0, BUCKET_COUNT);
/** Pairs with rising buckets. An error in any pair names the list. */
const buckets: Reader<BucketCounts> = (value, field) => {
  const pairs = readOr(bucketPairs, value);
  if (pairs === undefined || pairs.some(([bucket], at) => at > 0 && bucket <= pairs[at - 1]![0])) {
    throw new BadField(field);
  }
  return pairs;
};
const figures = exactly({
  /** From a request to its answer. */
  roundTrips: buckets,
  /** Successful and failed connections or links. */
  worked: times,
  failed: times,
  /** Events of others that arrived over this transport first. */
  received: times,
});
export type TransportFigures = Read<typeof figures>;

const report = exactly({
  version: oneOf(TRANSPORT_REPORT_VERSION),
  /** The period of the report, ms. */
  forMs: whole(0, REPORT_MAX_MS),
  transports: exactly({ websocket: figures, polling: figures, p2p: figures }),
  /** Moves of the connection from WebSocket to polling. */
  fallbacks: times,
  /** Own messages, from sending to "stored". */
  stored: buckets,
  /** Own messages that were refused for good. */
  refused: times,
  /** Duplicate events. */
  duplicates: times,
  /** Own events sent to peers, and those with a peer's signed receipt, some of them from the period before. */
  toPeers: times,
  receipted: times,
  /** The page's place in the mesh at the end of the period; absent without one. */
  mesh: optional(exactly({ links: whole(0, REPORT_MAX_LINKS), reached: times, missing: times })),
});
export type TransportReport = Read<typeof report>;

/** Reads a report. Strict: an unknown, missing or too large field refuses the whole report, and is named. */
export function readTransportReport(value: unknown): { report: TransportReport } | { field: string } {
  const read = check(report, value);
  return read.ok ? { report: read.value } : { field: read.field || "report" };
}
