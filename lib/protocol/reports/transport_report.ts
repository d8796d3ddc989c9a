// Runs in browser and server.
/**
 * A report of a page's transports: counts and buckets of one stretch of time. It holds numbers only, so no id, room, name or
 * address can be in it. Rules: docs/PROTOCOL.md, "Transport reports".
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

/** Transports that are told of. */
export const REPORTED_TRANSPORTS = ["websocket", "polling", "p2p"] as const;
export type ReportedTransport = (typeof REPORTED_TRANSPORTS)[number];

export const TRANSPORT_REPORT_VERSION = 1;
export const TRANSPORT_REPORT_MAX_BYTES = 4_096;
/** Highest count of anything in one report: no page makes the figures of all others meaningless. */
export const REPORT_MAX_COUNT = 1_000;
/** Longest time that one report is about, ms. */
export const REPORT_MAX_MS = 3_600_000;
/** Links of one page are counted up to this; more are this many. */
export const REPORT_MAX_LINKS = 8;

export interface TransportFigures {
  /** From a question to its answer. */
  roundTrips: BucketCounts;
  /** Connections or links that came up, and that did not. */
  worked: number;
  failed: number;
  /** Events of others that came this way first. */
  received: number;
}

export interface TransportReport {
  version: typeof TRANSPORT_REPORT_VERSION;
  /** The time all this is about, ms. */
  forMs: number;
  transports: Record<ReportedTransport, TransportFigures>;
  /** Times the connection went from WebSocket to polling. */
  fallbacks: number;
  /** My messages, from their sending to "stored". */
  stored: BucketCounts;
  /** My messages that were turned away for good. */
  refused: number;
  /** Events that came although they were here. */
  duplicates: number;
  /** My events that went to peers, and those of which a peer signed a receipt, some of them of the time before. */
  toPeers: number;
  receipted: number;
  /** The page's place in the mesh at the end of that time; absent where it has none. */
  mesh?: { links: number; reached: number; missing: number };
}

/** The answer to `GET /api/reports`: the share of pages that report, and how often. */
export interface ReportRules {
  /** Share of pages that report, 0 to 1; which ones, each page draws by itself. */
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
/** Pairs with rising buckets. Whichever pair is wrong, the list is named. */
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

/** Reads a report. Strict: an unknown, missing or too large field refuses all of it, and is named. */
export function readTransportReport(value: unknown): { report: TransportReport } | { field: string } {
  const read = check(report, value);
  return read.ok ? { report: read.value } : { field: read.field || "report" };
}
