/**
 * The data of /analytics: every number with its source. Pure; `GET /analytics/dashboard` answers it as JSON.
 */
import {
  type Dashboard,
  type DashboardRow,
  type MeshPicture,
  SERIES,
  type Series,
  type SeriesId,
  type Source,
  type Unit,
} from "../../protocol/reports/dashboard.ts";
import type { HealthAnswer } from "./health.ts";
import {
  type CounterName,
  COUNTERS,
  type HistogramName,
  HISTOGRAMS,
  KV_OPERATIONS,
  labelsOf,
  SERVER_TRANSPORTS,
} from "./figures.ts";
import { REPORTED_TRANSPORTS } from "../../protocol/reports/transport_report.ts";
import { countOf, type HistogramData, quantileMs } from "./histogram.ts";
import { addGauges, type HistoryView, type Slot } from "./history.ts";
import { add, counted, gauged, type Gauges, NO_TOTALS, timed, type Totals } from "./totals.ts";

export interface DashboardFacts {
  now: number;
  health: HealthAnswer;
  /** Of this instance, now. */
  gauges: Gauges;
  /** How long this instance runs, ms. */
  upForMs: number;
  history: HistoryView;
  /** CPU time per time, over about the last minute; undefined before the first measurement. */
  cpuShare: number | undefined;
}

const TEN_MINUTES_MS = 600_000;
/** No rate is shown for a shorter time: it would describe a moment rather than a minute. */
const RATE_MIN_MS = 10_000;
const UNKNOWN: Source = { kind: "unknown" };
const MEASURED: Source = { kind: "measured" };

/** The time and the instances that a row's values cover. */
type Scope = Pick<DashboardRow, "over" | "of">;
const LATELY: Scope = { over: "ten_minutes", of: "all" };
const NOW: Scope = { over: "now", of: "all" };
const NOW_HERE: Scope = { over: "now", of: "instance" };

export function dashboard(facts: DashboardFacts): Dashboard {
  const { health, now, history } = facts;
  const recent = history.minutes.filter(({ at }) => now - at <= TEN_MINUTES_MS);
  const lately = recent.reduce<Totals>(add, history.unseen);
  const everywhere = history.others.reduce((sum, { gauges }) => addGauges(sum, gauges), facts.gauges);
  const rows = rowsOf(lately, paceOf(recent, lately, facts));
  const { status, reasons, version, build, environment, platform, mode } = health;
  return {
    at: new Date(now).toISOString(),
    status,
    reasons,
    version,
    build,
    environment,
    platform,
    mode,
    groups: [
      {
        id: "now",
        rows: [
          gaugeRow("users", everywhere),
          gaugeRow("rooms", everywhere),
          gaugeRow("open_rooms", everywhere),
          rows.perMinute("messages_per_minute", "events_stored"),
          ...SERVER_TRANSPORTS.map((transport) => gaugeRow("connections", everywhere, transport)),
          one("instances", "count", 1 + history.others.length, NOW),
        ],
      },
      {
        id: "messages",
        rows: [rows.times("ack"), rows.times("fan_out"), rows.perMinute("deliveries_per_minute", "fan_out_events")],
      },
      {
        id: "delivery",
        rows: [
          ...SERVER_TRANSPORTS.map((transport) =>
            rows.share("probes", "probes_delivered", "probes_expected", transport)
          ),
          rows.share("peers_receipted", "client_peer_events_receipted", "client_peer_events"),
          ...SERVER_TRANSPORTS.map((transport) => rows.times("probe", transport)),
        ],
      },
      {
        id: "transports",
        rows: [
          ...SERVER_TRANSPORTS.map((transport) => shareOfConnections(everywhere, transport)),
          ...REPORTED_TRANSPORTS.map((transport) =>
            rows.shareOfAll("received_share", "client_events_received", transport)
          ),
          ...REPORTED_TRANSPORTS.map((transport) => rows.times("client_round_trip", transport)),
          ...REPORTED_TRANSPORTS.map((transport) => rows.tries(transport)),
          rows.times("client_stored"),
          rows.reported("client_fallbacks"),
          rows.reported("client_duplicates"),
        ],
      },
      {
        id: "refused",
        rows: [
          ...rows.byLabel("refusals"),
          ...rows.byLabel("goodbyes"),
          ...rows.byLabel("frame_problems"),
          rows.reported("client_refused"),
        ],
      },
      {
        id: "database",
        rows: [
          one("kv_ping", "ms", health.kvLatencyMs ?? undefined, NOW_HERE),
          ...KV_OPERATIONS.map((operation) => rows.perMinute("kv_per_minute", "kv_operations", operation)),
          ...KV_OPERATIONS.map((operation) => rows.times("kv", operation)),
          rows.total("kv_failures"),
        ],
      },
      {
        id: "process",
        rows: [
          rows.times("event_loop_lag"),
          one("resident_memory_bytes", "bytes", gauged(facts.gauges, "resident_memory_bytes"), NOW_HERE),
          one("heap_bytes", "bytes", gauged(facts.gauges, "heap_bytes"), NOW_HERE),
          one("database_bytes", "bytes", gauged(facts.gauges, "database_bytes"), NOW_HERE),
          one("disk_free_bytes", "bytes", gauged(facts.gauges, "disk_free_bytes"), NOW_HERE),
          one("cpu_share", "share", facts.cpuShare, NOW_HERE),
          ...SERVER_TRANSPORTS.flatMap((transport) => [
            rows.perSecond("received_bytes", transport),
            rows.perSecond("sent_bytes", transport),
          ]),
        ],
      },
      {
        id: "reports",
        rows: [
          rows.total("client_reports"),
          rows.total("client_reports_refused"),
          rows.total("log_lines", "warn"),
          rows.total("log_lines", "error"),
        ],
      },
    ],
    mesh: meshPicture(lately),
    series: SERIES.flatMap((id) => [
      seriesOf(id, "minute", history.minutes),
      seriesOf(id, "ten_minutes", withRecentTens(history)),
    ]),
  };
}

