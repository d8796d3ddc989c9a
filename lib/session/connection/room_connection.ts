/**
 * All transports of one room in one page: WebSocket or polling, one connection for all tabs of the device, and links to
 * peers. Implements the ConnectionModel that reports and steers them.
 */
import type { Cancel } from "../../shared/environment.ts";
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { MeshMode } from "../../routing/mesh_mode.ts";
import type { TransportName, TransportOutcome } from "../../routing/transport_choice.ts";
import type { Pairing, PairingState } from "../../transport/pairing.ts";
import type { OpenTransport } from "../../transport/transport.ts";
import { ConnectionMeter } from "./connection_meter.ts";
import type {
  ConnectionDiagnostics,
  ConnectionFacts,
  ConnectionModel,
  ConnectionState,
  CurrentRoute,
  MeshView,
  PreferredRoute,
} from "../model/connection_model.ts";
import { MeshStarter, type PeerDeps } from "../mesh/mesh_starter.ts";
import type { MeasuredConnection, TransportTap } from "../reports/transport_reporter.ts";
import { TransportManager, type TransportManagerDeps } from "./transport_manager.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { RoomSession } from "../room/room_session.ts";
import { TabConnection, type TabConnectionDeps } from "../tabs/tab_connection.ts";

export interface RoomConnectionDeps
  extends Pick<SessionDeps, "clock" | "steady" | "timers" | "random">, Pick<TransportManagerDeps, "openers"> {
  /** Absent: tabs cannot share one connection, so each has its own. */
  tabs?: Pick<TabConnectionDeps, "channel" | "election" | "visible" | "loadRelay">;
  /** Opens the session over this connection. */
  openSession(connection: RoomConnection): RoomSession;
  checkServer(): Promise<number | undefined>;
  network(): ConnectionDiagnostics["network"];
  browser: string;
  /** Absent where the browser has no WebRTC. */
  peers?: PeerDeps;
  /** Loads the code that reports transport statistics to the server; absent: nothing is reported. */
  loadReporter?(measured: MeasuredConnection): Promise<TransportTap>;
  log?(line: string): void;
}

/** Log lines that are kept for diagnostics. */
const LOG_MAX_LINES = 50;
/** Time after which a page may report its transports. */
const REPORTS_AFTER_MS = 15_000;

export class RoomConnection extends ConnectionMeter implements ConnectionModel {
  readonly currentRoute: Signal<CurrentRoute | undefined> = signal(undefined);
  readonly preferredRoute: Signal<PreferredRoute> = signal("auto");
  readonly session: RoomSession;
  readonly state: ReadonlySignal<ConnectionState>;
  readonly mesh: ReadonlySignal<MeshView>;
  readonly meshMode: ReadonlySignal<MeshMode>;

  readonly #deps: RoomConnectionDeps;
  readonly transports: TransportManager;
  readonly #tabs: TabConnection | undefined;
  readonly #peers: MeshStarter;
  #cancelReporter: Cancel = () => {};
  /** By the steady clock, ms. */
  readonly openedAt: number;
  readonly logLines: string[] = [];

  constructor(deps: RoomConnectionDeps) {
    super();
    this.#deps = deps;
    const { clock, steady, timers, random, openers, tabs, peers } = deps;
    this.openedAt = steady.now();
    this.transports = new TransportManager({
      steady,
      timers,
      openers,
      onBetterTransport: () => this.session.wake(),
      onRoute: (route) => {
        this.#uses(route);
        if (route !== undefined) this.#tell(`transport: ${route.transport} (${route.reason})`);
      },
      onOutcome: (transport, outcome) => this.#outcome(transport, outcome),
    });
    this.#tabs = tabs && new TabConnection({
      clock,
      timers,
      random,
      ...tabs,
      open: this.transports.open,
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
    this.#reportLater();
  }

  // ---- for the session and the page's events ----

  readonly open: OpenTransport = (events) =>
    (this.#tabs?.open ?? this.transports.open)({
      ...events,
      received: (data) => {
        if (this.#tabs?.follows && this.transportInUse?.transport !== "tab") {
          this.#uses({ transport: "tab", reason: "shared" });
        }
        events.received(data);
      },
      closed: (code) => {
        if (this.transportInUse?.transport === "tab") this.#uses(undefined);
        events.closed(code);
      },
    });

  wake(): void {
    this.transports.wake();
    this.session.wake();
  }

  networkChanged(): void {
    this.transports.networkChanged();
    this.#peers.networkChanged();
    this.session.wake();
  }

  leave(): void {
    this.tap?.leave();
    this.#peers.leave();
    this.#tabs?.leave();
    this.transports.leave();
  }

  dispose(): void {
    this.#cancelReporter();
    this.tap?.dispose();
    this.#peers.dispose();
    this.#tabs?.dispose();
    this.transports.dispose();
  }

  /** Another tab of the device holds the connection and the links. */
  get follows(): boolean {
    return this.#tabs?.follows ?? false;
  }

  note(line: string): void {
    this.logLines.push(`${new Date(this.#deps.clock.now()).toISOString()} ${line}`);
    if (this.logLines.length > LOG_MAX_LINES) this.logLines.shift();
  }

  // ---- ConnectionModel ----

  setPreferredRoute(preference: PreferredRoute): void {
    const before = this.preferredRoute.peek();
    if (preference === before) return;
    this.preferredRoute.value = preference;
    const transport = preference === "p2p" ? "auto" : preference;
    if (preference === "p2p") void this.connectPeers();
    // "auto" and "p2p" use the same transport to the server.
    if ((before === "auto" || before === "p2p") && transport === "auto") return this.#tellRoute();
    this.transports.setPreference(transport);
    this.#tabs?.lead();
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
    this.transports.wake();
    this.session.forceReconnect();
  }

  resetTransports(): void {
    this.transports.networkChanged();
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

  get facts(): ConnectionFacts {
    return { ...this.#deps, ...this };
  }

  /** Loads the reporter once the page has been open for a while and is connected. */
  #reportLater(): void {
    const { timers, loadReporter } = this.#deps;
    if (loadReporter === undefined) return;
    let disposed = false;
    const cancel = timers.after(REPORTS_AFTER_MS, () => {
      if (this.state.peek().state !== "connected") return this.#reportLater();
      // Without the code this page reports nothing.
      loadReporter(this).then((tap) => disposed ? tap.dispose() : this.tap = tap, () => {});
    });
    this.#cancelReporter = () => {
      disposed = true;
      cancel();
    };
  }

  // ---- routes ----

  #uses(route: CurrentRoute | undefined): void {
    this.transportInUse = route;
    this.#tellRoute();
  }

  /** The route is where new events go first: to peers, or to the server. */
  #tellRoute(): void {
    const { peers, server, reason } = this.session.delivery;
    const next: CurrentRoute | undefined = peers && server !== "now"
      ? { transport: "p2p", reason }
      : this.transportInUse;
    const now = this.currentRoute.peek();
    if (now?.transport !== next?.transport || now?.reason !== next?.reason) this.currentRoute.value = next;
  }

  #outcome(transport: TransportName, outcome: TransportOutcome): void {
    this.note(`${transport}: ${outcome.type}`);
    if (outcome.type !== "ended" && outcome.type !== "abandoned") this.tried(transport, outcome.type === "connected");
  }

  /** Logs to the diagnostics and to the console. */
  #tell(line: string): void {
    this.note(line);
    this.#deps.log?.(line);
  }
}
