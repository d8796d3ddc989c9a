// Runs in browser and server.
/** The answer to `GET /analytics/dashboard`, which /analytics shows: every number comes with its source. */

/**
 * `measured`: complete, by this server; `n`: the number of cases behind a share or percentile. `sampled`: from `n` cases
 * in pages' unsigned reports. `unknown`: not measured, without a value.
 */
export type Source = { kind: "measured"; n?: number } | { kind: "sampled"; n: number } | { kind: "unknown" };

export type Unit = "count" | "per_minute" | "ms" | "share" | "bytes" | "bytes_per_second";

/** The scope of values: this moment or the last ten minutes; this instance or all that share the database. */
export type Over = "now" | "ten_minutes";
export type Of = "instance" | "all";

export interface DashboardRow {
  id: string;
  /** Distinguishes rows of the same id: a transport, a reason, an operation. */
  label?: string;
  unit: Unit;
  /** One value, or p50, p95 and p99. */
  values: readonly { name: "value" | "p50" | "p95" | "p99"; value: number | null }[];
  over: Over;
  of: Of;
  source: Source;
}

export interface Series {
  id: SeriesId;
  unit: Unit;
  step: "minute" | "ten_minutes";
  source: Source;
  /** Null: nothing was measured in that period. */
  points: readonly { at: string; value: number | null }[];
}

export type GroupId = "now" | "messages" | "delivery" | "transports" | "refused" | "database" | "process" | "reports";
export const SERIES = ["users", "connections", "messages", "ack", "delivered", "kv"] as const;
export type SeriesId = (typeof SERIES)[number];

export interface MeshPicture {
  source: Source;
  /** The number of reports from pages with 0, 1, 2, … links. */
  byLinks: readonly { links: string; reports: number }[];
  /** The share of the people in their rooms whom peers reach. */
  reachedShare: number | null;
}

export interface Dashboard {
  /** ISO 8601. */
  at: string;
  status: "ok" | "degraded" | "down";
  reasons: readonly string[];
  version: string;
  build: string;
  environment: string;
  platform: string;
  mode: string;
  groups: readonly { id: GroupId; rows: readonly DashboardRow[] }[];
  mesh: MeshPicture;
  series: readonly Series[];
}
