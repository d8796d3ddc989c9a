/**
 * The roads of one room in one page, put together: WebSocket and polling by choice, one connection for all tabs of the
 * device, and a ConnectionModel that tells and steers them.
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { breakerAllowsAt, SERVER_BREAKER } from "../routing/circuit_breaker.ts";
import type { MeshMode, PowerSituation } from "../routing/power_policy.ts";
import { objectionTo, type RoadName, type RoadOutcome, ROADS } from "../routing/road_choice.ts";
import {
  medianOf,
  NEW_METER,
  qualityOf,
  type RoadMeter,
  type RoadQuality,
  withRoundTrip,
  withTry,
} from "../routing/road_meter.ts";
import type { Pairing, PairingState } from "../transport/pairing.ts";
import type { OpenRoad } from "../transport/road.ts";
import type { Cancel, Clock, Random, SessionMeter, Timers } from "./deps.ts";
import {
  type ConnectionDiagnostics,
  type ConnectionModel,
  type CurrentRoute,
  type HybridStats,
  type MeshView,
  NO_MESH,
  NO_STATS,
  type PreferredRoute,
  type RoadDiagnostics,
} from "./connection_model.ts";
import type { MeshControl, MeshControlParts } from "./mesh_control.ts";
import type { RoadTap } from "./road_reporter.ts";
import { Roads, type Route } from "./roads.ts";
import { SharedRoad, type SharedRoadParts } from "./shared_road.ts";
import type { Notices } from "./notices.ts";
import type { RoomSession } from "./room_session.ts";

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
  /** Peers; absent where the browser has no WebRTC. */
  peers?:
    & Omit<MeshControlParts, "timers" | "random" | "session" | "follows" | "onView" | "log" | "power" | "notices">
    & {
      power(): Omit<PowerSituation, "limits" | "server" | "mode">;
      /** What was chosen on this device before. */
      mode(): MeshMode;
      keepMode(mode: MeshMode): void;
    };
  /** The operator's notices on this device. */
  notices?(): Promise<Notices>;
  /** What was measured may be reported to the server; absent: nothing is told. */
  reports?: true;
  log?(line: string): void;
}

/** Somebody else has to be here this long before the code for peers is loaded, unless this tab was linked before. */
const PEERS_AFTER_MS = 2_000;
/** A page that is open this long may report its roads. */
const REPORTS_AFTER_MS = 15_000;

/** Lines of the page's notes that are kept. */
const LOG_MAX_LINES = 50;
/** Storing times kept for their median. */
const STORED_MAX = 50;

export class RoomConnection implements ConnectionModel, SessionMeter {
  readonly currentRoute: Signal<CurrentRoute | undefined> = signal(undefined);
  readonly connectionQuality: Signal<Readonly<Record<RoadName, RoadQuality>>>;
  readonly hybridStats: Signal<HybridStats> = signal(NO_STATS);
  readonly preferredRoute: Signal<PreferredRoute> = signal("auto");
  readonly mesh: Signal<MeshView> = signal(NO_MESH);
  readonly meshEnabled: ReadonlySignal<boolean> = computed(() => this.mesh.value.enabled);
  readonly meshMode: Signal<MeshMode> = signal("auto");

  readonly #parts: RoomConnectionParts;
  readonly #roads: Roads;
  readonly #shared: SharedRoad | undefined;
  readonly #openedAt: number;
  #meters: Record<RoadName, RoadMeter> = { websocket: NEW_METER, polling: NEW_METER };
  #storedAfterMs: number[] = [];
  readonly #log: string[] = [];
  /** The road to the server, or to the tab that has it. */
  #road: CurrentRoute | undefined;
  #control: Promise<MeshControl | undefined> | undefined;
  #loadedControl: MeshControl | undefined;
  #stops: Cancel[] = [];
  #tap: RoadTap | undefined;
  #disposed = false;