/** Counts and their span of time. Other instances report a minute only after its end. */
interface Pace {
  totals: Totals;
  forMs: number;
}

function paceOf(recent: readonly Slot[], lately: Totals, { now, upForMs, history: { others } }: DashboardFacts): Pace {
  const [first] = recent;
  // From the first recorded minute, or since this instance started.
  if (first === undefined || others.length === 0) {
    return { totals: lately, forMs: first === undefined ? Math.min(upForMs, TEN_MINUTES_MS) : now - first.at };
  }
  const end = Math.max(...recent.map(({ at, forMs }) => at + forMs));
  return { totals: recent.reduce<Totals>(add, NO_TOTALS), forMs: end - first.at };
}

// ---- rows ----

/** A row of one value; undefined: it is unknown. */
function one(
  id: string,
  unit: Unit,
  value: number | undefined,
  scope: Scope,
  label?: string,
  source = MEASURED,
): DashboardRow {
  return {
    id,
    ...label !== undefined && { label },
    unit,
    values: [{ name: "value", value: roundedOrNull(value) }],
    ...scope,
    source: value === undefined ? UNKNOWN : source,
  };
}

function gaugeRow(id: keyof Gauges, gauges: Gauges, label?: string): DashboardRow {
  return one(id, "count", gauged(gauges, id, label), NOW, label);
}

/** A share of `whole`; unknown when that is 0. */
function ratio(
  id: string,
  part: number,
  whole: number,
  kind: "measured" | "sampled",
  label?: string,
  scope = LATELY,
): DashboardRow {
  const share = whole === 0 ? undefined : Math.min(1, part / whole);
  return one(id, "share", share, scope, label, { kind, n: whole });
}

function shareOfConnections(gauges: Gauges, transport: string): DashboardRow {
  const [part, whole] = [gauged(gauges, "connections", transport) ?? 0, gauged(gauges, "connections") ?? 0];
  return ratio("connections_share", part, whole, "measured", transport, NOW);
}

/** Rows of the last ten minutes of all instances. */
function rowsOf(totals: Totals, pace: Pace) {
  const total = (name: CounterName, label?: string) => one(name, "count", counted(totals, name, label), LATELY, label);
  const rate = (name: CounterName, label: string | undefined, everyMs: number) =>
    pace.forMs < RATE_MIN_MS ? undefined : counted(pace.totals, name, label) / pace.forMs * everyMs;
  return {
    total,
    perMinute: (id: string, name: CounterName, label?: string) =>
      one(id, "per_minute", rate(name, label, 60_000), LATELY, label),
    perSecond: (name: CounterName, label: string) =>
      one(name, "bytes_per_second", rate(name, label, 1_000), LATELY, label),
    /** All counted labels; one row of 0 when there is none. */
    byLabel: (name: CounterName) => {
      const labels = Object.keys(totals.counters[name] ?? {});
      return labels.length === 0 ? [total(name)] : labels.map((label) => total(name, label));
    },
    times: (name: HistogramName, label?: string): DashboardRow => {
      const data = timed(totals, name, label);
      const n = countOf(data);
      const source: Source = n === 0 ? UNKNOWN : { kind: HISTOGRAMS[name].origin, n };
      return { ...one(name, "ms", undefined, LATELY, label), values: percentiles(data), source };
    },
    share: (id: string, part: CounterName, whole: CounterName, label?: string) =>
      ratio(id, counted(totals, part, label), counted(totals, whole, label), COUNTERS[whole].origin, label),
    shareOfAll: (id: string, name: CounterName, label: string) =>
      ratio(id, counted(totals, name, label), counted(totals, name), COUNTERS[name].origin, label),
    tries: (transport: string) => {
      const worked = counted(totals, "client_tries_worked", transport);
      const failed = counted(totals, "client_tries_failed", transport);
      return ratio("tries_worked", worked, worked + failed, "sampled", transport);
    },
    /** A count that pages reported, with the number of reports. */
    reported: (name: CounterName) => {
      const n = counted(totals, "client_reports");
      const count = n === 0 ? undefined : counted(totals, name);
      return one(name, "count", count, LATELY, undefined, { kind: "sampled", n });
    },
  };
}

