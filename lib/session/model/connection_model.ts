/**
 * How a room's messages travel, as a page shows and steers it. This page measured every figure; figures that were not
 * measured are undefined.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { BreakerState } from "../../routing/circuit_breaker.ts";
import type { DeliveryRoute } from "../../routing/delivery_route.ts";
import type { MeshMode } from "../../routing/mesh_mode.ts";
import type { PowerReason } from "../../routing/power_policy.ts";
import {
  type Objection,
  type TransportName,
  type TransportReason,
  TRANSPORTS,
} from "../../routing/transport_choice.ts";
import type { TransportQuality } from "../../routing/transport_meter.ts";
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
 * The way in use, and why. `tab`: another tab of this device holds the connection. `p2p`: new events go to peers first, or
 * to them alone.
 */
export type CurrentRoute =
  | { transport: TransportName; reason: TransportReason }
  | { transport: "tab"; reason: "shared" }
  | { transport: "p2p"; reason: "peers_reach_everyone" | "peers_preferred" | "no_server" };

/** What may be preferred: the best, peers first, or one transport to the server. */
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
  /** Why so many, or none. */
  reason: PowerReason;
  /** Whether a relay stands by for phones that find no path; undefined when it is not known. */
  relay: boolean | undefined;
  links: readonly LinkView[];
  /** People in the room that peers reach, and that they do not. */
  reached: number;
  missing: number;
  /** Links that came up since the mesh began, and tries that did not. */
  connected: number;
  failed: number;
  /** Events of mine that went to peers since then, and those that a peer signed for. */
  told: number;
  receipted: number;
  /** Why new events go the way they go. */
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

/** What went which way since the page was opened. */
export interface TransferStats {
  /** Events that came over each transport, my own and repeated ones not among them. */
  viaWebSocket: number;
  viaPolling: number;
  viaTab: number;
  viaPeers: number;
  /** Events that came although they were here. */
  duplicates: number;
  /** My messages that were stored, and how long that took from their sending: median, ms. */
  stored: number;
  storedAfterMs: number | undefined;
  /** My messages that were turned away for good. */
  refused: number;
}

/** Of a page that has just been opened. */
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

/** All that explains a connection, as plain data: for the panel, and to be copied into a report. Nobody's words are in it. */
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
  /** False: what waits lives as long as this page. */
  storage: boolean;
  /** What the device says of its network; `online` false is to be believed, true is not. */
  network: { online: boolean; type?: string; saveData?: boolean };
  browser: string;
  /** The newest lines of the page's own notes. */
  log: readonly string[];
}

export interface TransportDiagnostics extends TransportQuality {
  available: boolean;
  breaker: BreakerState["name"];
  /** What speaks against it now. */
  objection: Objection | undefined;
  /** When the breaker allows a try, in ms; 0: now. */
  restsForMs: number;
}

export interface ConnectionModel {
  readonly state: ReadonlySignal<ConnectionState>;
  readonly currentRoute: ReadonlySignal<CurrentRoute | undefined>;
  readonly connectionQuality: ReadonlySignal<Readonly<Record<TransportName, TransportQuality>>>;
  readonly transferStats: ReadonlySignal<TransferStats>;
  readonly preferredRoute: ReadonlySignal<PreferredRoute>;
  readonly mesh: ReadonlySignal<MeshView>;
  /** What somebody chose of peers; kept on this device. */
  readonly meshMode: ReadonlySignal<MeshMode>;
  setMeshMode(mode: MeshMode): void;
  /** Links to peers now, whatever the policy waits for. `off`: peers are switched off. */
  connectPeers(): Promise<{ problem?: "off" | "unavailable" }>;
  /**
   * Begins to link with a phone beside this one, by codes that both show, without a server. `other_tab`: another tab of
   * this device has the links.
   */
  pairPhone(onState: (state: PairingState) => void): Promise<Pairing | { problem: "unavailable" | "other_tab" }>;
  /** Takes this way from now on where it works; the others stay as a way out. */
  setPreferredRoute(preference: PreferredRoute): void;
  /** Connects anew, now. */
  forceReconnect(): void;
  /** Forgets what was learned of the transports, and connects anew. */
  resetTransports(): void;
  /** Measures a round trip now, when there is a connection. */
  measure(): void;
  /** Asks the server by plain HTTP whether it is there: how long the answer took, ms, or undefined when none came. */
  checkServer(): Promise<number | undefined>;
  getConnectionDiagnostics(): ConnectionDiagnostics;
}
