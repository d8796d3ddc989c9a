/**
 * The roads of one room as a single OpenRoad: each opening takes the road that chooseRoad names, goes on to the next one
 * while nothing came over it, and notes what came of each. While a lesser road is in use, a better one is tried in the
 * background; when it works, the connection moves there.
 *
 * One opening tries each road at most once: how often openings come is the session's backoff.
 */
import {
  betterRoadAt,
  NEW_ROAD_FACTS,
  type Preference,
  ROAD_PATIENCE_MS,
  roadAfter,
  type RoadFacts,
  roadForgiven,
  type RoadName,
  type RoadOutcome,
  ROADS,
  type RoadSituation,
  roadTried,
} from "../routing/road_choice.ts";
import type { OpenRoad } from "../transport/road.ts";
import { Attempt, ChosenRoad, type RoadKeeper, type Route } from "./chosen_road.ts";
import type { Cancel, Clock, Timers } from "./deps.ts";

export type { Route } from "./chosen_road.ts";

export interface RoadsParts {
  steady: Clock;
  timers: Timers;
  /** How each road is opened; one without an entry is not available. */
  openers: Readonly<Partial<Record<RoadName, OpenRoad>>>;
  /** The connection was just told that its road ended, because a better one stands ready: it should open now. */
  onBetterRoad(): void;
  /** Another road is in use, or none. */
  onRoute?(route: Route | undefined): void;
  /** Something came of a try, or of a connection. */
  onOutcome?(road: RoadName, outcome: RoadOutcome): void;
}

export class Roads implements RoadKeeper {
  readonly #parts: RoadsParts;
  #facts: Record<RoadName, RoadFacts> = { websocket: NEW_ROAD_FACTS, polling: NEW_ROAD_FACTS };
  #preference: Preference = "auto";
  #route: Route | undefined;
  #current: ChosenRoad | undefined;
  /** A better road that is tried, or that works and waits to be taken over. */
  #trial: { road: RoadName; attempt: Attempt; frames: unknown[] } | undefined;
  #cancelTrial: Cancel = () => {};

  constructor(parts: RoadsParts) {
    this.#parts = parts;
  }

  /** Opens the best road. */
  readonly open: OpenRoad = (events) => {
    const road = new ChosenRoad(this, this.#parts, events);
    this.#current = road;
    road.tryNext();
    return road;
  };

  get route(): Route | undefined {
    return this.#route;
  }

  /** All that chooseRoad goes by; also for the connection panel. */
  get situation(): RoadSituation {
    const { openers, steady } = this.#parts;
    return {
      roads: this.#facts,
      available: { websocket: openers.websocket !== undefined, polling: openers.polling !== undefined },
      preference: this.#preference,
      now: steady.now(),
    };
  }

  /** A better road than the one in use that will be tried, and when, ms since 1970. */
  get next(): { road: RoadName; at: number } | undefined {
    return this.#route === undefined ? undefined : betterRoadAt(this.#route.road, this.situation);
  }

  /** From the next opening on. */
  setPreference(preference: Preference): void {
    this.#preference = preference;
  }

  /** The device woke: no road has to rest any longer. */
  wake(): void {
    for (const road of ROADS) this.#facts[road] = roadForgiven(this.#facts[road], this.#parts.steady.now());
  }

  /** Another network: nothing is known of it. */
  networkChanged(): void {
    for (const road of ROADS) this.#facts[road] = NEW_ROAD_FACTS;
    if (this.#route !== undefined) this.#watchForBetter(this.#route.road);
  }

  /**
   * The page is left, perhaps for good: the server is told as far as the road can. A page that comes back finds a road
   * that takes nothing, and opens another one.
   */
  leave(): void {
    this.#current?.close();
  }

  /** Nothing is left running but a road that was handed out. */
  dispose(): void {
    this.#dropTrial();
  }

  // ---- what a ChosenRoad asks and tells ----

  tried(road: RoadName): void {
    this.#facts[road] = roadTried(this.#facts[road], this.#parts.steady.now());
  }

  note(road: RoadName, outcome: RoadOutcome): void {
    this.#parts.onOutcome?.(road, outcome);
    this.#facts[road] = roadAfter(this.#facts[road], outcome, this.#parts.steady.now());
  }

  /** A road is in use. */
  uses(chosen: ChosenRoad, route: Route): void {
    if (chosen !== this.#current) return;
    this.#route = route;
    this.#parts.onRoute?.(route);
    this.#watchForBetter(route.road);
  }

  left(chosen: ChosenRoad): void {
    if (chosen !== this.#current) return;
    this.#current = undefined;
    if (this.#route === undefined) return;
    this.#route = undefined;
    this.#parts.onRoute?.(undefined);
    // One that works is on its way to be taken over.
    if (this.#trial === undefined || this.#trial.frames.length === 0) this.#dropTrial();
  }

  /** A trial that works, with what came over it so far. */
  takeTrial(road: RoadName): { attempt: Attempt; frames: unknown[] } | undefined {
    const trial = this.#trial;
    if (trial?.road !== road || trial.frames.length === 0) return undefined;
    this.#cancelTrial();
    this.#trial = undefined;
    return trial;
  }

  // ---- trials ----

  #watchForBetter(inUse: RoadName): void {
    this.#dropTrial();
    const better = betterRoadAt(inUse, this.situation);
    if (better === undefined) return;
    const { steady, timers } = this.#parts;
    this.#cancelTrial = timers.after(Math.max(0, better.at - steady.now()), () => this.#try(better.road, inUse));
  }

  #try(road: RoadName, inUse: RoadName): void {
    const { openers, timers } = this.#parts;
    const open = openers[road];
    if (open === undefined) return;
    const failed = (outcome: RoadOutcome) => {
      this.note(road, outcome);
      this.#watchForBetter(inUse);
    };
    this.tried(road);
    const attempt = new Attempt(open, {
      received: (data) => {
        const frames = this.#trial?.frames;
        if (frames?.push(data) !== 1) return;
        this.note(road, { type: "connected" });
        this.#cancelTrial();
        // Should nobody take it over, it is not kept.
        this.#cancelTrial = timers.after(ROAD_PATIENCE_MS, () => this.#dropTrial());
        this.#current?.moveAway();
        this.#parts.onBetterRoad();
      },
      closed: () =>
        this.#trial?.attempt === attempt && failed({ type: attempt.opened ? "opened_but_mute" : "upgrade_failed" }),
    });
    this.#trial = { road, attempt, frames: [] };
    this.#cancelTrial = timers.after(ROAD_PATIENCE_MS, () => {
      failed({ type: attempt.opened ? "opened_but_mute" : "no_answer" });
    });
    attempt.start();
  }

  #dropTrial(): void {
    this.#cancelTrial();
    const trial = this.#trial;
    this.#trial = undefined;
    trial?.attempt.close();
  }
}
