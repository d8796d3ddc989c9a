/**
 * When those who are sent away should come back: each at another time, and the more they are, the later. The generic cell
 * rate algorithm (ITU-T I.371) turned around: one number remembers until when the next moments are given out.
 */
import type { ServerConfig } from "../config/server_config.ts";

export class RetryScheduler {
  readonly #settings: ServerConfig["closing"];
  /** Returns are promised up to here, server's clock, ms. */
  #promisedUntil = 0;

  constructor(settings: ServerConfig["closing"]) {
    this.#settings = settings;
  }

  /** Ms after which the next one should come. `fraction`: a random number from 0 to below 1. */
  next(nowMs: number, fraction: number): number {
    const { minRetryMs, retrySpreadMs, retryEveryMs, maxRetryMs } = this.#settings;
    this.#promisedUntil = Math.max(this.#promisedUntil, nowMs) + retryEveryMs;
    const waitMs = this.#promisedUntil - nowMs;
    // More than can be promised: anywhere in all the time there is, which is as spread as it gets.
    if (waitMs > maxRetryMs) this.#promisedUntil = nowMs + maxRetryMs;
    const base = waitMs > maxRetryMs ? fraction * maxRetryMs : waitMs;
    // The random part keeps apart those whom several instances promised the same moment.
    return Math.round(minRetryMs + base + fraction * retrySpreadMs);
  }
}
