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

export interface TransportFigures {
  /** From a request to its answer. */
  roundTrips: BucketCounts;
  /** Successful and failed connections or links. */
  worked: number;
  failed: number;
  /** Events of others that arrived over this transport first. */
  received: number;
}

export interface TransportReport {
  version: typeof TRANSPORT_REPORT_VERSION;
  /** The period of the report, ms. */
  forMs: number;
  transports: Record<ReportedTransport, TransportFigures>;
  /** Moves of the connection from WebSocket to polling. */
  fallbacks: number;
  /** Own messages, from sending to "stored". */
  stored: BucketCounts;
  /** Own messages that were refused for good. */
  refused: number;
  /** Duplicate events. */
  duplicates: number;
  /** Own events sent to peers, and those with a peer's signed receipt, some of them from the period before. */
  toPeers: number;
  receipted: number;
  /** The page's place in the mesh at the end of the period; absent without one. */
  mesh?: { links: number; reached: number; missing: number };
}

/** The answer to `GET /api/reports`: the share of pages that report, and how often. */
export interface ReportRules {
  /** Share of pages that report, 0 to 1; each page draws for itself. */
  share: number;
  everyMs: number;
}

const reportRules = object({
  share: ((value, field) => {
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) throw new BadField(field);
    return value;
  }) as Reader<number>,
  everyMs: count,
});

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
const figures = exactly({ roundTrips: buckets, worked: times, failed: times, received: times });
const report: Reader<TransportReport> = exactly({
  version: oneOf(TRANSPORT_REPORT_VERSION),
  forMs: whole(0, REPORT_MAX_MS),
  transports: exactly({ websocket: figures, polling: figures, p2p: figures }),
  fallbacks: times,
  stored: buckets,
  refused: times,
  duplicates: times,
  toPeers: times,
  receipted: times,
  mesh: optional(exactly({ links: whole(0, REPORT_MAX_LINKS), reached: times, missing: times })),
});

/** Reads a report. Strict: an unknown, missing or too large field refuses the whole report, and is named. */
export function readTransportReport(value: unknown): { report: TransportReport } | { field: string } {
  const read = check(report, value);
  return read.ok ? { report: read.value } : { field: read.field || "report" };
}
