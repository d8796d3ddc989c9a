// Runs in browser and server.
/** The texts of the analytics page. */
import type { Dashboard, GroupId, Of, Over, SeriesId, Source, Unit } from "../../protocol/reports/dashboard.ts";

export const analyticsTexts = {
  title: "Analytics",
  app: "Festival Chat",
  operator: "Operator",
  version: "version",
  build: "build",
  status: { ok: "All is well", degraded: "Degraded", down: "Down" } satisfies Record<Dashboard["status"], string>,
  updated: "Updated",
  stale: "The server isn't answering. These are its last figures.",
  ranges: { hour: "Last hour", day: "24 hours" },
  rangeLabel: "Time range of the charts",
  charts: "Over time",
  values: "Values",
  time: "Time",
  none: "no data",
  unknown: "unknown",
  latest: "latest",
  highest: "highest",
  groups: {
    now: "Now",
    messages: "Messages",
    delivery: "Delivery",
    transports: "Transports",
    refused: "Refusals and closed connections",
    database: "Database",
    process: "Process",
    reports: "Reports and log",
  } satisfies Record<GroupId, string>,
  hints: {
    delivery:
      "The server sends itself signed messages over every transport and waits for them. Between phones, signed receipts count.",
    transports: "Shares of connections are measured here. Some pages report the rest, unsigned.",
  } as Partial<Record<GroupId, string>>,
  rows: {
    users: "People in rooms",
    rooms: "Rooms stored",
    open_rooms: "Open rooms",
    messages_per_minute: "Messages per minute",
    connections: "Connections",
    instances: "Instances",
    ack: "From arrival to stored",
    fan_out: "From stored to the last connection",
    deliveries_per_minute: "Deliveries per minute",
    probes: "Probes delivered",
    peers_receipted: "Sent to phones with a receipt",
    probe: "Delivery time of probes",
    connections_share: "Share of connections",
    received_share: "Share of events received by pages",
    client_round_trip: "Round trip",
    tries_worked: "Successful connections",
    client_stored: "From sending to stored, as pages report",
    client_fallbacks: "Fallbacks to polling",
    client_duplicates: "Received twice",
    refusals: "Messages refused",
    goodbyes: "Connections closed by the server",
    frame_problems: "Rejected frames",
    client_refused: "Refused for good, as pages report",
    kv_ping: "One read, now",
    kv_per_minute: "Calls per minute",
    kv: "Call duration",
    kv_failures: "Failed calls",
    event_loop_lag: "Event loop lag",
    resident_memory_bytes: "Process memory",
    heap_bytes: "Heap in use",
    database_bytes: "Database on disk",
    disk_free_bytes: "Free disk space",
    cpu_share: "CPU, share of one core",
    received_bytes: "Received",
    sent_bytes: "Sent",
    client_reports: "Transport reports accepted",
    client_reports_refused: "Transport reports rejected",
    log_lines: "Log lines",
  } as Record<string, string>,
  labels: {
    websocket: "WebSocket",
    polling: "Polling",
    p2p: "Phone to phone",
    read: "reads",
    list: "lists",
    commit: "commits",
    warn: "warnings",
    error: "errors",
  } as Record<string, string>,
  series: {
    users: "People in rooms",
    connections: "Connections",
    messages: "Messages per minute",
    ack: "Time to stored, p95",
    delivered: "Probes delivered",
    kv: "Database calls, p95",
  } satisfies Record<SeriesId, string>,
  mesh: {
    title: "Mesh",
    picture: "Pages by number of links",
    drawnFrom:
      "Each dot is one report of the last ten minutes, with a ray for each link of its page; a page may have sent several. Reports name neither rooms nor people, so links between pages are unknown and not drawn.",
    unknown: "No page reported a mesh in the last ten minutes.",
    reached: "Share of people in the room reached through peers",
    links: "Links",
    pages: "Reports",
    more: (count: number) => `and ${count.toLocaleString("en")} more`,
  },
  over: { now: "now", ten_minutes: "10 min" } satisfies Record<Over, string>,
  of: { instance: "this instance", all: "all instances" } satisfies Record<Of, string>,
  sources: { measured: "measured", sampled: "sampled", unknown: "unknown" } satisfies Record<Source["kind"], string>,
};

const t = analyticsTexts;

/** “sampled, n 214”. */
export function sourceText(source: Source): string {
  const word = t.sources[source.kind];
  return "n" in source && source.n !== undefined ? `${word}, n ${source.n.toLocaleString("en")}` : word;
}

/** A value as people read it; “unknown” where nothing was measured. */
export function valueText(value: number | null, unit: Unit): string {
  if (value === null) return t.unknown;
  switch (unit) {
    case "count":
      return value.toLocaleString("en");
    case "per_minute":
      return value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });
    case "ms":
      return value < 10_000
        ? `${value.toLocaleString("en", { maximumSignificantDigits: 3 })} ms`
        : `${Math.round(value / 1_000)} s`;
    case "share":
      return `${(100 * value).toLocaleString("en", { maximumFractionDigits: value > 0.99 && value < 1 ? 2 : 1 })} %`;
    case "bytes":
      return `${bytesText(value)}`;
    case "bytes_per_second":
      return `${bytesText(value)}/s`;
  }
}

function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0, value = bytes;
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${value.toLocaleString("en", { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`;
}

/** “Round trip: Polling”. */
export function rowText(id: string, label: string | undefined): string {
  const name = t.rows[id] ?? id;
  return label === undefined ? name : `${name}: ${t.labels[label] ?? label.replaceAll("_", " ")}`;
}
