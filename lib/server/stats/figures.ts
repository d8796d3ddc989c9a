/**
 * All counters, histograms and gauges in one table, with meaning and origin. Labels are closed lists, so no figure grows
 * with rooms, people or their data.
 */
import { CLOSE_REASONS, FRAME_PROBLEMS, REFUSALS } from "../../protocol/codes.ts";
import { REPORT_MAX_LINKS, REPORTED_TRANSPORTS } from "../../protocol/reports/transport_report.ts";

/** `measured`: by this server, completely. `sampled`: reported by some pages, unsigned. */
export type FigureOrigin = "measured" | "sampled";

export interface FigureRow {
  help: string;
  origin: FigureOrigin;
  /** Name and all values of its one label; absent: it has none. */
  label?: readonly [name: string, values: readonly string[]];
}

export const SERVER_TRANSPORTS = ["websocket", "polling"] as const;
export type ServerTransport = (typeof SERVER_TRANSPORTS)[number];
export const KV_OPERATIONS = ["read", "list", "commit"] as const;
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const STATUS_CLASSES = ["2xx", "3xx", "4xx", "5xx"] as const;
const LINK_COUNTS = Array.from({ length: REPORT_MAX_LINKS + 1 }, (_, links) => String(links));

const transport = ["transport", SERVER_TRANSPORTS] as const;
const reportedTransport = ["transport", REPORTED_TRANSPORTS] as const;
const operation = ["operation", KV_OPERATIONS] as const;

export const COUNTERS = {
  events_stored: { help: "Events stored and acknowledged.", origin: "measured" },
  refusals: {
    help: "Events refused, by reason.",
    origin: "measured",
    label: ["reason", Object.keys(REFUSALS)],
  },
  goodbyes: {
    help: "Connections ended by the server, by reason.",
    origin: "measured",
    label: ["reason", Object.keys(CLOSE_REASONS)],
  },
  frame_problems: {
    help: "Frames rejected, by problem.",
    origin: "measured",
    label: ["problem", FRAME_PROBLEMS],
  },
  connections_opened: { help: "Connections opened, by transport.", origin: "measured", label: transport },
  received_bytes: {
    help: "Bytes of frames from clients, by transport, without transport headers.",
    origin: "measured",
    label: transport,
  },
  sent_bytes: {
    help: "Bytes of frames to clients, by transport, without transport headers.",
    origin: "measured",
    label: transport,
  },
  fan_out_frames: { help: "Frames with events, handed to connections.", origin: "measured" },
  fan_out_events: {
    help: "Events handed to connections: an event for ten connections counts ten.",
    origin: "measured",
  },
  kv_operations: { help: "Calls to the database, by operation.", origin: "measured", label: operation },
  kv_failures: { help: "Calls to the database that failed or took too long.", origin: "measured", label: operation },
  http_requests: {
    help: "HTTP requests answered, by status class, without upgrades to WebSocket.",
    origin: "measured",
    label: ["status", STATUS_CLASSES],
  },
  log_lines: {
    help: "Log lines, by level, including those held back.",
    origin: "measured",
    label: ["level", LOG_LEVELS],
  },
  probes_expected: {
    help: "Expected deliveries of the instance's signed probes, by the receiving transport.",
    origin: "measured",
    label: transport,
  },
  probes_delivered: {
    help: "Deliveries of probes in time and with a valid signature, by the receiving transport.",
    origin: "measured",
    label: transport,
  },
  client_reports: { help: "Transport reports accepted.", origin: "measured" },
  client_reports_refused: {
    help: "Transport reports rejected: malformed, or too many.",
    origin: "measured",
  },
  client_tries_worked: {
    help: "Successful tries to connect or link, as pages report.",
    origin: "sampled",
    label: reportedTransport,
  },
  client_tries_failed: {
    help: "Failed tries to connect or link, as pages report.",
    origin: "sampled",
    label: reportedTransport,
  },
  client_events_received: {
    help: "Events received, by the transport that delivered them first, as pages report.",
    origin: "sampled",
    label: reportedTransport,
  },
  client_fallbacks: { help: "Fallbacks from WebSocket to polling, as pages report.", origin: "sampled" },
  client_refused: { help: "Messages refused for good, as pages report.", origin: "sampled" },
  client_duplicates: { help: "Events received again, as pages report.", origin: "sampled" },
  client_peer_events: { help: "Own events sent to peers, as pages report.", origin: "sampled" },
  client_peer_events_receipted: {
    help: "Own events with a peer's signed receipt, as pages report.",
    origin: "sampled",
  },
  client_mesh_reached: { help: "People in the room reached through peers, summed over reports.", origin: "sampled" },
  client_mesh_missing: {
    help: "People in the room not reached through peers, summed over reports.",
    origin: "sampled",
  },
  client_mesh_links: {
    help: "Reports, by the page's number of links.",
    origin: "sampled",
    label: ["links", LINK_COUNTS],
  },
} as const satisfies Record<string, FigureRow>;
export type CounterName = keyof typeof COUNTERS;

export const HISTOGRAMS = {
  ack: { help: "From an event's arrival to its ack: check, wait for the batch, commit.", origin: "measured" },
  fan_out: {
    help: "From storing an event, or reading it from another instance, to handing its frame to the last connection.",
    origin: "measured",
  },
  kv: { help: "Calls to the database, by operation.", origin: "measured", label: operation },
  event_loop_lag: { help: "How late timers fire, mostly because other work occupied the thread.", origin: "measured" },
  probe: {
    help: "From sending a signed probe to its arrival inside the instance, by the receiving transport.",
    origin: "measured",
    label: transport,
  },
  client_round_trip: { help: "Round trips, as pages report.", origin: "sampled", label: reportedTransport },
  client_stored: { help: "From sending a message to its ack, as pages report.", origin: "sampled" },
} as const satisfies Record<string, FigureRow>;
export type HistogramName = keyof typeof HISTOGRAMS;

/** Read on request. */
export const GAUGES = {
  users: { help: "People in rooms; a person connected to two instances counts on both.", origin: "measured" },
  connections: { help: "Connections, by transport.", origin: "measured", label: transport },
  open_rooms: { help: "Open rooms: with people in them, or just left.", origin: "measured" },
  rooms: { help: "Rooms in the database.", origin: "measured" },
  resident_memory_bytes: { help: "Resident memory of the process.", origin: "measured" },
  heap_bytes: { help: "Heap in use by JavaScript.", origin: "measured" },
  database_bytes: { help: "Size of the embedded database with its log.", origin: "measured" },
  disk_free_bytes: { help: "Free space on the disk of the embedded database.", origin: "measured" },
} as const satisfies Record<string, FigureRow>;
export type GaugeName = keyof typeof GAUGES;

/** The values of a figure's label; one empty value without a label. */
export function labelsOf(row: FigureRow): readonly string[] {
  return row.label?.[1] ?? [""];
}
