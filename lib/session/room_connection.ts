/**
 * The roads of one room in one page, put together: WebSocket and polling by choice, one connection for all tabs of the
 * device, and a ConnectionModel that tells and steers them.
 */
import { batch, type Signal, signal } from "@preact/signals";
import { breakerAllowsAt, SERVER_BREAKER } from "../routing/circuit_breaker.ts";
import { objectionTo, type Preference, type RoadName, type RoadOutcome, ROADS } from "../routing/road_choice.ts";
import {
  medianOf,
  NEW_METER,
  qualityOf,
  type RoadMeter,
  type RoadQuality,
  withRoundTrip,
  withTry,
} from "../routing/road_meter.ts";
import type { OpenRoad } from "../transport/road.ts";
import type { Clock, Random, SessionMeter, Timers } from "./deps.ts";
import {
  type ConnectionDiagnostics,
  type ConnectionModel,
  type CurrentRoute,
  type HybridStats,
  NO_STATS,
  type RoadDiagnostics,
} from "./connection_model.ts";
import { Roads, type Route } from "./roads.ts";
import { SharedRoad, type SharedRoadParts } from "./shared_road.ts";
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
  log?(line: string): void;
}

/** Lines of the page's notes that are kept. */
const LOG_MAX_LINES = 50;
/** Storing times kept for their median. */
const STORED_MAX = 50;

export class RoomConnection implements ConnectionModel, SessionMeter {
  readonly currentRoute: Signal<CurrentRoute | undefined> = signal(undefined);
  readonly connectionQuality: Signal<Readonly<Record<RoadName, RoadQuality>>>;
  readonly hybridStats: Signal<HybridStats> = signal(NO_STATS);
  readonly preferredRoute: Signal<Preference> = signal("auto");

  readonly #parts: RoomConnectionParts;
  readonly #roads: Roads;
  readonly #shared: SharedRoad | undefined;
  readonly #openedAt: number;
  #meters: Record<RoadName, RoadMeter> = { websocket: NEW_METER, polling: NEW_METER };
  #storedAfterMs: number[] = [];
  readonly #log: string[] = [];

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
        if (this.#shared?.follows && this.currentRoute.peek()?.road !== "tab") {
          this.currentRoute.value = { road: "tab", reason: "shared" };
        }
        events.received(data);
      },
      closed: (code) => {
        if (this.currentRoute.peek()?.road === "tab") this.currentRoute.value = undefined;
        events.closed(code);
      },
    });

  wake(): void {
    this.#roads.wake();
    this.#parts.session().wake();
  }

  networkChanged(): void {
    this.#roads.networkChanged();
    this.#parts.session().wake();
  }

  leave(): void {
    this.#shared?.leave();
    this.#roads.leave();
  }

  dispose(): void {
    this.#shared?.dispose();
    this.#roads.dispose();
  }

  note(line: string): void {
    this.#log.push(`${new Date(this.#parts.clock.now()).toISOString()} ${line}`);
    if (this.#log.length > LOG_MAX_LINES) this.#log.shift();
  }

  // ---- SessionMeter ----

  roundTrip(ms: number): void {
    const road = this.currentRoute.peek()?.road;
    if (road === undefined || road === "tab") return;
    this.#meters[road] = withRoundTrip(this.#meters[road], ms);
    this.connectionQuality.value = this.#qualities();
  }

  received(fresh: number, duplicates: number): void {
    const road = this.currentRoute.peek()?.road;
    // What the device kept came over no road.
    if (road === undefined) return;
    const stats = this.hybridStats.peek();
    const name = ({ websocket: "webSocketMessages", polling: "pollingMessages", tab: "tabMessages" } as const)[road];
    this.hybridStats.value = {
      ...stats,
      [name]: stats[name] + fresh,
      duplicatesFiltered: stats.duplicatesFiltered + duplicates,
    };
  }

  stored(afterMs: number | undefined): void {
    if (afterMs !== undefined) this.#storedAfterMs = [...this.#storedAfterMs, afterMs].slice(-STORED_MAX);
    const stats = this.hybridStats.peek();
    this.hybridStats.value = { ...stats, stored: stats.stored + 1, storedAfterMs: medianOf(this.#storedAfterMs) };
  }

  refused(): void {
    const stats = this.hybridStats.peek();
    this.hybridStats.value = { ...stats, refused: stats.refused + 1 };
  }

  // ---- ConnectionModel ----

  setPreferredRoute(preference: Preference): void {
    if (preference === this.preferredRoute.peek()) return;
    this.preferredRoute.value = preference;
    this.#roads.setPreference(preference);
    this.#shared?.lead();
    this.#parts.session().forceReconnect();
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
    this.currentRoute.value = route;
    if (route === undefined) return;
    const line = `road: ${route.road} (${route.reason})`;
    this.note(line);
    this.#parts.log?.(line);
  }

  #outcome(road: RoadName, outcome: RoadOutcome): void {
    this.note(`${road}: ${outcome.type}`);
    if (outcome.type === "ended" || outcome.type === "abandoned") return;
    this.#meters[road] = withTry(this.#meters[road], outcome.type === "connected");
    this.connectionQuality.value = this.#qualities();
  }

  #qualities(): Record<RoadName, RoadQuality> {
    const [websocket, polling] = ROADS.map((road) => qualityOf(this.#meters[road]));
    return { websocket: websocket!, polling: polling! };
  }
}
