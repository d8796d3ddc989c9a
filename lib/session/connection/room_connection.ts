/**
 * The transports of one room in one page, put together: WebSocket and polling by choice, one connection for all tabs of the
 * device, links to peers, and a ConnectionModel that tells and steers them.
 */
import type { Clock, Random, Timers } from "../../shared/environment.ts";
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { breakerAllowsAt, SERVER_BREAKER } from "../../routing/circuit_breaker.ts";
import type { MeshMode } from "../../routing/mesh_mode.ts";
import { objectionTo, type TransportName, type TransportOutcome } from "../../routing/transport_choice.ts";
import { qualityOf } from "../../routing/transport_meter.ts";
import type { Pairing, PairingState } from "../../transport/pairing.ts";
import type { OpenTransport } from "../../transport/transport.ts";
import { ConnectionMeter } from "./connection_meter.ts";
import type {
  ConnectionDiagnostics,
  ConnectionModel,
  ConnectionState,
  CurrentRoute,
  MeshView,
  PreferredRoute,
  TransportDiagnostics,
} from "../model/connection_model.ts";

import { MeshStarter, type PeerDeps } from "../mesh/mesh_starter.ts";
import type { TransportReporterDeps, TransportTap } from "../reports/transport_reporter.ts";
import { TransportReports } from "../reports/transport_reports.ts";
import { type Route, TransportManager } from "./transport_manager.ts";
import type { RoomSession } from "../room/room_session.ts";
import { TabConnection, type TabConnectionDeps } from "../tabs/tab_connection.ts";

export interface RoomConnectionDeps {
  /** What people read; `steady` measures. */
  clock: Clock;
  steady: Clock;
  timers: Timers;
  random: Random;
  openers: Readonly<Partial<Record<TransportName, OpenTransport>>>;
  /** Absent: tabs cannot agree on one connection, and each has its own. */
  tabs?: Pick<TabConnectionDeps, "channel" | "election" | "visible" | "loadRelay">;
  /** Opens the session over this connection. */
  openSession(connection: RoomConnection): RoomSession;
  checkServer(): Promise<number | undefined>;
  network(): ConnectionDiagnostics["network"];
  browser: string;
  /** Absent where the browser has no WebRTC. */
  peers?: PeerDeps;
  /** Loads what tells the server how its transports are, at work; absent: nothing is told. */
  loadReporter?(measured: Omit<TransportReporterDeps, "allowed" | "fetchRules" | "send">): Promise<TransportTap>;
  log?(line: string): void;
}

/** Lines of the page's notes that are kept. */
const LOG_MAX_LINES = 50;

export class RoomConnection extends ConnectionMeter implements ConnectionModel {
  readonly currentRoute: Signal<CurrentRoute | undefined> = signal(undefined);
  readonly preferredRoute: Signal<PreferredRoute> = signal("auto");
  readonly session: RoomSession;
  readonly state: ReadonlySignal<ConnectionState>;
  readonly mesh: ReadonlySignal<MeshView>;
  readonly meshMode: ReadonlySignal<MeshMode>;

  readonly #deps: RoomConnectionDeps;
  readonly #transports: TransportManager;
  readonly #shared: TabConnection | undefined;
  readonly #peers: MeshStarter;
  readonly #reports: TransportReports | undefined;
  readonly #openedAt: number;
  readonly #log: string[] = [];
  #transport: CurrentRoute | undefined;

