/**
 * One attempt to open a transport: it tries the best one, then the next while nothing arrived, each at most once. It
 * reports every outcome to the transport manager.
 */
import type { Cancel } from "../../shared/environment.ts";
import { closeReasonOf } from "../../protocol/codes.ts";
import {
  chooseTransport,
  TRANSPORT_PATIENCE_MS,
  type TransportName,
  type TransportOutcome,
  type TransportReason,
  type TransportSituation,
} from "../../routing/transport_choice.ts";
import {
  ABNORMAL_CLOSURE,
  type OpenTransport,
  type Transport,
  type TransportEvents,
} from "../../transport/transport.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { PROBE_TIMEOUT_MS } from "../ports/session_limits.ts";

/** The transport in use, and why. */
export interface Route {
  transport: TransportName;
  reason: TransportReason;
}

/** Keeps what is known of the transports from one attempt to the next. */
export interface TransportRegistry {
  readonly situation: TransportSituation;
  /** A transport is about to be opened. */
  tried(transport: TransportName): void;
  /** Reports an outcome. */
  note(transport: TransportName, outcome: TransportOutcome): void;
  /** Frames travel both ways over it. */
  uses(opening: TransportAttempt, route: Route): void;
  /** The attempt is over. */
  left(opening: TransportAttempt): void;
  /** A transport that a background trial opened successfully, with the frames it received so far. */
  takeTrial(transport: TransportName): { attempt: TransportAttemptEvents; frames: unknown[] } | undefined;
}

export interface TransportDeps extends Pick<SessionDeps, "steady" | "timers"> {
  /** How each transport is opened; one without an entry is not available. */
  openers: Readonly<Partial<Record<TransportName, OpenTransport>>>;
}

type AttemptEvents = Pick<TransportEvents, "received" | "closed">;

/** An opened transport whose events can be handed to another listener. */
export class TransportAttemptEvents {
  opened = false;
  listener: AttemptEvents;
  readonly #open: OpenTransport;
  #transport: Transport | undefined;

  constructor(open: OpenTransport, listener: AttemptEvents) {
    this.#open = open;
    this.listener = listener;
  }

  /** Begins to open. `closed` may be called before this returns, when the platform refuses at once. */
  start(): void {
    try {
      this.#transport = this.#open({
        opened: () => this.opened = true,
        received: (data) => this.listener.received(data),
        closed: (code) => this.listener.closed(code),
      });
    } catch {
      // The platform refuses this transport, by a policy against WebSockets for example.
      this.listener.closed(ABNORMAL_CLOSURE);
    }
  }

  send(text: string): boolean {
    return this.#transport?.send(text) ?? false;
  }

  close(): void {
    this.listener = { received() {}, closed() {} };
    this.#transport?.close();
  }
}

type State =
  /** Nothing arrived yet: the next transport may still be tried. */
  | { name: "trying"; transport: TransportName; attempt: TransportAttemptEvents; since: number }
  /** The first frame arrived. `askedAt`: when our first frame was sent. */
  | { name: "greeted"; route: Route; attempt: TransportAttemptEvents; patienceMs?: number; askedAt?: number }
  /** Frames travelled both ways. `askedAt`: since when a frame of ours has had no answer. */
  | { name: "in_use"; route: Route; attempt: TransportAttemptEvents; since: number; askedAt?: number }
  | { name: "over" };

/** One attempt, over the transport that works. */
export class TransportAttempt implements Transport {
  readonly #transports: TransportRegistry;
  readonly #deps: TransportDeps;
  readonly #events: TransportEvents;
  readonly #tried = new Set<TransportName>();
  #state: State = { name: "over" };
  #cancelPatience: Cancel = () => {};

  constructor(transports: TransportRegistry, deps: TransportDeps, events: TransportEvents) {
    this.#transports = transports;
    this.#deps = deps;
    this.#events = events;
  }

