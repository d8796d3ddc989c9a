/**
 * Everything that is counted and timed, in one table: what it means and who says so. Labels are closed lists, so no
 * figure grows with rooms, people or anything they send.
 */
import { CLOSE_REASONS, FRAME_PROBLEMS, REFUSALS } from "../../protocol/codes.ts";
import { REPORT_MAX_LINKS, REPORTED_TRANSPORTS } from "../../protocol/reports/transport_report.ts";

/** `measured`: by this server, all of it. `sampled`: told by the pages that report, unsigned. */
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
    help: "Events not accepted, by reason.",
    origin: "measured",
    label: ["reason", Object.keys(REFUSALS)],
  },
  goodbyes: {
    help: "Connections ended by the server, by reason.",
    origin: "measured",
    label: ["reason", Object.keys(CLOSE_REASONS)],
  },
  frame_problems: {
    help: "Frames that were not taken, by problem.",
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
  fan_out_events: { help: "Events handed to connections: an event for ten people counts ten.", origin: "measured" },
  kv_operations: { help: "Calls to the database, by operation.", origin: "measured", label: operation },
  kv_failures: { help: "Calls to the database that failed or took too long.", origin: "measured", label: operation },
  http_requests: {
    help: "HTTP requests answered, by class of status; upgrades to WebSocket are not among them.",
    origin: "measured",
    label: ["status", STATUS_CLASSES],
  },
  log_lines: {
    help: "Lines for the log, by level, those that were held back among them.",
    origin: "measured",
    label: ["level", LOG_LEVELS],
  },
  probes_expected: {
    help: "Deliveries that the instance's own signed probes should have made, by the transport they came over.",
    origin: "measured",
    label: transport,
  },
  probes_delivered: {
    help: "Deliveries of probes that arrived in time with a true signature.",
    origin: "measured",
    label: transport,
  },
  client_reports: { help: "Transport reports taken.", origin: "measured" },
  client_reports_refused: {
    help: "Transport reports not taken: not of the documented shape, or too many.",
    origin: "measured",
  },
  client_tries_worked: {
    help: "Connections and links that came up, as pages report.",
    origin: "sampled",
    label: reportedTransport,
  },
  client_tries_failed: {
    help: "Connections and links that did not come up, as pages report.",
    origin: "sampled",
    label: reportedTransport,
  },
  client_events_received: {
    help: "Events by the transport they came over first, as pages report.",
    origin: "sampled",
    label: reportedTransport,
  },
  client_fallbacks: { help: "Times a page went from WebSocket to polling, as pages report.", origin: "sampled" },
  client_refused: { help: "Messages turned away for good, as pages report.", origin: "sampled" },
  client_duplicates: { help: "Events that came although they were there, as pages report.", origin: "sampled" },
  client_peer_events: { help: "Own events that went to peers, as pages report.", origin: "sampled" },
  client_peer_events_receipted: {
    help: "Own events of which a peer signed a receipt, as pages report.",
    origin: "sampled",
  },
  client_mesh_reached: { help: "People in the room whom peers reach, summed over reports.", origin: "sampled" },
  client_mesh_missing: { help: "People in the room whom peers do not reach, summed over reports.", origin: "sampled" },
  client_mesh_links: {
    help: "Reports by the number of links of the page.",
    origin: "sampled",
    label: ["links", LINK_COUNTS],
  },
} as const satisfies Record<string, FigureRow>;
export type CounterName = keyof typeof COUNTERS;

export const HISTOGRAMS = {
  ack: { help: "From the arrival of an event to its ack: check, wait for the batch, commit.", origin: "measured" },
  fan_out: {
    help:
      "From an event being stored, or read from another instance, to its frame being handed to the last connection.",
    origin: "measured",
  },
  kv: { help: "Calls to the database, by operation.", origin: "measured", label: operation },
  event_loop_lag: { help: "How late timers fire: above all, other work took the thread.", origin: "measured" },
  probe: {
    help: "From the sending of a signed probe to its arrival, by the transport it came over, inside the instance.",
    origin: "measured",
    label: transport,
  },
  client_round_trip: { help: "Round trips, as pages report.", origin: "sampled", label: reportedTransport },
  client_stored: { help: "From a message's sending to its ack, as pages report.", origin: "sampled" },
} as const satisfies Record<string, FigureRow>;
export type HistogramName = keyof typeof HISTOGRAMS;

/** Read when asked. */
export const GAUGES = {
  users: { help: "People in rooms; one with connections to two instances counts on both.", origin: "measured" },
  connections: { help: "Connections, by transport.", origin: "measured", label: transport },
  open_rooms: { help: "Rooms that somebody is in, or just was.", origin: "measured" },
  rooms: { help: "Rooms in the database.", origin: "measured" },
  resident_memory_bytes: { help: "Resident memory of the process.", origin: "measured" },
  heap_bytes: { help: "Heap in use by JavaScript.", origin: "measured" },
} as const satisfies Record<string, FigureRow>;
export type GaugeName = keyof typeof GAUGES;

/** The values of a figure's label; one empty one where it has none. */
export function labelsOf(row: FigureRow): readonly string[] {
  return row.label?.[1] ?? [""];
}