function percentiles(data: HistogramData): DashboardRow["values"] {
  const of = (share: number) => roundedOrNull(quantileMs(data, share));
  return [{ name: "p50", value: of(0.5) }, { name: "p95", value: of(0.95) }, { name: "p99", value: of(0.99) }];
}

function roundedOrNull(value: number | undefined): number | null {
  return value === undefined ? null : rounded(value);
}

/** A bucket is no more precise than three digits. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(3));
}

// ---- mesh ----

function meshPicture(totals: Totals): MeshPicture {
  const byLinks = labelsOf(COUNTERS.client_mesh_links).map((links) => ({
    links,
    reports: counted(totals, "client_mesh_links", links),
  }));
  const n = byLinks.reduce((sum, { reports }) => sum + reports, 0);
  const reached = counted(totals, "client_mesh_reached"), missing = counted(totals, "client_mesh_missing");
  return {
    source: n === 0 ? UNKNOWN : { kind: "sampled", n },
    byLinks: n === 0 ? [] : byLinks,
    reachedShare: reached + missing === 0 ? null : rounded(reached / (reached + missing)),
  };
}

// ---- series ----

/** The last hour comes from minutes, which also cover an instance that ended within its ten minutes. */
function withRecentTens({ minutes, tens }: HistoryView): Slot[] {
  const byStart = new Map(tens.map((slot) => [slot.at, slot]));
  const recent = new Map<number, Slot>();
  for (const minute of minutes) {
    const at = Math.floor(minute.at / TEN_MINUTES_MS) * TEN_MINUTES_MS;
    const before = recent.get(at);
    recent.set(
      at,
      before === undefined ? { ...minute, at } : {
        ...add(before, minute),
        at,
        forMs: before.forMs + minute.forMs,
        gauges: minute.gauges,
        instances: minute.instances,
      },
    );
  }
  // The first one may be cut off at the hour.
  const [cut] = recent.keys();
  for (const [at, slot] of recent) if (at !== cut || !byStart.has(at)) byStart.set(at, slot);
  return [...byStart.values()].sort((a, b) => a.at - b.at);
}

const SERIES_OF: Record<SeriesId, { unit: Unit; valueOf(slot: Slot): number | undefined }> = {
  users: { unit: "count", valueOf: ({ gauges }) => gauged(gauges, "users") },
  connections: { unit: "count", valueOf: ({ gauges }) => gauged(gauges, "connections") },
  messages: {
    unit: "per_minute",
    valueOf: (slot) => slot.forMs > 0 ? counted(slot, "events_stored") / (slot.forMs / 60_000) : undefined,
  },
  ack: { unit: "ms", valueOf: (slot) => quantileMs(timed(slot, "ack"), 0.95) },
  delivered: {
    unit: "share",
    valueOf: (slot) => {
      const expected = counted(slot, "probes_expected");
      return expected === 0 ? undefined : counted(slot, "probes_delivered") / expected;
    },
  },
  kv: { unit: "ms", valueOf: (slot) => quantileMs(timed(slot, "kv"), 0.95) },
};

function seriesOf(id: SeriesId, step: Series["step"], slots: readonly Slot[]): Series {
  const { unit, valueOf } = SERIES_OF[id];
  const points = slots.map((slot) => ({ at: new Date(slot.at).toISOString(), value: roundedOrNull(valueOf(slot)) }));
  const measured = points.some(({ value }) => value !== null);
  return { id, unit, step, source: measured ? MEASURED : UNKNOWN, points };
}