  tryNext(): void {
    const { steady, timers, openers } = this.#deps;
    const choice = chooseTransport(this.#transports.situation);
    const open = choice.transport && openers[choice.transport];
    if (choice.transport === undefined || open === undefined || this.#tried.has(choice.transport)) {
      // Later, because no event may be delivered before `open` has returned.
      this.#cancelPatience = timers.after(0, () => this.#end(ABNORMAL_CLOSURE));
      return;
    }
    const { transport, reason, patienceMs } = choice;
    const route: Route = { transport, reason };
    this.#tried.add(transport);
    const greeted = (attempt: TransportAttemptEvents) => {
      this.#cancelPatience();
      this.#state = { name: "greeted", route, attempt, ...(patienceMs === undefined ? {} : { patienceMs }) };
    };
    const listener = (attempt: TransportAttemptEvents): AttemptEvents => ({
      received: (data) => {
        if (queued !== undefined) return void queued.push(data);
        if (this.#state.name === "trying") {
          greeted(attempt);
          this.#events.opened();
        } else this.#heard();
        this.#events.received(data);
      },
      closed: (code) => this.#closed(code),
    });

    const ready = this.#transports.takeTrial(transport);
    /** Frames of a trial that becomes the transport, until `open` has returned. */
    let queued = ready?.frames;
    if (ready !== undefined) {
      ready.attempt.listener = listener(ready.attempt);
      greeted(ready.attempt);
      this.#cancelPatience = timers.after(0, () => {
        queued = undefined;
        this.#events.opened();
        for (const [index, data] of ready.frames.entries()) {
          if (index > 0) this.#heard();
          this.#events.received(data);
        }
      });
      return;
    }
    this.#transports.tried(transport);
    const attempt: TransportAttemptEvents = new TransportAttemptEvents(open, {
      received: (data) => listener(attempt).received(data),
      closed: (code) => this.#closed(code),
    });
    this.#state = { name: "trying", transport, attempt, since: steady.now() };
    if (patienceMs !== undefined) {
      this.#cancelPatience = timers.after(patienceMs, () => {
        attempt.close();
        this.#failed(transport, attempt.opened ? "opened_but_silent" : "no_answer");
      });
    }
    attempt.start();
  }

  send(text: string): boolean {
    const state = this.#state;
    if (state.name !== "greeted" && state.name !== "in_use") return false;
    const sent = state.attempt.send(text);
    if (sent && state.askedAt === undefined) {
      state.askedAt = this.#deps.steady.now();
      if (state.name === "greeted" && state.patienceMs !== undefined) {
        this.#cancelPatience = this.#deps.timers.after(state.patienceMs, () => {
          this.#transports.note(state.route.transport, { type: "opened_but_silent" });
          state.attempt.close();
          this.#end(ABNORMAL_CLOSURE);
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
    const now = this.#deps.steady.now();
    // The caller gives no reason; a transport that owes an answer went silent.
    const owes = state.name !== "trying" && state.askedAt !== undefined && now - state.askedAt >= PROBE_TIMEOUT_MS;
    if (state.name === "in_use") {
      this.#transports.note(state.route.transport, { type: owes ? "lost" : "ended", afterMs: now - state.since });
    } else if (state.name === "greeted") {
      this.#transports.note(state.route.transport, { type: owes ? "opened_but_silent" : "abandoned" });
    } else {
      const silent = now - state.since >= TRANSPORT_PATIENCE_MS;
      const how = state.attempt.opened ? "opened_but_silent" : "no_answer";
      this.#transports.note(state.transport, { type: silent ? how : "abandoned" });
    }
    state.attempt.close();
    this.#transports.left(this);
  }

  /** Ends this working transport in favour of a better one. */
  moveAway(): void {
    const state = this.#state;
    if (state.name !== "in_use") return;
    this.#transports.note(state.route.transport, { type: "ended", afterMs: this.#deps.steady.now() - state.since });
    state.attempt.close();
    this.#end(ABNORMAL_CLOSURE);
  }

  /** A frame after the first one. */
  #heard(): void {
    const state = this.#state;
    if (state.name === "in_use") state.askedAt = undefined;
    if (state.name !== "greeted") return;
    this.#cancelPatience();
    const { route, attempt } = state;
    this.#state = { name: "in_use", route, attempt, since: this.#deps.steady.now() };
    this.#transports.note(route.transport, { type: "connected" });
    this.#transports.uses(this, route);
  }

  #closed(code: number): void {
    const state = this.#state;
    switch (state.name) {
      case "over":
        return;
      case "trying":
        return this.#failed(state.transport, state.attempt.opened ? "opened_but_silent" : "upgrade_failed");
      case "greeted":
        this.#transports.note(state.route.transport, { type: "opened_but_silent" });
        break;
      case "in_use": {
        const afterMs = this.#deps.steady.now() - state.since;
        this.#transports.note(state.route.transport, {
          type: closeReasonOf(code) === undefined ? "lost" : "ended",
          afterMs,
        });
      }
    }
    this.#end(code);
  }

  #failed(transport: TransportName, how: "upgrade_failed" | "opened_but_silent" | "no_answer"): void {
    this.#cancelPatience();
    this.#state = { name: "over" };
    this.#transports.note(transport, { type: how });
    this.tryNext();
  }

  #end(code: number): void {
    this.#cancelPatience();
    this.#state = { name: "over" };
    this.#transports.left(this);
    this.#events.closed(code);
  }
}
