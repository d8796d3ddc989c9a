// Runs in browser and server.
/** The words of the analytics page. */
import type { Dashboard, GroupId, Of, Over, SeriesId, Source, Unit } from "../../protocol/reports/dashboard.ts";

const english = {
  title: "Analytics",
  app: "Festival Chat",
  operator: "Operator",
  version: "version",
  build: "build",
  status: { ok: "All is well", degraded: "Degraded", down: "Down" } satisfies Record<Dashboard["status"], string>,
  updated: "Updated",
  stale: "The server does not answer. These are the last figures it gave.",
  ranges: { hour: "Last hour", day: "24 hours" },
  rangeLabel: "Time shown in the charts",
  charts: "Over time",
  values: "Values",
  time: "Time",
  none: "nothing measured",
  unknown: "unknown",
  latest: "latest",
  highest: "highest",
  groups: {
    now: "Now",
    messages: "Messages",
    delivery: "Delivery",
    transports: "Transports",
    refused: "Refused and ended",
    database: "Database",
    process: "Process",
    reports: "Reports and log",
  } satisfies Record<GroupId, string>,
  hints: {
    delivery:
      "The server says signed messages to itself on every transport and waits for them; between phones, signed receipts count.",
    transports: "Shares of connections are measured here. The rest is what some pages report of themselves, unsigned.",
  } as Partial<Record<GroupId, string>>,
  rows: {
    users: "People in rooms",
    rooms: "Rooms kept",
    open_rooms: "Rooms open",
    messages_per_minute: "Messages a minute",
    connections: "Connections",
    instances: "Instances",
    ack: "From arrival to “stored”",
    fan_out: "From “stored” to the last connection",
    deliveries_per_minute: "Deliveries a minute",
    probes: "Probes delivered",
    peers_receipted: "Sent to phones, and receipted",
    probe: "Delivery time of probes",
    connections_share: "Share of connections",
    received_share: "Share of what pages received",
    client_round_trip: "Round trip",
    tries_worked: "Connections that came up",
    client_stored: "From sending to “stored”, as pages see it",
    client_fallbacks: "Fallbacks to polling",
    client_duplicates: "Received twice",
    refusals: "Messages refused",
    goodbyes: "Connections ended",
    frame_problems: "Frames not taken",
    client_refused: "Refused for good, as pages see it",
    kv_ping: "One read, just now",
    kv_per_minute: "Calls a minute",
    kv: "Time of calls",
    kv_failures: "Failed calls",
    event_loop_lag: "Event loop lag",
    resident_memory_bytes: "Memory of the process",
    heap_bytes: "Heap in use",
    cpu_share: "CPU, of one core",
    received_bytes: "Received",
    sent_bytes: "Sent",
    client_reports: "Transport reports taken",
    client_reports_refused: "Transport reports turned away",
    log_lines: "Lines in the log",
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
    messages: "Messages a minute",
    ack: "Until “stored”, p95",
    delivered: "Probes delivered",
    kv: "Database calls, p95",
  } satisfies Record<SeriesId, string>,
  mesh: {
    title: "Mesh",
    picture: "Pages by the number of their links",
    drawnFrom:
      "Each dot is a report of the last ten minutes, with a ray for each link of the page that sent it; a page may have sent several. Reports name no room and nobody, so who is linked to whom is not known and not drawn.",
    unknown: "No page reported a mesh in the last ten minutes.",
    reached: "People whom peers reach, of those in the room",
    links: "Links",
    pages: "Reports",
    more: (count: number) => `and ${count.toLocaleString("en")} more`,
  },
  over: { now: "now", ten_minutes: "10 min" } satisfies Record<Over, string>,
  of: { instance: "this instance", all: "all instances" } satisfies Record<Of, string>,
  sources: { measured: "measured", sampled: "sampled", unknown: "unknown" } satisfies Record<Source["kind"], string>,
};

export type AnalyticsTexts = typeof english;

export function analyticsTexts(): AnalyticsTexts {
  return english;
}

/** “sampled, n 214”. */
export function sourceText(t: AnalyticsTexts, source: Source): string {
  const word = t.sources[source.kind];
  return "n" in source && source.n !== undefined ? `${word}, n ${source.n.toLocaleString("en")}` : word;
}

/** A value as people read it; what was not measured is “unknown”. */
export function valueText(t: AnalyticsTexts, value: number | null, unit: Unit): string {
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
export function rowText(t: AnalyticsTexts, id: string, label: string | undefined): string {
  const name = t.rows[id] ?? id;
  return label === undefined ? name : `${name}: ${t.labels[label] ?? label.replaceAll("_", " ")}`;
}
