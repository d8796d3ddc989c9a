/**
 * The roads of one room in one page, put together: WebSocket and polling by choice, one connection for all tabs of the
 * device, links to peers, and a ConnectionModel that tells and steers them.
 */
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { breakerAllowsAt, SERVER_BREAKER } from "../routing/circuit_breaker.ts";
import type { MeshMode } from "../routing/mesh_mode.ts";
import { objectionTo, type RoadName, type RoadOutcome } from "../routing/road_choice.ts";
import { qualityOf } from "../routing/road_meter.ts";
import type { Pairing, PairingState } from "../transport/pairing.ts";
import type { OpenRoad } from "../transport/road.ts";
import { ConnectionMeter } from "./connection_meter.ts";
import type {
  ConnectionDiagnostics,
  ConnectionModel,
  CurrentRoute,
  MeshView,
  PreferredRoute,
  RoadDiagnostics,
} from "./connection_model.ts";
import type { Clock, Random, Timers } from "./deps.ts";
import { MeshStarter, type PeerParts } from "./mesh_starter.ts";
import type { RoadReporterParts, RoadTap } from "./road_reporter.ts";
import { RoadReports } from "./road_reports.ts";
import { Roads, type Route } from "./roads.ts";
import type { RoomSession } from "./room_session.ts";
import { SharedRoad, type SharedRoadParts } from "./shared_road.ts";

export interface RoomConnectionParts {
  /** What people read; `steady` measures. */
  clock: Clock;
  steady: Clock;
  timers: Timers;
  random: Random;
  openers: Readonly<Partial<Record<RoadName, OpenRoad>>>;
  /** Absent: tabs cannot agree on one connection, and each has its own. */
  tabs?: Pick<SharedRoadParts, "channel" | "election" | "visible">;
  /** The session that uses the connection. */
  session(): RoomSession;
  checkServer(): Promise<number | undefined>;
  network(): ConnectionDiagnostics["network"];
  browser: string;
  /** Absent where the browser has no WebRTC. */
  peers?: PeerParts;
  /** Loads what tells the server how its roads are, at work; absent: nothing is told. */
  loadReporter?(measured: Omit<RoadReporterParts, "allowed" | "fetchRules" | "send">): Promise<RoadTap>;
  log?(line: string): void;
}

/** Lines of the page's notes that are kept. */
const LOG_MAX_LINES = 50;

export class RoomConnection extends ConnectionMeter implements ConnectionModel {
  readonly currentRoute: Signal<CurrentRoute | undefined> = signal(undefined);
  readonly preferredRoute: Signal<PreferredRoute> = signal("auto");
  readonly mesh: ReadonlySignal<MeshView>;
  readonly meshEnabled: ReadonlySignal<boolean>;
  readonly meshMode: ReadonlySignal<MeshMode>;

  readonly #parts: RoomConnectionParts;
  readonly #roads: Roads;
  readonly #shared: SharedRoad | undefined;
  readonly #peers: MeshStarter;
  #reports: RoadReports | undefined;
  readonly #openedAt: number;
  readonly #log: string[] = [];
  #road: CurrentRoute | undefined;

