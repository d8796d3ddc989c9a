/**
 * Detects failed links: pings after silence, measures the round trip, and reports when a link is suspect and when it is
 * dead.
 *
 *   alive → (a ping without answer) suspect → (anything heard) alive, or (LINK_SILENCE_MS) silent
 */
import { LINK_PROBE_TIMEOUT_MS, LINK_SILENCE_MS } from "../protocol/limits.ts";
import type { Clock, Timers } from "../shared/environment.ts";

interface LinkHeartbeatDeps {
  /** May return fractions of a ms. */
  clock: Clock;
  timers: Timers;
  ping(number: number): void;
  /** A ping was not answered in time. */
  onSuspect(): void;
  /** A frame arrived from a suspect peer. */
  onAlive(): void;
  /** No frame arrived for LINK_SILENCE_MS after the link became suspect. */
  onSilent(): void;
}

/** A send after this much silence also sends a ping, so that a dead link shows soon. */
const PING_WITH_SEND_MS = 1_000;
/** Share of a new measurement in the smoothed round trip (RFC 6298 section 2). */
const RTT_GAIN = 1 / 8;

export class LinkHeartbeat {
  readonly #deps: LinkHeartbeatDeps;
  /** Silence after which it pings, ms. */
  heartbeatMs: number;
  /** Smoothed, ms; undefined before the first pong. */
  rttMs: number | undefined;
  #number = 0;
  #heardAt: number;
  /** The last ping, whose pong measures the round trip even if other frames arrive first. */
  #pinged: { number: number; at: number } | undefined;
  /** When the oldest unanswered ping was sent; undefined: none is open. */
  #openPingAt: number | undefined;
  #suspectSince: number | undefined;
  /** When the link is dead unless a frame arrives. */
  #silentAt = Infinity;
  #cancel = () => {};

  constructor(deps: LinkHeartbeatDeps, heartbeatMs: number) {
    this.#deps = deps;
    this.heartbeatMs = heartbeatMs;
    this.#heardAt = deps.clock.now();
    this.#ping();
  }

  /** Any frame arrived from the peer. */
  heard(): void {
    this.#heardAt = this.#deps.clock.now();
    // The timer keeps running and checks when it fires, so that frames of a busy link do not restart it.
    this.#openPingAt = undefined;
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

  /** This side sent a frame. */
  sent(): void {
    if (this.#openPingAt === undefined && this.#deps.clock.now() - this.#heardAt > PING_WITH_SEND_MS) this.#ping();
  }

  /** Pings at once, because something suggests that the link is broken. */
  check(): void {
    if (this.#openPingAt === undefined) this.#ping();
  }

  /** Gives the link one more LINK_PROBE_TIMEOUT_MS, because strong evidence suggests that it is dead. */
  suspect(): void {
    this.#silentAt = Math.min(this.#silentAt, this.#deps.clock.now() + LINK_PROBE_TIMEOUT_MS);
    this.check();
    this.#schedule();
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  #ping(): void {
    this.#openPingAt = this.#deps.clock.now();
    this.#pinged = { number: ++this.#number, at: this.#openPingAt };
    this.#deps.ping(this.#number);
    this.#schedule();
  }

  /** Sets the timer to the next due time. */
  #schedule(): void {
    const dueAt = this.#openPingAt === undefined
      ? this.#heardAt + this.heartbeatMs
      : this.#openPingAt + LINK_PROBE_TIMEOUT_MS;
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
    if (this.#openPingAt === undefined) {
      return now >= this.#heardAt + this.heartbeatMs ? this.#ping() : this.#schedule();
    }
    if (now < this.#openPingAt + LINK_PROBE_TIMEOUT_MS) return this.#schedule();
    // Counts from now: the timer is late after the page was suspended.
    if (this.#suspectSince === undefined) {
      this.#suspectSince = now;
      this.#silentAt = Math.min(this.#silentAt, now + LINK_SILENCE_MS);
      this.#ping();
      return this.#deps.onSuspect();
    }
    this.#ping();
  }
}
