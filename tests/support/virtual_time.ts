/**
 * Virtual time for tests: a clock that moves only when told, and timers on it. Between two timers every promise that can go
 * on has gone on, as between two turns of an event loop, so a run is the same every time and takes no real time.
 *
 * Timers due at the same millisecond run in the order they were set.
 */
import { setImmediate } from "node:timers";

interface Timer {
  at: number;
  run: (() => void) | undefined;
}

export class VirtualTime {
  #now: number;
  /** Sorted: the next one is last. */
  readonly #timers: Timer[] = [];

  constructor(startAt = Date.UTC(2026, 6, 4, 20)) {
    this.#now = startAt;
  }

  /** Ms since 1970. */
  readonly now = (): number => this.#now;
  readonly clock = { now: this.now };

  /** Calls `run` once, `delayMs` from now; the result cancels it. */
  readonly after = (delayMs: number, run: () => void): () => void => {
    if (Number.isNaN(delayMs)) throw new TypeError("a delay that is no number");
    const timer: Timer = { at: this.#now + Math.max(0, Math.ceil(delayMs)), run };
    let low = 0, high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle]!.at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      timer.run = undefined;
    };
  };
  readonly timers = { after: this.after };

  /** Timers that are set and not cancelled. */
  get pending(): number {
    return this.#timers.filter(({ run }) => run !== undefined).length;
  }

  /** Lets everything happen that is due within `durationMs`, or until `done` holds. The clock ends where this ends. */
  async run(durationMs: number, done: () => boolean = () => false): Promise<void> {
    const until = this.#now + durationMs;
    await drained();
    while (!done()) {
      const next = this.#timers.at(-1);
      if (next === undefined || next.at > until) {
        this.#now = until;
        return;
      }
      this.#timers.pop();
      if (next.run === undefined) continue;
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await drained();
    }
  }

  /** Runs until `done` holds; throws when it does not within `withinMs`. */
  async until(done: () => boolean, withinMs = 60_000): Promise<void> {
    await this.run(withinMs, done);
    if (!done()) throw new Error(`did not happen within ${withinMs} ms of virtual time: ${done}`);
  }

  /** Lets the clock jump without any timer running in time, as a phone that sleeps: they all come late, then. */
  sleep(durationMs: number): void {
    this.#now += durationMs;
  }
}

/** Resolves when every promise that can go on has gone on. Work outside this thread (Web Crypto) is not waited for. */
export function drained(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => resolve()));
}
