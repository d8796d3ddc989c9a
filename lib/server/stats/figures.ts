/**
 * All counters, histograms and gauges in one table, with meaning and origin. Labels are closed lists, so no figure grows
 * with rooms, people or their data.
 */
import { CLOSE_REASONS, FRAME_PROBLEMS, REFUSALS } from "../../protocol/codes.ts";
import { REPORT_MAX_LINKS, REPORTED_TRANSPORTS } from "../../protocol/reports/transport_report.ts";

export interface FigureRow {
  help: string;
  /** `measured`: by this server, completely. `sampled`: reported by some pages, unsigned. */
  origin: "measured" | "sampled";
  /** Name and all values of its one label; absent: it has none. */
  label?: readonly [name: string, values: readonly string[]];
}

export const SERVER_TRANSPORTS = ["websocket", "polling"] as const;
export type ServerTransport = (typeof SERVER_TRANSPORTS)[number];
export const KV_OPERATIONS = ["read", "list", "commit"] as const;
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const measured = (help: string, label?: FigureRow["label"]): FigureRow => ({ help, origin: "measured", label });
const sampled = (help: string, label?: FigureRow["label"]): FigureRow => ({ help, origin: "sampled", label });

const LINK_COUNTS = Array.from({ length: REPORT_MAX_LINKS + 1 }, (_, links) => String(links));

const transport = ["transport", SERVER_TRANSPORTS] as const;
const reportedTransport = ["transport", REPORTED_TRANSPORTS] as const;
const status = ["status", ["2xx", "3xx", "4xx", "5xx"]] as const;
const operation = ["operation", KV_OPERATIONS] as const;

export const COUNTERS = {
  events_stored: measured("Events stored and acknowledged."),
  refusals: measured("Events refused, by reason.", ["reason", Object.keys(REFUSALS)]),
  goodbyes: measured("Connections ended by the server, by reason.", ["reason", Object.keys(CLOSE_REASONS)]),
  frame_problems: measured("Frames rejected, by problem.", ["problem", FRAME_PROBLEMS]),
  connections_opened: measured("Connections opened, by transport.", transport),
  received_bytes: measured("Bytes of frames from clients, by transport, without transport headers.", transport),
  sent_bytes: measured("Bytes of frames to clients, by transport, without transport headers.", transport),
  fan_out_frames: measured("Frames with events, handed to connections."),
  fan_out_events: measured("Events handed to connections: an event for ten connections counts ten."),
  kv_operations: measured("Calls to the database, by operation.", operation),
  kv_failures: measured("Calls to the database that failed or took too long.", operation),
  http_requests: measured("HTTP requests answered, by status class, without upgrades to WebSocket.", status),
  log_lines: measured("Log lines, by level, including those held back.", ["level", LOG_LEVELS]),
  probes_expected: measured(
    "Expected deliveries of the instance's signed probes, by the receiving transport.",
    transport,
  ),
  probes_delivered: measured(
    "Deliveries of probes in time and with a valid signature, by the receiving transport.",
    transport,
  ),
  client_reports: measured("Transport reports accepted."),
  client_reports_refused: measured("Transport reports rejected: malformed, or too many."),
  client_tries_worked: sampled("Successful tries to connect or link, as pages report.", reportedTransport),
  client_tries_failed: sampled("Failed tries to connect or link, as pages report.", reportedTransport),
  client_events_received: sampled(
    "Events received, by the transport that delivered them first, as pages report.",
    reportedTransport,
  ),
  client_fallbacks: sampled("Fallbacks from WebSocket to polling, as pages report."),
  client_refused: sampled("Messages refused for good, as pages report."),
  client_duplicates: sampled("Events received again, as pages report."),
  client_peer_events: sampled("Own events sent to peers, as pages report."),
  client_peer_events_receipted: sampled("Own events with a peer's signed receipt, as pages report."),
  client_mesh_reached: sampled("People in the room reached through peers, summed over reports."),
  client_mesh_missing: sampled("People in the room not reached through peers, summed over reports."),
  client_mesh_links: sampled("Reports, by the page's number of links.", ["links", LINK_COUNTS]),
} satisfies Record<string, FigureRow>;
export type CounterName = keyof typeof COUNTERS;

export const HISTOGRAMS = {
  ack: measured("From an event's arrival to its ack: check, wait for the batch, commit."),
  fan_out: measured(
    "From storing an event, or reading it from another instance, to handing its frame to the last connection.",
  ),
  kv: measured("Calls to the database, by operation.", operation),
  event_loop_lag: measured("How late timers fire, mostly because other work occupied the thread."),
  probe: measured(
    "From sending a signed probe to its arrival inside the instance, by the receiving transport.",
    transport,
  ),
  client_round_trip: sampled("Round trips, as pages report.", reportedTransport),
  client_stored: sampled("From sending a message to its ack, as pages report."),
} satisfies Record<string, FigureRow>;
export type HistogramName = keyof typeof HISTOGRAMS;

/** Read on request. */
export const GAUGES = {
  users: measured("People in rooms; a person connected to two instances counts on both."),
  connections: measured("Connections, by transport.", transport),
  open_rooms: measured("Open rooms: with people in them, or just left."),
  rooms: measured("Rooms in the database."),
  resident_memory_bytes: measured("Resident memory of the process."),
  heap_bytes: measured("Heap in use by JavaScript."),
  database_bytes: measured("Size of the embedded database with its log."),
  disk_free_bytes: measured("Free space on the disk of the embedded database."),
} satisfies Record<string, FigureRow>;
export type GaugeName = keyof typeof GAUGES;

/** The figures of one table, by name. */
export function figuresIn<Name extends string>(table: Record<Name, FigureRow>): [Name, FigureRow][] {
  return Object.entries(table) as [Name, FigureRow][];
}

/** The values of a figure's label; one empty value without a label. */
export function labelsOf(row: FigureRow): readonly string[] {
  return row.label?.[1] ?? [""];
}