  constructor(parts: RoomConnectionParts) {
    this.#parts = parts;
    const { clock, steady, timers, random, openers, tabs } = parts;
    this.#openedAt = steady.now();
    this.connectionQuality = signal(this.#qualities());
    this.#roads = new Roads({
      steady,
      timers,
      openers,
      onBetterRoad: () => parts.session().wake(),
      onRoute: (route) => this.#routeChanged(route),
      onOutcome: (road, outcome) => this.#outcome(road, outcome),
    });
    this.#shared = tabs && new SharedRoad({
      clock,
      timers,
      random,
      ...tabs,
      open: this.#roads.open,
      onChange: () => parts.session().wake(),
      onDoubt: () => parts.session().wake(),
    });
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

  /** The session is there: watches for people to link to. */
  start(): void {
    const { peers, session, timers, reports } = this.#parts;
    if (reports) this.#stops.push(this.#reportLater());
    if (peers === undefined) return;
    this.meshMode.value = peers.mode();
    const afterMs = peers.linkedBefore() ? 0 : PEERS_AFTER_MS;
    let cancel: Cancel | undefined;
    this.#stops.push(
      effect(() => {
        const others = session().people.value.count > 1 && this.meshMode.value !== "off";
        if (others) cancel ??= timers.after(afterMs, () => void this.#loadControl());
      }),
      () => cancel?.(),
    );
  }

  wake(): void {
    this.#roads.wake();
    this.#parts.session().wake();
  }

  networkChanged(): void {
    this.#roads.networkChanged();
    this.#loadedControl?.networkChanged();
    this.#parts.session().wake();
  }

  leave(): void {
    this.#tap?.leave();
    this.#loadedControl?.leave();
    this.#shared?.leave();
    this.#roads.leave();
  }

  dispose(): void {
    this.#disposed = true;
    for (const stop of this.#stops) stop();
    this.#tap?.dispose();
    this.#loadedControl?.dispose();
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

  // ---- SessionMeter ----

  roundTrip(ms: number): void {
    const road = this.#road?.road;
    if (road !== "websocket" && road !== "polling") return;
    this.#tap?.roundTrip(road, ms);
    this.#meters[road] = withRoundTrip(this.#meters[road], ms);
    this.connectionQuality.value = this.#qualities();
  }

  received(fresh: number, duplicates: number): void {
    const road = this.#road?.road;
    // What the device kept came over no road.
    if (road === undefined || road === "p2p") return;
    const stats = this.hybridStats.peek();
    const name = ({ websocket: "webSocketMessages", polling: "pollingMessages", tab: "tabMessages" } as const)[road];
    this.hybridStats.value = {
      ...stats,
      [name]: stats[name] + fresh,
      duplicatesFiltered: stats.duplicatesFiltered + duplicates,
    };
  }

  heardFromPeers(count: number): void {
    const stats = this.hybridStats.peek();
    this.hybridStats.value = { ...stats, p2pMessages: stats.p2pMessages + count };
  }

  stored(afterMs: number | undefined): void {
    if (afterMs !== undefined) {
      this.#storedAfterMs = [...this.#storedAfterMs, afterMs].slice(-STORED_MAX);
      this.#tap?.stored(afterMs);
    }
    const stats = this.hybridStats.peek();
    this.hybridStats.value = { ...stats, stored: stats.stored + 1, storedAfterMs: medianOf(this.#storedAfterMs) };
  }

  refused(): void {
    const stats = this.hybridStats.peek();
    this.hybridStats.value = { ...stats, refused: stats.refused + 1 };
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
    this.meshMode.value = mode;
    this.#parts.peers?.keepMode(mode);
    this.#loadedControl?.look();
  }

  async attemptP2PUpgrade(): Promise<{ problem?: "off" | "unavailable" }> {
    if (this.meshMode.peek() === "off") return { problem: "off" };
    const control = await this.#loadControl();
    control?.connectNow();
    return control === undefined ? { problem: "unavailable" } : {};
  }

  async pairPhone(
    onState: (state: PairingState) => void,
  ): Promise<Pairing | { problem: "unavailable" | "other_tab" }> {
    // Who holds two phones together wants peers.
    if (this.meshMode.peek() === "off") this.setMeshMode("auto");
    await this.#parts.session().ready;
    return (await this.#loadControl())?.pair(onState) ?? { problem: "unavailable" };
  }

  forceReconnect(): void {
    this.#roads.wake();
    this.#parts.session().forceReconnect();
  }

  resetRoads(): void {
    this.#roads.networkChanged();
    this.#meters = { websocket: NEW_METER, polling: NEW_METER };
    batch(() => {
      this.connectionQuality.value = this.#qualities();
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
      ...qualityOf(this.#meters[road]),
      available: situation.available[road],
      breaker: breaker.name,
      objection: objectionTo(road, situation),
      restsForMs: Math.max(0, breakerAllowsAt(breaker, SERVER_BREAKER) - situation.now),
    };
  }

  #routeChanged(route: Route | undefined): void {
    this.#uses(route);
    if (route === undefined) return;
    const line = `road: ${route.road} (${route.reason})`;
    this.note(line);
    this.#parts.log?.(line);
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

  /** Without a connection there is nobody to report to: then later. */
  #reportLater(): Cancel {
    const { timers, session, steady, random } = this.#parts;
    let cancel = timers.after(REPORTS_AFTER_MS, () => {
      if (session().connection.peek().state !== "connected") return void (cancel = this.#reportLater());
      // Without its code nothing is told: nobody misses it.
      import("./on_demand.ts").then(({ reportRoads }) => {
        if (this.#disposed) return;
        this.#tap = reportRoads({
          steady,
          timers,
          random,
          measure: () => this.measure(),
          openedAt: this.#openedAt,
          meters: this.#meters,
          storedAfterMs: this.#storedAfterMs,
          currentRoute: this.currentRoute,
          hybridStats: this.hybridStats,
          mesh: this.mesh,
        });
      }, () => {});
    });
    return () => cancel();
  }

  #loadControl(): Promise<MeshControl | undefined> {
    const { peers, timers, random, session, notices, log } = this.#parts;
    if (peers === undefined || this.#disposed) return Promise.resolve(undefined);
    return this.#control ??= import("./on_demand.ts").then(({ MeshControl }) => {
      if (this.#disposed) return undefined;
      return this.#loadedControl = new MeshControl({
        ...peers,
        timers,
        random,
        session: session(),
        ...notices && { notices },
        power: () => ({ ...peers.power(), mode: this.meshMode.peek() }),
        follows: () => this.follows,
        onView: (view) => {
          this.mesh.value = view;
          this.#tellRoute();
        },
        log: (line) => {
          this.note(line);
          log?.(line);
        },
      });
    }).catch(() => {
      // Its code did not come: asked for again when it is wanted again.
      this.#control = undefined;
      return undefined;
    });
  }

  #outcome(road: RoadName, outcome: RoadOutcome): void {
    this.note(`${road}: ${outcome.type}`);
    if (outcome.type === "ended" || outcome.type === "abandoned") return;
    const worked = outcome.type === "connected";
    this.#tap?.tried(road, worked);
    this.#meters[road] = withTry(this.#meters[road], worked);
    this.connectionQuality.value = this.#qualities();
  }

  #qualities(): Record<RoadName, RoadQuality> {
    const [websocket, polling] = ROADS.map((road) => qualityOf(this.#meters[road]));
    return { websocket: websocket!, polling: polling! };
  }
}
