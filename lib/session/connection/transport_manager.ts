/**
 * The transports of one room as a single OpenTransport. Each attempt opens the transport that chooseTransport names,
 * goes on to the next while nothing arrives, and records every outcome. While a lesser transport is in use, a better
 * one is tried in the background; when it works, the connection moves there.
 *
 * One attempt tries each transport at most once. The session's backoff decides how often attempts follow.
 */
import type { Cancel } from "../../shared/environment.ts";
import {
  betterTransportAt,
  NEW_TRANSPORT_FACTS,
  type Preference,
  TRANSPORT_PATIENCE_MS,
  transportAfter,
  type TransportFacts,
  transportForgiven,
  type TransportName,
  type TransportOutcome,
  TRANSPORTS,
  type TransportSituation,
  transportTried,
} from "../../routing/transport_choice.ts";
import type { OpenTransport } from "../../transport/transport.ts";
import {
  type Route,
  TransportAttempt,
  TransportAttemptEvents,
  type TransportDeps,
  type TransportRegistry,
} from "./transport_attempt.ts";

export type { Route } from "./transport_attempt.ts";

export interface TransportManagerDeps extends TransportDeps {
  /** The connection has just heard that its transport ended because a better one is ready: it should open now. */
  onBetterTransport(): void;
  /** Another transport is in use, or none. */
  onRoute?(route: Route | undefined): void;
  /** Reports the outcome of an attempt or of a connection. */
  onOutcome?(transport: TransportName, outcome: TransportOutcome): void;
}

export class TransportManager implements TransportRegistry {
  readonly #deps: TransportManagerDeps;
  #facts: Record<TransportName, TransportFacts> = { websocket: NEW_TRANSPORT_FACTS, polling: NEW_TRANSPORT_FACTS };
  #preference: Preference = "auto";
  #route: Route | undefined;
  #current: TransportAttempt | undefined;
  /** A better transport on trial, or one that works and waits to be taken over. */
  #trial: { transport: TransportName; attempt: TransportAttemptEvents; frames: unknown[] } | undefined;
  #cancelTrial: Cancel = () => {};

  constructor(deps: TransportManagerDeps) {
    this.#deps = deps;
  }

  /** Opens the best transport. */
  readonly open: OpenTransport = (events) => {
    const transport = new TransportAttempt(this, this.#deps, events);
    this.#current = transport;
    transport.tryNext();
    return transport;
  };

  get route(): Route | undefined {
    return this.#route;
  }

  /** Everything that chooseTransport goes by; the connection panel shows it too. */
  get situation(): TransportSituation {
    const { openers, steady } = this.#deps;
    return {
      transports: this.#facts,
      available: { websocket: openers.websocket !== undefined, polling: openers.polling !== undefined },
      preference: this.#preference,
      now: steady.now(),
    };
  }

  /** The better transport that will be tried next, and when, ms since 1970. */
  get next(): { transport: TransportName; at: number } | undefined {
    return this.#route === undefined ? undefined : betterTransportAt(this.#route.transport, this.situation);
  }

  /** Holds from the next attempt on. */
  setPreference(preference: Preference): void {
    this.#preference = preference;
  }

  /** The device woke up: ends the cooldown of every transport. */
  wake(): void {
    for (const transport of TRANSPORTS) {
      this.#facts[transport] = transportForgiven(this.#facts[transport], this.#deps.steady.now());
    }
  }

  /** The network changed: forgets what was learned. */
  networkChanged(): void {
    for (const transport of TRANSPORTS) this.#facts[transport] = NEW_TRANSPORT_FACTS;
    if (this.#route !== undefined) this.#watchForBetter(this.#route.transport);
  }

  /**
   * The page is left, perhaps for good. Tells the server as far as the transport can. A page that is shown again finds
   * a transport that rejects frames, and opens another one.
   */
  leave(): void {
    this.#current?.close();
  }

  /** Stops everything except a transport that was handed out. */
  dispose(): void {
    this.#dropTrial();
  }

  // ---- for a TransportAttempt ----

  tried(transport: TransportName): void {
    this.#facts[transport] = transportTried(this.#facts[transport], this.#deps.steady.now());
  }

  note(transport: TransportName, outcome: TransportOutcome): void {
    this.#deps.onOutcome?.(transport, outcome);
    this.#facts[transport] = transportAfter(this.#facts[transport], outcome, this.#deps.steady.now());
  }

  /** A transport is in use. */
  uses(chosen: TransportAttempt, route: Route): void {
    if (chosen !== this.#current) return;
    this.#route = route;
    this.#deps.onRoute?.(route);
    this.#watchForBetter(route.transport);
  }

  left(chosen: TransportAttempt): void {
    if (chosen !== this.#current) return;
    this.#current = undefined;
    if (this.#route === undefined) return;
    this.#route = undefined;
    this.#deps.onRoute?.(undefined);
    // A working trial is about to be taken over.
    if (this.#trial === undefined || this.#trial.frames.length === 0) this.#dropTrial();
  }

  /** A successful trial with the frames it received so far. */
  takeTrial(transport: TransportName): { attempt: TransportAttemptEvents; frames: unknown[] } | undefined {
    const trial = this.#trial;
    if (trial?.transport !== transport || trial.frames.length === 0) return undefined;
    this.#cancelTrial();
    this.#trial = undefined;
    return trial;
  }

  // ---- trials ----

  #watchForBetter(inUse: TransportName): void {
    this.#dropTrial();
    const better = betterTransportAt(inUse, this.situation);
    if (better === undefined) return;
    const { steady, timers } = this.#deps;
    this.#cancelTrial = timers.after(Math.max(0, better.at - steady.now()), () => this.#try(better.transport, inUse));
  }

  #try(transport: TransportName, inUse: TransportName): void {
    const { openers, timers } = this.#deps;
    const open = openers[transport];
    if (open === undefined) return;
    const failed = (outcome: TransportOutcome) => {
      this.note(transport, outcome);
      this.#watchForBetter(inUse);
    };
    this.tried(transport);
    const attempt = new TransportAttemptEvents(open, {
      received: (data) => {
        const frames = this.#trial?.frames;
        if (frames?.push(data) !== 1) return;
        this.note(transport, { type: "connected" });
        this.#cancelTrial();
        // Closes a trial that nobody takes over.
        this.#cancelTrial = timers.after(TRANSPORT_PATIENCE_MS, () => this.#dropTrial());
        this.#current?.moveAway();
        this.#deps.onBetterTransport();
      },
      closed: () =>
        this.#trial?.attempt === attempt && failed({ type: attempt.opened ? "opened_but_silent" : "upgrade_failed" }),
    });
    this.#trial = { transport, attempt, frames: [] };
    this.#cancelTrial = timers.after(TRANSPORT_PATIENCE_MS, () => {
      failed({ type: attempt.opened ? "opened_but_silent" : "no_answer" });
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
