/** What one page measures of a room's roads, and counts of what came over them: signals for the connection panel. */
import { type Signal, signal } from "@preact/signals";
import { type RoadName, ROADS } from "../routing/road_choice.ts";
import {
  medianOf,
  NEW_METER,
  qualityOf,
  type RoadMeter,
  type RoadQuality,
  withRoundTrip,
  withTry,
} from "../routing/road_meter.ts";
import { type CurrentRoute, type HybridStats, NO_STATS } from "./connection_model.ts";
import type { SessionMeter } from "./deps.ts";
import type { RoadTap } from "./road_reporter.ts";

/** Storing times kept for their median. */
const STORED_MAX = 50;
const NOTHING_MEASURED: Readonly<Record<RoadName, RoadMeter>> = { websocket: NEW_METER, polling: NEW_METER };

export abstract class ConnectionMeter implements SessionMeter {
  readonly connectionQuality: Signal<Readonly<Record<RoadName, RoadQuality>>> = signal(qualitiesOf(NOTHING_MEASURED));
  readonly hybridStats: Signal<HybridStats> = signal(NO_STATS);
  #meters = NOTHING_MEASURED;
  #storedAfterMs: readonly number[] = [];
  #tap: RoadTap | undefined;

  /** The road to the server, or to the tab that has it; undefined without one. */
  protected abstract get roadInUse(): CurrentRoute["road"] | undefined;

  protected get meters(): Readonly<Record<RoadName, RoadMeter>> {
    return this.#meters;
  }

  /** How long my newest messages took from their sending until they were stored, ms. */
  protected get storedAfterMs(): readonly number[] {
    return this.#storedAfterMs;
  }

  /** Tells also this one of what is measured from now on. */
  protected useTap(tap: RoadTap): void {
    this.#tap = tap;
  }

  protected forgetMeasured(): void {
    this.#measured(NOTHING_MEASURED);
  }

  protected tried(road: RoadName, worked: boolean): void {
    this.#tap?.tried(road, worked);
    this.#measured({ ...this.#meters, [road]: withTry(this.#meters[road], worked) });
  }

  roundTrip(ms: number): void {
    const road = this.roadInUse;
    if (road !== "websocket" && road !== "polling") return;
    this.#tap?.roundTrip(road, ms);
    this.#measured({ ...this.#meters, [road]: withRoundTrip(this.#meters[road], ms) });
  }

  received(fresh: number, duplicates: number): void {
    const road = this.roadInUse;
    // What the device kept came over no road.
    if (road === undefined || road === "p2p") return;
    const name = ({ websocket: "webSocketMessages", polling: "pollingMessages", tab: "tabMessages" } as const)[road];
    this.#count({ [name]: fresh, duplicatesFiltered: duplicates });
  }

  heardFromPeers(count: number): void {
    this.#count({ p2pMessages: count });
  }

  stored(afterMs: number | undefined): void {
    if (afterMs !== undefined) {
      this.#storedAfterMs = [...this.#storedAfterMs, afterMs].slice(-STORED_MAX);
      this.#tap?.stored(afterMs);
    }
    this.#count({ stored: 1 });
  }

  refused(): void {
    this.#count({ refused: 1 });
  }

  #count(more: Partial<Omit<HybridStats, "storedAfterMs">>): void {
    const stats = { ...this.hybridStats.peek(), storedAfterMs: medianOf(this.#storedAfterMs) };
    for (const name of Object.keys(more) as (keyof typeof more)[]) stats[name] += more[name] ?? 0;
    this.hybridStats.value = stats;
  }

  #measured(meters: Readonly<Record<RoadName, RoadMeter>>): void {
    this.#meters = meters;
    this.connectionQuality.value = qualitiesOf(meters);
  }
}

function qualitiesOf(meters: Readonly<Record<RoadName, RoadMeter>>): Record<RoadName, RoadQuality> {
  const [websocket, polling] = ROADS.map((road) => qualityOf(meters[road]));
  return { websocket: websocket!, polling: polling! };
}