  constructor(parts: RoomConnectionParts) {
    super();
    this.#parts = parts;
    const { clock, steady, timers, random, openers, tabs, session, peers } = parts;
    this.#openedAt = steady.now();
    this.#roads = new Roads({
      steady,
      timers,
      openers,
      onBetterRoad: () => session().wake(),
      onRoute: (route) => this.#routeChanged(route),
      onOutcome: (road, outcome) => this.#outcome(road, outcome),
    });
    this.#shared = tabs && new SharedRoad({
      clock,
      timers,
      random,
      ...tabs,
      open: this.#roads.open,
      onChange: () => session().wake(),
      onDoubt: () => session().wake(),
    });
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
    this.meshEnabled = this.#peers.enabled;
    this.meshMode = this.#peers.mode;
  }

  // ---- for the session and the page's events ----

  readonly open: OpenRoad = (events) =>
    (this.#shared?.open ?? this.#roads.open)({
      ...events,
      received: (data) => {
        if (this.#shared?.follows && this.#road?.road !== "tab") this.#uses({ road: "tab", reason: "shared" });
        events.received(data);
      },
      closed: (code) => {
        if (this.#road?.road === "tab") this.#uses(undefined);
        events.closed(code);
      },
    });

  /** The session is there. */
  start(): void {
    const { timers, session, loadReporter } = this.#parts;
    this.#peers.start();
    this.#reports = loadReporter && new RoadReports({
      timers,
      isConnected: () => session().connection.peek().state === "connected",
      load: () => loadReporter(this.#measured),
      onTap: (tap) => this.useTap(tap),
    });
  }

  wake(): void {
    this.#roads.wake();
    this.#parts.session().wake();
  }

  networkChanged(): void {
    this.#roads.networkChanged();
    this.#peers.networkChanged();
    this.#parts.session().wake();
  }

  leave(): void {
    this.#reports?.leave();
    this.#peers.leave();
    this.#shared?.leave();
    this.#roads.leave();
  }

  dispose(): void {
    this.#reports?.dispose();
    this.#peers.dispose();
    this.#shared?.dispose();
    this.#roads.dispose();
  }

  /** Another tab of the device has the connection, and the links. */
  get follows(): boolean {
    return this.#shared?.follows ?? false;
  }

  note(line: string): void {
    this.#log.push(`${new Date(this.#parts.clock.now()).toISOString()} ${line}`);
    if (this.#log.length > LOG_MAX_LINES) this.#log.shift();
  }

  // ---- ConnectionModel ----

  setPreferredRoute(preference: PreferredRoute): void {
    const before = this.preferredRoute.peek();
    if (preference === before) return;
    this.preferredRoute.value = preference;
    const road = preference === "p2p" ? "auto" : preference;
    if (preference === "p2p") void this.attemptP2PUpgrade();
    // Between the best and peers first nothing changes on the way to the server.
    if ((before === "auto" || before === "p2p") && road === "auto") return this.#tellRoute();
    this.#roads.setPreference(road);
    this.#shared?.lead();
    this.#parts.session().forceReconnect();
  }

  setMeshMode(mode: MeshMode): void {
    this.#peers.setMode(mode);
  }

  attemptP2PUpgrade(): Promise<{ problem?: "off" | "unavailable" }> {
    return this.#peers.connectNow();
  }

  pairPhone(onState: (state: PairingState) => void): Promise<Pairing | { problem: "unavailable" | "other_tab" }> {
    return this.#peers.pair(onState);
  }

  forceReconnect(): void {
    this.#roads.wake();
    this.#parts.session().forceReconnect();
  }

  resetRoads(): void {
    this.#roads.networkChanged();
    batch(() => {
      this.forgetMeasured();
      this.setPreferredRoute("auto");
    });
    this.#parts.session().forceReconnect();
  }

  measure(): void {
    if (this.#parts.session().connection.peek().state === "connected") this.#parts.session().wake();
  }

  checkServer(): Promise<number | undefined> {
    return this.#parts.checkServer();
  }

  getConnectionDiagnostics(): ConnectionDiagnostics {
    const { clock, steady, session, network, browser } = this.#parts;
    const { connection, waiting, stored } = session();
    const now = steady.now();
    const { next } = this.#roads;
    return {
      at: new Date(clock.now()).toISOString(),
      openSinceMs: now - this.#openedAt,
      connection: connection.peek(),
      route: this.currentRoute.peek(),
      preference: this.preferredRoute.peek(),
      mesh: this.mesh.peek(),
      roads: { websocket: this.#diagnosticsOf("websocket"), polling: this.#diagnosticsOf("polling") },
      next: next && { road: next.road, inMs: Math.max(0, next.at - now) },
      stats: this.hybridStats.peek(),
      waiting,
      storage: stored.peek(),
      network: network(),
      browser,
      log: [...this.#log],
    };
  }

  #diagnosticsOf(road: RoadName): RoadDiagnostics {
    const { situation } = this.#roads;
    const { breaker } = situation.roads[road];
    return {
      ...qualityOf(this.meters[road]),
      available: situation.available[road],
      breaker: breaker.name,
      objection: objectionTo(road, situation),
      restsForMs: Math.max(0, breakerAllowsAt(breaker, SERVER_BREAKER) - situation.now),
    };
  }

  // ---- routes ----

  protected override get roadInUse(): CurrentRoute["road"] | undefined {
    return this.#road?.road;
  }

  #routeChanged(route: Route | undefined): void {
    this.#uses(route);
    if (route !== undefined) this.#tell(`road: ${route.road} (${route.reason})`);
  }

  #uses(route: CurrentRoute | undefined): void {
    this.#road = route;
    this.#tellRoute();
  }

  /** New events go to peers first, or to the server: that is the route. */
  #tellRoute(): void {
    const { peers, server, reason } = this.#parts.session().delivery;
    const next: CurrentRoute | undefined = peers && server !== "now" ? { road: "p2p", reason } : this.#road;
    const now = this.currentRoute.peek();
    if (now?.road !== next?.road || now?.reason !== next?.reason) this.currentRoute.value = next;
  }

  #outcome(road: RoadName, outcome: RoadOutcome): void {
    this.note(`${road}: ${outcome.type}`);
    if (outcome.type !== "ended" && outcome.type !== "abandoned") this.tried(road, outcome.type === "connected");
  }

  /** For the page's notes and for the console. */
  #tell(line: string): void {
    this.note(line);
    this.#parts.log?.(line);
  }

  get #measured(): Parameters<NonNullable<RoomConnectionParts["loadReporter"]>>[0] {
    const { steady, timers, random } = this.#parts;
    return {
      steady,
      timers,
      random,
      measure: () => this.measure(),
      openedAt: this.#openedAt,
      meters: this.meters,
      storedAfterMs: this.storedAfterMs,
      currentRoute: this.currentRoute,
      hybridStats: this.hybridStats,
      mesh: this.mesh,
    };
  }
}
