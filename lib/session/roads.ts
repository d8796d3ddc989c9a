/**
 * The roads of one room as a single OpenRoad: each opening takes the road that chooseRoad names, goes on to the next one
 * while nothing came over it, and notes what came of each. While a lesser road is in use, a better one is tried in the
 * background; when it works, the connection moves there.
 *
 * One opening tries each road at most once: how often openings come is the session's backoff.
 */
import { closeReasonOf } from "../protocol/codes.ts";
import {
  betterRoadAt,
  chooseRoad,
  NEW_ROAD_FACTS,
  type Preference,
  ROAD_PATIENCE_MS,
  roadAfter,
  type RoadFacts,
  roadForgiven,
  type RoadName,
  type RoadOutcome,
  type RoadReason,
  ROADS,
  type RoadSituation,
  roadTried,
} from "../routing/road_choice.ts";
import type { OpenRoad, Road, RoadEvents } from "../transport/road.ts";
import type { Cancel, Clock, Timers } from "./deps.ts";
import { PROBE_TIMEOUT_MS } from "./limits.ts";

export interface RoadsParts {
  clock: Clock;
  timers: Timers;
  /** How each road is opened; one without an entry is not available. */
  openers: Readonly<Partial<Record<RoadName, OpenRoad>>>;
  /** The connection was just told that its road ended, because a better one stands ready: it should open now. */
  onBetterRoad(): void;
  /** Another road is in use, or none. */
  onRoute?(route: Route | undefined): void;
}

/** The road in use, and why. */
export interface Route {
  road: RoadName;
  reason: RoadReason;
}

/** RFC 6455 section 7.4.1, "abnormal closure": the code of a road that broke. */
const BROKEN = 1006;

export class Roads {
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
    const { openers, clock } = this.#parts;
    return {
      roads: this.#facts,
      available: { websocket: openers.websocket !== undefined, polling: openers.polling !== undefined },
      preference: this.#preference,
      now: clock.now(),
    };
  }

  /** From the next opening on. */
  setPreference(preference: Preference): void {
    this.#preference = preference;
  }

  /** The device woke: no road has to rest any longer. */
  wake(): void {
    for (const road of ROADS) this.#facts[road] = roadForgiven(this.#facts[road], this.#parts.clock.now());
  }

  /** Another network: nothing is known of it. */
  networkChanged(): void {
    for (const road of ROADS) this.#facts[road] = NEW_ROAD_FACTS;
    if (this.#route !== undefined) this.#watchForBetter(this.#route.road);
  }

  /** Nothing is left running but a road that was handed out. */
  dispose(): void {
    this.#dropTrial();
  }

  // ---- for ChosenRoad ----

  tried(road: RoadName): void {
    this.#facts[road] = roadTried(this.#facts[road], this.#parts.clock.now());
  }

  note(road: RoadName, outcome: RoadOutcome): void {
    this.#facts[road] = roadAfter(this.#facts[road], outcome, this.#parts.clock.now());
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
    const { clock, timers } = this.#parts;
    this.#cancelTrial = timers.after(better.at - clock.now(), () => this.#try(better.road, inUse));
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

interface AttemptEvents {
  received(data: unknown): void;
  closed(code: number): void;
}

/** One road that was opened, whose events can be handed to another listener. */
class Attempt {
  opened = false;
  listener: AttemptEvents;
  readonly #open: OpenRoad;
  #road: Road | undefined;

  constructor(open: OpenRoad, listener: AttemptEvents) {
    this.#open = open;
    this.listener = listener;
  }

  /** Begins to open; `closed` may come before this returns, when the platform will not even try. */
  start(): void {
    try {
      this.#road = this.#open({
        opened: () => this.opened = true,
        received: (data) => this.listener.received(data),
        closed: (code) => this.listener.closed(code),
      });
    } catch {
      // A platform that throws here (a policy against WebSockets, say) has no such road: the same as a closed one.
      this.listener.closed(BROKEN);
    }
  }

  send(text: string): boolean {
    return this.#road?.send(text) ?? false;
  }

  close(): void {
    this.listener = { received() {}, closed() {} };
    this.#road?.close();
  }
}

type State =
  /** Nothing came yet: the next road may still be tried. */
  | { name: "trying"; road: RoadName; attempt: Attempt; since: number }
  /** The first frame came. `askedAt`: when our first one went. */
  | { name: "greeted"; route: Route; attempt: Attempt; patienceMs?: number; askedAt?: number }
  /** Frames went both ways. `askedAt`: since when something of ours is without an answer. */
  | { name: "in_use"; route: Route; attempt: Attempt; since: number; askedAt?: number }
  | { name: "over" };

/** One opening, over whichever road carries it. */
class ChosenRoad implements Road {
  readonly #roads: Roads;
  readonly #parts: RoadsParts;
  readonly #events: RoadEvents;
  readonly #tried = new Set<RoadName>();
  #state: State = { name: "over" };
  #cancelPatience: Cancel = () => {};

  constructor(roads: Roads, parts: RoadsParts, events: RoadEvents) {
    this.#roads = roads;
    this.#parts = parts;
    this.#events = events;
  }

