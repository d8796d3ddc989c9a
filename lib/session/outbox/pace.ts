/** How fast a server takes one author's events, as its welcome says: sending faster would only be refused. */

/** The generic cell rate algorithm (ITU-T I.371): one number remembers everything. */
export class Pace {
  #burst = 1;
  #everyMs = 0;
  /** Theoretical arrival time of the next event, ms. */
  #nextAt = 0;

  /** `burst` events at once, then one per `everyMs`. */
  set(burst: number, everyMs: number): void {
    this.#burst = burst;
    this.#everyMs = everyMs;
  }

  /** Takes the place of one event: 0, or the ms to wait before asking again. */
  take(nowMs: number): number {
    const from = Math.max(this.#nextAt, nowMs);
    const waitMs = from - nowMs - (this.#burst - 1) * this.#everyMs;
    if (waitMs > 0) return waitMs;
    this.#nextAt = from + this.#everyMs;
    return 0;
  }
}