  constructor(deps: RoomConnectionDeps) {
    super();
    this.#deps = deps;
    const { clock, steady, timers, random, openers, tabs, peers, loadReporter } = deps;
    this.#openedAt = steady.now();
    this.#transports = new TransportManager({
      steady,
      timers,
      openers,
      onBetterTransport: () => this.session.wake(),
      onRoute: (route) => this.#routeChanged(route),
      onOutcome: (transport, outcome) => this.#outcome(transport, outcome),
    });
    this.#shared = tabs && new TabConnection({
      clock,
      timers,
      random,
      ...tabs,
      open: this.#transports.open,
      onChange: () => this.session.wake(),
      onSuspect: () => this.session.wake(),
    });
    const session = this.session = deps.openSession(this);
    this.state = session.connection;
    this.#peers = new MeshStarter({
      timers,
      random,
      session,
      peers,
      follows: () => this.follows,
      onView: () => this.#tellRoute(),
      log: (line) => this.#tell(line),
    });
    this.mesh = this.#peers.mesh;
    this.meshMode = this.#peers.mode;
    this.#reports = loadReporter && new TransportReports({
      timers,
      isConnected: () => this.state.peek().state === "connected",
      load: () => loadReporter(this.#measured),
      onTap: (tap) => this.useTap(tap),
    });
  }

  // ---- for the session and the page's events ----

  readonly open: OpenTransport = (events) =>
    (this.#shared?.open ?? this.#transports.open)({
      ...events,
      received: (data) => {
        if (this.#shared?.follows && this.#transport?.transport !== "tab") {
          this.#uses({ transport: "tab", reason: "shared" });
        }
        events.received(data);
      },
      closed: (code) => {
        if (this.#transport?.transport === "tab") {
          this.#uses(undefined);
        }
        events.closed(code);
      },
    });

  wake(): void {
    this.#transports.wake();
    this.session.wake();
  }

  networkChanged(): void {
    this.#transports.networkChanged();
    this.#peers.networkChanged();
    this.session.wake();
  }

  leave(): void {
    this.#reports?.leave();
    this.#peers.leave();
    this.#shared?.leave();
    this.#transports.leave();
  }

  dispose(): void {
    this.#reports?.dispose();
    this.#peers.dispose();
    this.#shared?.dispose();
    this.#transports.dispose();
  }

  /** Another tab of the device has the connection, and the links. */
  get follows(): boolean {
    return this.#shared?.follows ?? false;
  }

  note(line: string): void {
    this.#log.push(`${new Date(this.#deps.clock.now()).toISOString()} ${line}`);
    if (this.#log.length > LOG_MAX_LINES) this.#log.shift();
  }

  // ---- ConnectionModel ----

  setPreferredRoute(preference: PreferredRoute): void {
    const before = this.preferredRoute.peek();
    if (preference === before) return;
    this.preferredRoute.value = preference;
    const transport = preference === "p2p" ? "auto" : preference;
    if (preference === "p2p") void this.connectPeers();
    // Between the best and peers first nothing changes on the way to the server.
    if ((before === "auto" || before === "p2p") && transport === "auto") return this.#tellRoute();
    this.#transports.setPreference(transport);
    this.#shared?.lead();
    this.session.forceReconnect();
  }

  setMeshMode(mode: MeshMode): void {
    this.#peers.setMode(mode);
  }

  connectPeers(): Promise<{ problem?: "off" | "unavailable" }> {
    return this.#peers.connectNow();
  }

  pairPhone(onState: (state: PairingState) => void): Promise<Pairing | { problem: "unavailable" | "other_tab" }> {
    return this.#peers.pair(onState);
  }

  forceReconnect(): void {
    this.#transports.wake();
    this.session.forceReconnect();
  }

  resetTransports(): void {
    this.#transports.networkChanged();
    batch(() => {
      this.forgetMeasured();
      this.setPreferredRoute("auto");
    });
    this.session.forceReconnect();
  }

  measure(): void {
    if (this.state.peek().state === "connected") this.session.wake();
  }

  checkServer(): Promise<number | undefined> {
    return this.#deps.checkServer();
  }

  getConnectionDiagnostics(): ConnectionDiagnostics {
    const { clock, steady, network, browser } = this.#deps;
    const { waiting, stored } = this.session;
    const now = steady.now();
    const { next } = this.#transports;
    return {
      at: new Date(clock.now()).toISOString(),
      openSinceMs: now - this.#openedAt,
      connection: this.state.peek(),
      route: this.currentRoute.peek(),
      preference: this.preferredRoute.peek(),
      mesh: this.mesh.peek(),
      transports: { websocket: this.#diagnosticsOf("websocket"), polling: this.#diagnosticsOf("polling") },
      next: next && { transport: next.transport, inMs: Math.max(0, next.at - now) },
      stats: this.transferStats.peek(),
      waiting,
      storage: stored.peek(),
      network: network(),
      browser,
      log: [...this.#log],
    };
  }

  #diagnosticsOf(transport: TransportName): TransportDiagnostics {
    const { situation } = this.#transports;
    const { breaker } = situation.transports[transport];
    return {
      ...qualityOf(this.meters[transport]),
      available: situation.available[transport],
      breaker: breaker.name,
      objection: objectionTo(transport, situation),
      restsForMs: Math.max(0, breakerAllowsAt(breaker, SERVER_BREAKER) - situation.now),
    };
  }

  // ---- routes ----

  protected override get transportInUse(): CurrentRoute["transport"] | undefined {
    return this.#transport?.transport;
  }

  #routeChanged(route: Route | undefined): void {
    this.#uses(route);
    if (route !== undefined) this.#tell(`transport: ${route.transport} (${route.reason})`);
  }

  #uses(route: CurrentRoute | undefined): void {
    this.#transport = route;
    this.#tellRoute();
  }

  /** New events go to peers first, or to the server: that is the route. */
  #tellRoute(): void {
    const { peers, server, reason } = this.session.delivery;
    const next: CurrentRoute | undefined = peers && server !== "now" ? { transport: "p2p", reason } : this.#transport;
    const now = this.currentRoute.peek();
    if (now?.transport !== next?.transport || now?.reason !== next?.reason) this.currentRoute.value = next;
  }

  #outcome(transport: TransportName, outcome: TransportOutcome): void {
    this.note(`${transport}: ${outcome.type}`);
    if (outcome.type !== "ended" && outcome.type !== "abandoned") this.tried(transport, outcome.type === "connected");
  }

  /** For the page's notes and for the console. */
  #tell(line: string): void {
    this.note(line);
    this.#deps.log?.(line);
  }

  get #measured(): Parameters<NonNullable<RoomConnectionDeps["loadReporter"]>>[0] {
    const { steady, timers, random } = this.#deps;
    return {
      steady,
      timers,
      random,
      measure: () => this.measure(),
      openedAt: this.#openedAt,
      meters: this.meters,
      storedAfterMs: this.storedAfterMs,
      currentRoute: this.currentRoute,
      transferStats: this.transferStats,
      mesh: this.mesh,
    };
  }
}
