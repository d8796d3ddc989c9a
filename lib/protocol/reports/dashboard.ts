// Runs in browser and server.
/** The answer to `GET /analytics/dashboard`, which /analytics shows: every number comes with its source. */

/**
 * `measured`: by this server, all of it; `n`: of so many cases, where it is a share or a percentile. `sampled`: from `n`
 * cases that pages reported, unsigned. `unknown`: nothing was measured, and there is no value.
 */
export type Source = { kind: "measured"; n?: number } | { kind: "sampled"; n: number } | { kind: "unknown" };

export type Unit = "count" | "per_minute" | "ms" | "share" | "bytes" | "bytes_per_second";

/** The scope of values: this moment or the last ten minutes; this instance or all that share the database. */
export type Over = "now" | "ten_minutes";
export type Of = "instance" | "all";

export interface DashboardRow {
  id: string;
  /** The one of several rows of this id: a transport, a reason, an operation. */
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
  /** Null: nothing was measured in that stretch. */
  points: readonly { at: string; value: number | null }[];
}

export type GroupId = "now" | "messages" | "delivery" | "transports" | "refused" | "database" | "process" | "reports";
export const SERIES = ["users", "connections", "messages", "ack", "delivered", "kv"] as const;
export type SeriesId = (typeof SERIES)[number];

export interface MeshPicture {
  source: Source;
  /** How many reports came from pages with 0, 1, 2, … links. */
  byLinks: readonly { links: string; reports: number }[];
  /** Of the people in their rooms, the share that peers reach. */
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
