/**
 * Whether a link lives: pings after silence, measures the round trip, and says when nobody should count on the link any
 * more, and when it is over.
 *
 *   alive → (a ping without answer) suspect → (anything heard) alive, or (LINK_SILENCE_MS) silent
 */
import { LINK_PROBE_TIMEOUT_MS, LINK_SILENCE_MS } from "../protocol/limits.ts";

export interface LinkHeartbeatDeps {
  /** Ms; fractions count. */
  clock: { now(): number };
  timers: { after(delayMs: number, run: () => void): () => void };
  ping(number: number): void;
  /** A ping was not answered in time. */
  onSuspect(): void;
  /** Something was heard after a doubt. */
  onAlive(): void;
  /** Nothing was heard for LINK_SILENCE_MS. */
  onSilent(): void;
}

/** Something was sent that long after anything was heard: a ping goes with it, so that a dead link shows soon. */
const ASK_WITH_SEND_MS = 1_000;
/** Share of a new measurement in the smoothed round trip (RFC 6298 section 2). */
const RTT_GAIN = 1 / 8;

export class LinkHeartbeat {
  readonly #deps: LinkHeartbeatDeps;
  /** Silence after which it asks, ms. */
  heartbeatMs: number;
  /** Smoothed, ms; undefined before the first pong. */
  rttMs: number | undefined;
  #number = 0;
  #heardAt: number;
  /** The last ping: its pong measures, whatever else was heard before. */
  #pinged: { number: number; at: number } | undefined;
  /** When something was asked that nothing was heard since; undefined: nothing is asked. */
  #askedAt: number | undefined;
  #suspectSince: number | undefined;
  /** When the link is over unless something is heard. */
  #silentAt = Infinity;
  #cancel = () => {};

  constructor(deps: LinkHeartbeatDeps, heartbeatMs: number) {
    this.#deps = deps;
    this.heartbeatMs = heartbeatMs;
    this.#heardAt = deps.clock.now();
    this.#ask();
  }

  /** Anything came from the peer. */
  heard(): void {
    this.#heardAt = this.#deps.clock.now();
    // The timer finds out when it comes: it is not set anew for every frame of a busy link.
    this.#askedAt = undefined;
    this.#silentAt = Infinity;
    if (this.#suspectSince === undefined) return;
    this.#suspectSince = undefined;
    this.#deps.onAlive();
  }

  pong(number: number): void {
    if (number === this.#pinged?.number) {
      const sample = this.#deps.clock.now() - this.#pinged.at;
      this.#pinged = undefined;
      this.rttMs = this.rttMs === undefined ? sample : this.rttMs + (sample - this.rttMs) * RTT_GAIN;
    }
    this.heard();
  }

  /** Something of ours was sent. */
  sent(): void {
    if (this.#askedAt === undefined && this.#deps.clock.now() - this.#heardAt > ASK_WITH_SEND_MS) this.#ask();
  }

  /** Something speaks against the link: it is asked at once. */
  check(): void {
    if (this.#askedAt === undefined) this.#ask();
  }

  /** Much speaks against the link: it has one more answer's time. */
  suspect(): void {
    this.#silentAt = Math.min(this.#silentAt, this.#deps.clock.now() + LINK_PROBE_TIMEOUT_MS);
    this.check();
    this.#watch();
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  #ask(): void {
    this.#askedAt = this.#deps.clock.now();
    this.#pinged = { number: ++this.#number, at: this.#askedAt };
    this.#deps.ping(this.#number);
    this.#watch();
  }

  /** Sets the one timer to what is due next. */
  #watch(): void {
    const dueAt = this.#askedAt === undefined
      ? this.#heardAt + this.heartbeatMs
      : this.#askedAt + LINK_PROBE_TIMEOUT_MS;
    this.#cancel();
    const delayMs = Math.max(0, Math.min(dueAt, this.#silentAt) - this.#deps.clock.now());
    this.#cancel = this.#deps.timers.after(delayMs, () => this.#due());
  }

  #due(): void {
    const now = this.#deps.clock.now();
    if (now >= this.#silentAt) {
      this.stop();
      return this.#deps.onSilent();
    }
    if (this.#askedAt === undefined) {
      return now >= this.#heardAt + this.heartbeatMs ? this.#ask() : this.#watch();
    }
    if (now < this.#askedAt + LINK_PROBE_TIMEOUT_MS) return this.#watch();
    // A page that was asleep finds its timers late: what it has to say counts from now on.
    if (this.#suspectSince === undefined) {
      this.#suspectSince = now;
      this.#silentAt = Math.min(this.#silentAt, now + LINK_SILENCE_MS);
      this.#ask();
      return this.#deps.onSuspect();
    }
    this.#ask();
  }
}
