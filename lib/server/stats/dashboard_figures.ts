/**
 * The data of /analytics: every number with its source. Pure; `GET /analytics/dashboard` answers it as JSON.
 */
import {
  type Dashboard,
  type DashboardRow,
  type MeshPicture,
  type Of,
  type Over,
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
          one("instances", "count", 1 + history.others.length, "now", "all"),
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
          health.kvLatencyMs === null
            ? {
              ...one("kv_ping", "ms", 0, "now", "instance"),
              values: [{ name: "value", value: null }],
              source: UNKNOWN,
            }
            : one("kv_ping", "ms", health.kvLatencyMs, "now", "instance"),
          ...KV_OPERATIONS.map((operation) => rows.perMinute("kv_per_minute", "kv_operations", operation)),
          ...KV_OPERATIONS.map((operation) => rows.times("kv", operation)),
          rows.total("kv_failures"),
        ],
      },
      {
        id: "process",
        rows: [
          rows.times("event_loop_lag"),
          gaugeRow("resident_memory_bytes", facts.gauges, undefined, "bytes", "instance"),
          gaugeRow("heap_bytes", facts.gauges, undefined, "bytes", "instance"),
          gaugeRow("database_bytes", facts.gauges, undefined, "bytes", "instance"),
          gaugeRow("disk_free_bytes", facts.gauges, undefined, "bytes", "instance"),
          known("cpu_share", "share", facts.cpuShare, "now", "instance"),
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

function one(id: string, unit: Unit, value: number, over: Over, of: Of, label?: string): DashboardRow {
  return {
    id,
    ...(label === undefined ? {} : { label }),
    unit,
    values: [{ name: "value", value: rounded(value) }],
    over,
    of,
    source: { kind: "measured" },
  };
}

function known(id: string, unit: Unit, value: number | undefined, over: Over, of: Of, label?: string): DashboardRow {
  const row = one(id, unit, value ?? 0, over, of, label);
  return value === undefined ? { ...row, values: [{ name: "value", value: null }], source: UNKNOWN } : row;
}

function gaugeRow(
  id: keyof Gauges,
  gauges: Gauges,
  label?: string,
  unit: Unit = "count",
  of: Of = "all",
): DashboardRow {
  return known(id, unit, gauged(gauges, id, label), "now", of, label);
}

function shareOfConnections(gauges: Gauges, transport: string): DashboardRow {
  const all = gauged(gauges, "connections") ?? 0;
  const row = known(
    "connections_share",
    "share",
    all === 0 ? undefined : (gauged(gauges, "connections", transport) ?? 0) / all,
    "now",
    "all",
    transport,
  );
  return row.source.kind === "unknown" ? row : { ...row, source: { kind: "measured", n: all } };
}

/** Rows of the last ten minutes of all instances. */
function rowsOf(totals: Totals, pace: Pace) {
  const total = (name: CounterName, label?: string): DashboardRow =>
    one(name, "count", counted(totals, name, label), "ten_minutes", "all", label);
  const ratio = (
    id: string,
    part: number,
    whole: number,
    kind: "measured" | "sampled",
    label?: string,
  ): DashboardRow => {
    const row = known(id, "share", whole === 0 ? undefined : Math.min(1, part / whole), "ten_minutes", "all", label);
    return whole === 0 ? row : { ...row, source: { kind, n: whole } };
  };
  const rate = (name: CounterName, label: string | undefined, everyMs: number) =>
    pace.forMs < RATE_MIN_MS ? undefined : counted(pace.totals, name, label) / pace.forMs * everyMs;
  return {
    total,
    perMinute: (id: string, name: CounterName, label?: string): DashboardRow =>
      known(id, "per_minute", rate(name, label, 60_000), "ten_minutes", "all", label),
    perSecond: (name: CounterName, label: string): DashboardRow =>
      known(name, "bytes_per_second", rate(name, label, 1_000), "ten_minutes", "all", label),
    /** All counted labels; one row of 0 when there is none. */
    byLabel: (name: CounterName): DashboardRow[] => {
      const labels = Object.keys(totals.counters[name] ?? {});
      return labels.length === 0 ? [total(name)] : labels.map((label) => total(name, label));
    },
    times: (name: HistogramName, label?: string): DashboardRow => {
      const data = timed(totals, name, label);
      const n = countOf(data);
      return {
        id: name,
        ...(label === undefined ? {} : { label }),
        unit: "ms",
        values: percentiles(data),
        over: "ten_minutes",
        of: "all",
        source: n === 0 ? UNKNOWN : { kind: HISTOGRAMS[name].origin, n },
      };
    },
    share: (id: string, part: CounterName, whole: CounterName, label?: string): DashboardRow =>
      ratio(
        id,
        counted(totals, part, label),
        counted(totals, whole, label),
        id === "probes" ? "measured" : "sampled",
        label,
      ),
    shareOfAll: (id: string, name: CounterName, label: string): DashboardRow =>
      ratio(id, counted(totals, name, label), counted(totals, name), "sampled", label),
    tries: (transport: string): DashboardRow => {
      const worked = counted(totals, "client_tries_worked", transport);
      return ratio(
        "tries_worked",
        worked,
        worked + counted(totals, "client_tries_failed", transport),
        "sampled",
        transport,
      );
    },
    /** A count that pages reported, with the number of reports. */
    reported: (name: CounterName): DashboardRow => {
      const n = counted(totals, "client_reports");
      const row = known(name, "count", n === 0 ? undefined : counted(totals, name), "ten_minutes", "all");
      return n === 0 ? row : { ...row, source: { kind: "sampled", n } };
    },
  };
}

function percentiles(data: HistogramData): DashboardRow["values"] {
  const of = (share: number) => {
    const ms = quantileMs(data, share);
    return ms === undefined ? null : rounded(ms);
  };
  return [{ name: "p50", value: of(0.5) }, { name: "p95", value: of(0.95) }, { name: "p99", value: of(0.99) }];
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

const SERIES_UNITS: Record<SeriesId, Unit> = {
  users: "count",
  connections: "count",
  messages: "per_minute",
  ack: "ms",
  delivered: "share",
  kv: "ms",
};

function seriesOf(id: SeriesId, step: Series["step"], slots: readonly Slot[]): Series {
  const points = slots.map((slot) => {
    const value = pointOf(id, slot);
    return { at: new Date(slot.at).toISOString(), value: value === undefined ? null : rounded(value) };
  });
  const measured = points.some(({ value }) => value !== null);
  return { id, unit: SERIES_UNITS[id], step, source: measured ? { kind: "measured" } : UNKNOWN, points };
}

function pointOf(id: SeriesId, slot: Slot): number | undefined {
  switch (id) {
    case "users":
    case "connections":
      return gauged(slot.gauges, id);
    case "messages":
      return slot.forMs > 0 ? counted(slot, "events_stored") / (slot.forMs / 60_000) : undefined;
    case "ack":
    case "kv":
      return quantileMs(timed(slot, id), 0.95);
    case "delivered": {
      const expected = counted(slot, "probes_expected");
      return expected === 0 ? undefined : counted(slot, "probes_delivered") / expected;
    }
  }
}
