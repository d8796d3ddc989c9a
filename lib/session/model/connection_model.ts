/**
 * How a room's messages travel, as a page shows and steers it. The page measures every figure itself; unmeasured
 * figures are undefined.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { Clock } from "../../shared/environment.ts";
import type { BreakerState } from "../../routing/circuit_breaker.ts";
import type { DeliveryRoute } from "../../routing/delivery_route.ts";
import type { MeshMode } from "../../routing/mesh_mode.ts";
import type { PowerReason } from "../../routing/power_policy.ts";
import {
  type Objection,
  type TransportName,
  type TransportReason,
  TRANSPORTS,
  type TransportSituation,
} from "../../routing/transport_choice.ts";
import type { TransportMeter, TransportQuality } from "../../routing/transport_meter.ts";
import type { Pairing, PairingState } from "../../transport/pairing.ts";
import type { LinkPath } from "../../transport/peer_connection.ts";
import type { LinkState } from "../../transport/peer_link.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { AuthorKey } from "../../protocol/event.ts";

/** The connection to the server. Each state has only the fields that are true in it. */
export type ConnectionState =
  /** `retryAtMs`: when the next try starts (Date.now() time); absent when no try follows by itself. */
  | { state: "disconnected"; reason: CloseReason | "offline" | "lost"; retryAtMs?: number }
  | { state: "connecting" }
  | { state: "connected"; since: number };

/**
 * The route in use, and why. `tab`: another tab of this device holds the connection. `p2p`: new events go to peers
 * first, or only to them.
 */
export type CurrentRoute =
  | { transport: TransportName; reason: TransportReason }
  | { transport: "tab"; reason: "shared" }
  | { transport: "p2p"; reason: "peers_reach_everyone" | "peers_preferred" | "no_server" };

/** Routes to prefer: the best one, peers first, or one transport to the server. */
export const PREFERRED_ROUTES = ["auto", "p2p", ...TRANSPORTS] as const;
export type PreferredRoute = (typeof PREFERRED_ROUTES)[number];

/** One link, as the connection panel shows it. */
export interface LinkView {
  peer: AuthorKey;
  state: Exclude<LinkState["state"], "closed">;
  /** Ms; undefined before the first heartbeat. */
  rttMs: number | undefined;
  path: LinkPath | undefined;
}

/** Peers of this room. */
export interface MeshView {
  /** Links are made and kept. */
  enabled: boolean;
  /** Why this many links, or none. */
  reason: PowerReason;
  /** Whether a relay server is available for phones without a direct path; undefined when unknown. */
  relay: boolean | undefined;
  links: readonly LinkView[];
  /** People in the room whom peers reach, and whom they do not. */
  reached: number;
  missing: number;
  /** Links that connected since the mesh began, and attempts that failed. */
  connected: number;
  failed: number;
  /** Events of mine that were sent to peers since then, and those that a peer signed for. */
  told: number;
  receipted: number;
  /** The reason for the route of new events. */
  delivery: DeliveryRoute["reason"];
}

export const NO_MESH: MeshView = {
  enabled: false,
  reason: "full",
  relay: undefined,
  links: [],
  reached: 0,
  missing: 0,
  connected: 0,
  failed: 0,
  told: 0,
  receipted: 0,
  delivery: "no_peers",
};

/** Transfers by transport since the page was opened. */
export interface TransferStats {
  /** New events of others, by the transport they arrived over. */
  viaWebSocket: number;
  viaPolling: number;
  viaTab: number;
  viaPeers: number;
  /** Events that arrived again. */
  duplicates: number;
  /** My stored messages, and the median time from sending to storing, ms. */
  stored: number;
  storedAfterMs: number | undefined;
  /** My messages that the server refused for good. */
  refused: number;
}

/** The statistics of a page that has just been opened. */
export const NO_STATS: TransferStats = {
  viaWebSocket: 0,
  viaPolling: 0,
  viaTab: 0,
  viaPeers: 0,
  duplicates: 0,
  stored: 0,
  storedAfterMs: undefined,
  refused: 0,
};

/**
 * Everything that explains a connection, as plain data for the panel and for bug reports. It contains no text that
 * people wrote.
 */
export interface ConnectionDiagnostics {
  /** ISO 8601. */
  at: string;
  openSinceMs: number;
  connection: ConnectionState;
  route: CurrentRoute | undefined;
  preference: PreferredRoute;
  mesh: MeshView;
  transports: Record<TransportName, TransportDiagnostics>;
  /** A better transport that will be tried, and in how many ms. */
  next: { transport: TransportName; inMs: number } | undefined;
  stats: TransferStats;
  /** Events of mine that wait on this device. */
  waiting: number;
  /** False: waiting messages are lost with this page. */
  storage: boolean;
  /** The network as the device reports it; `online: false` is reliable, `true` is not. */
  network: { online: boolean; type?: string; saveData?: boolean };
  browser: string;
  /** The newest log lines. */
  log: readonly string[];
}

export interface TransportDiagnostics extends TransportQuality {
  available: boolean;
  breaker: BreakerState["name"];
  /** The reason against using it now. */
  objection: Objection | undefined;
  /** When the circuit breaker allows an attempt, in ms; 0: now. */
  restsForMs: number;
}

/** The facts of a connection that connectionDiagnostics() turns into plain data. */
export interface ConnectionFacts {
  clock: Clock;
  steady: Clock;
  /** By the steady clock, ms. */
  openedAt: number;
  state: ReadonlySignal<ConnectionState>;
  currentRoute: ReadonlySignal<CurrentRoute | undefined>;
  preferredRoute: ReadonlySignal<PreferredRoute>;
  mesh: ReadonlySignal<MeshView>;
  transferStats: ReadonlySignal<TransferStats>;
  meters: Readonly<Record<TransportName, TransportMeter>>;
  transports: { situation: TransportSituation; next: { transport: TransportName; at: number } | undefined };
  session: { waiting: number; stored: ReadonlySignal<boolean> };
  network(): ConnectionDiagnostics["network"];
  browser: string;
  logLines: readonly string[];
}

export interface ConnectionModel {
  readonly state: ReadonlySignal<ConnectionState>;
  readonly currentRoute: ReadonlySignal<CurrentRoute | undefined>;
  readonly transferStats: ReadonlySignal<TransferStats>;
  readonly preferredRoute: ReadonlySignal<PreferredRoute>;
  readonly mesh: ReadonlySignal<MeshView>;
  /** The choice about peers; stored on this device. */
  readonly meshMode: ReadonlySignal<MeshMode>;
  setMeshMode(mode: MeshMode): void;
  /** Links to peers at once. `off`: peers are switched off. */
  connectPeers(): Promise<{ problem?: "off" | "unavailable" }>;
  /**
   * Begins to link with a phone beside this one, by codes that both show, without a server. `other_tab`: another tab of
   * this device has the links.
   */
  pairPhone(onState: (state: PairingState) => void): Promise<Pairing | { problem: "unavailable" | "other_tab" }>;
  /** Prefers this route where it works; the others stay as a fallback. */
  setPreferredRoute(preference: PreferredRoute): void;
  /** Reconnects at once. */
  forceReconnect(): void;
  /** Forgets what was learned of the transports, and reconnects. */
  resetTransports(): void;
  /** Measures a round trip now, when there is a connection. */
  measure(): void;
  /** Asks the server by plain HTTP whether it is there. Returns the time of the answer, ms; undefined without one. */
  checkServer(): Promise<number | undefined>;
  /** For connectionDiagnostics(). */
  readonly facts: ConnectionFacts;
}
