/**
 * One opening: it takes the best road, and the next best while nothing came over it, each at most once. What comes of each
 * is told to the keeper of the roads (roads.ts).
 */
import { closeReasonOf } from "../protocol/codes.ts";
import {
  chooseRoad,
  ROAD_PATIENCE_MS,
  type RoadName,
  type RoadOutcome,
  type RoadReason,
  type RoadSituation,
} from "../routing/road_choice.ts";
import type { OpenRoad, Road, RoadEvents } from "../transport/road.ts";
import type { Cancel, Clock, Timers } from "./deps.ts";
import { PROBE_TIMEOUT_MS } from "./limits.ts";

/** The road in use, and why. */
export interface Route {
  road: RoadName;
  reason: RoadReason;
}

/** Who knows the roads from one opening to the next. */
export interface RoadKeeper {
  readonly situation: RoadSituation;
  /** A road is about to be opened. */
  tried(road: RoadName): void;
  /** Something came of it. */
  note(road: RoadName, outcome: RoadOutcome): void;
  /** Frames go both ways over it. */
  uses(opening: ChosenRoad, route: Route): void;
  /** The opening is over. */
  left(opening: ChosenRoad): void;
  /** A road that was tried in the background and works, with the frames that came over it so far. */
  takeTrial(road: RoadName): { attempt: Attempt; frames: unknown[] } | undefined;
}

interface RoadParts {
  steady: Clock;
  timers: Timers;
  openers: Readonly<Partial<Record<RoadName, OpenRoad>>>;
}

/** RFC 6455 section 7.4.1, "abnormal closure": the code of a road that broke. */
const BROKEN = 1006;

interface AttemptEvents {
  received(data: unknown): void;
  closed(code: number): void;
}

/** One road that was opened, whose events can be handed to another listener. */
export class Attempt {
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
export class ChosenRoad implements Road {
  readonly #roads: RoadKeeper;
  readonly #parts: RoadParts;
  readonly #events: RoadEvents;
  readonly #tried = new Set<RoadName>();
  #state: State = { name: "over" };
  #cancelPatience: Cancel = () => {};

  constructor(roads: RoadKeeper, parts: RoadParts, events: RoadEvents) {
    this.#roads = roads;
    this.#parts = parts;
    this.#events = events;
  }

  tryNext(): void {
    const { steady, timers, openers } = this.#parts;
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
    this.#state = { name: "trying", road, attempt, since: steady.now() };
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
      state.askedAt = this.#parts.steady.now();
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
    const now = this.#parts.steady.now();
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
    this.#roads.note(state.route.road, { type: "ended", afterMs: this.#parts.steady.now() - state.since });
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
    this.#state = { name: "in_use", route, attempt, since: this.#parts.steady.now() };
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
        const afterMs = this.#parts.steady.now() - state.since;
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
