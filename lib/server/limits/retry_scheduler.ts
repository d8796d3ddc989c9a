/**
 * When clients that are sent away should come back: each at another time, and the more clients, the later. The generic
 * cell rate algorithm (ITU-T I.371) reversed: one number remembers up to when return times are assigned.
 */
import type { ServerConfig } from "../config/server_config.ts";

export class RetryScheduler {
  readonly #settings: ServerConfig["closing"];
  /** Return times are assigned up to here, server's clock, ms. */
  #assignedUntil = 0;

  constructor(settings: ServerConfig["closing"]) {
    this.#settings = settings;
  }

  /** Ms after which the next client should come back. `fraction`: a random number from 0 to below 1. */
  next(nowMs: number, fraction: number): number {
    const { minRetryMs, retrySpreadMs, retryEveryMs, maxRetryMs } = this.#settings;
    this.#assignedUntil = Math.max(this.#assignedUntil, nowMs) + retryEveryMs;
    const waitMs = this.#assignedUntil - nowMs;
    // All times are assigned: anywhere in the whole span, which spreads clients as far as possible.
    if (waitMs > maxRetryMs) this.#assignedUntil = nowMs + maxRetryMs;
    const base = waitMs > maxRetryMs ? fraction * maxRetryMs : waitMs;
    // The random part separates clients to which several instances assigned the same time.
    return Math.round(minRetryMs + base + fraction * retrySpreadMs);
  }
}
