// Runs in browser and server.
/**
 * What a page may tell of its transports: counts and buckets of one stretch of time. No id, no room, no name, no address is
 * in it, and none can be: it has numbers only. Rules: docs/PROTOCOL.md, "Transport reports".
 */
import { isCount, isRecord } from "../event.ts";
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

/** What `GET /api/reports` answers: who reports, and how often. */
export interface ReportRules {
  /** Share of pages that report, 0 to 1; which ones, each page draws by itself. */
  share: number;
  everyMs: number;
}

export function readReportRules(value: unknown): ReportRules | undefined {
  if (!isRecord(value)) return undefined;
  const { share, everyMs } = value;
  if (typeof share !== "number" || !(share >= 0 && share <= 1) || !isCount(everyMs)) return undefined;
  return { share, everyMs };
}

/** Reads a report. Strict: an unknown, missing or too large field refuses all of it, and is named. */
export function readTransportReport(value: unknown): { report: TransportReport } | { field: string } {
  const wrong: string[] = [];
  const fields = (value: unknown, at: string, names: readonly string[], optional: readonly string[] = []) => {
    const record: Record<string, unknown> = isRecord(value) ? value : {};
    if (!isRecord(value)) wrong.push(at || "report");
    for (const name of Object.keys(record)) {
      if (!names.includes(name) && !optional.includes(name)) wrong.push(join(at, "unknown"));
    }
    return record;
  };
  const count = (value: unknown, at: string, max = REPORT_MAX_COUNT): number => {
    if (value === 0 || (isCount(value) && value <= max)) return value;
    wrong.push(at);
    return 0;
  };
  const buckets = (value: unknown, at: string): BucketCounts => {
    const list: unknown[] = Array.isArray(value) && value.length <= BUCKET_COUNT ? value : [];
    if (!Array.isArray(value) || value.length > BUCKET_COUNT) wrong.push(at);
    let last = -1;
    return list.map((pair): [number, number] => {
      const [bucket, times]: unknown[] = Array.isArray(pair) && pair.length === 2 ? pair : [];
      const read = count(bucket, at, BUCKET_COUNT - 1);
      if (read <= last) wrong.push(at);
      last = read;
      return [read, count(times, at)];
    });
  };

  const top = fields(
    value,
    "",
    ["version", "forMs", "transports", "fallbacks", "stored", "refused", "duplicates", "toPeers", "receipted"],
    ["mesh"],
  );
  if (top.version !== TRANSPORT_REPORT_VERSION) wrong.push("version");
  const transports = fields(top.transports, "transports", REPORTED_TRANSPORTS);
  const transport = (name: ReportedTransport): TransportFigures => {
    const at = `transports.${name}`;
    const figures = fields(transports[name], at, ["roundTrips", "worked", "failed", "received"]);
    return {
      roundTrips: buckets(figures.roundTrips, `${at}.roundTrips`),
      worked: count(figures.worked, `${at}.worked`),
      failed: count(figures.failed, `${at}.failed`),
      received: count(figures.received, `${at}.received`),
    };
  };
  const report: TransportReport = {
    version: TRANSPORT_REPORT_VERSION,
    forMs: count(top.forMs, "forMs", REPORT_MAX_MS),
    transports: { websocket: transport("websocket"), polling: transport("polling"), p2p: transport("p2p") },
    fallbacks: count(top.fallbacks, "fallbacks"),
    stored: buckets(top.stored, "stored"),
    refused: count(top.refused, "refused"),
    duplicates: count(top.duplicates, "duplicates"),
    toPeers: count(top.toPeers, "toPeers"),
    receipted: count(top.receipted, "receipted"),
  };
  if (top.mesh !== undefined) {
    const mesh = fields(top.mesh, "mesh", ["links", "reached", "missing"]);
    report.mesh = {
      links: count(mesh.links, "mesh.links", REPORT_MAX_LINKS),
      reached: count(mesh.reached, "mesh.reached"),
      missing: count(mesh.missing, "mesh.missing"),
    };
  }
  return wrong.length > 0 ? { field: wrong[0]! } : { report };
}

function join(at: string, name: string): string {
  return at === "" ? name : `${at}.${name}`;
}