  tryNext(): void {
    const { clock, timers, openers } = this.#parts;
    const choice = chooseRoad(this.#roads.situation);
    const open = choice.road && openers[choice.road];
    if (choice.road === undefined || open === undefined || this.#tried.has(choice.road)) {
      // Later: no event may come before the opening returned.
      this.#cancelPatience = timers.after(0, () => this.#end(BROKEN));
      return;
    }
    const { road, reason, patienceMs } = choice;
    const route: Route = { road, reason };
    this.#tried.add(road);
    const greeted = (attempt: Attempt) => {
      this.#cancelPatience();
      this.#state = { name: "greeted", route, attempt, ...(patienceMs === undefined ? {} : { patienceMs }) };
    };
    const listener = (attempt: Attempt): AttemptEvents => ({
      received: (data) => {
        if (told !== undefined) return void told.push(data);
        if (this.#state.name === "trying") {
          greeted(attempt);
          this.#events.opened();
        } else this.#heard();
        this.#events.received(data);
      },
      closed: (code) => this.#closed(code),
    });

    const ready = this.#roads.takeTrial(road);
    /** What came over a road that is taken over, until the opening has returned. */
    let told = ready?.frames;
    if (ready !== undefined) {
      ready.attempt.listener = listener(ready.attempt);
      greeted(ready.attempt);
      this.#cancelPatience = timers.after(0, () => {
        told = undefined;
        this.#events.opened();
        for (const [index, data] of ready.frames.entries()) {
          if (index > 0) this.#heard();
          this.#events.received(data);
        }
      });
      return;
    }
    this.#roads.tried(road);
    const attempt: Attempt = new Attempt(open, {
      received: (data) => listener(attempt).received(data),
      closed: (code) => this.#closed(code),
    });
    this.#state = { name: "trying", road, attempt, since: clock.now() };
    if (patienceMs !== undefined) {
      this.#cancelPatience = timers.after(patienceMs, () => {
        attempt.close();
        this.#failed(road, attempt.opened ? "opened_but_mute" : "no_answer");
      });
    }
    attempt.start();
  }

  send(text: string): boolean {
    const state = this.#state;
    if (state.name !== "greeted" && state.name !== "in_use") return false;
    const sent = state.attempt.send(text);
    if (sent && state.askedAt === undefined) {
      state.askedAt = this.#parts.clock.now();
      if (state.name === "greeted" && state.patienceMs !== undefined) {
        this.#cancelPatience = this.#parts.timers.after(state.patienceMs, () => {
          this.#roads.note(state.route.road, { type: "opened_but_mute" });
          state.attempt.close();
          this.#end(BROKEN);
        });
      }
    }
    return sent;
  }

  close(): void {
    const state = this.#state;
    this.#cancelPatience();
    this.#state = { name: "over" };
    if (state.name === "over") return;
    const now = this.#parts.clock.now();
    // Whoever closes says nothing of why; a road that owes an answer went mute.
    const owes = state.name !== "trying" && state.askedAt !== undefined && now - state.askedAt >= PROBE_TIMEOUT_MS;
    if (state.name === "in_use") {
      this.#roads.note(state.route.road, { type: owes ? "cut" : "ended", afterMs: now - state.since });
    } else if (state.name === "greeted") {
      this.#roads.note(state.route.road, { type: owes ? "opened_but_mute" : "abandoned" });
    } else {
      const silent = now - state.since >= ROAD_PATIENCE_MS;
      const how = state.attempt.opened ? "opened_but_mute" : "no_answer";
      this.#roads.note(state.road, { type: silent ? how : "abandoned" });
    }
    state.attempt.close();
    this.#roads.left(this);
  }

  /** Ends this road, which works, in favour of a better one. */
  moveAway(): void {
    const state = this.#state;
    if (state.name !== "in_use") return;
    this.#roads.note(state.route.road, { type: "ended", afterMs: this.#parts.clock.now() - state.since });
    state.attempt.close();
    this.#end(BROKEN);
  }

  /** A frame after the first one. */
  #heard(): void {
    const state = this.#state;
    if (state.name === "in_use") state.askedAt = undefined;
    if (state.name !== "greeted") return;
    this.#cancelPatience();
    const { route, attempt } = state;
    this.#state = { name: "in_use", route, attempt, since: this.#parts.clock.now() };
    this.#roads.note(route.road, { type: "connected" });
    this.#roads.uses(this, route);
  }

  #closed(code: number): void {
    const state = this.#state;
    switch (state.name) {
      case "over":
        return;
      case "trying":
        return this.#failed(state.road, state.attempt.opened ? "opened_but_mute" : "upgrade_failed");
      case "greeted":
        this.#roads.note(state.route.road, { type: "opened_but_mute" });
        break;
      case "in_use": {
        const afterMs = this.#parts.clock.now() - state.since;
        this.#roads.note(state.route.road, { type: closeReasonOf(code) === undefined ? "cut" : "ended", afterMs });
      }
    }
    this.#end(code);
  }

  #failed(road: RoadName, how: "upgrade_failed" | "opened_but_mute" | "no_answer"): void {
    this.#cancelPatience();
    this.#state = { name: "over" };
    this.#roads.note(road, { type: how });
    this.tryNext();
  }

  #end(code: number): void {
    this.#cancelPatience();
    this.#state = { name: "over" };
    this.#roads.left(this);
    this.#events.closed(code);
  }
}
