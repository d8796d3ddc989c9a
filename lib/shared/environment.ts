// Runs in browser and server.
/** The outside world that decisions take as arguments: tests and simulations give virtual ones. */

/** A clock. Which one (wall clock or monotonic) is said where it is taken. */
export interface Clock {
  /** Milliseconds. Of a wall clock: since 1970. */
  now(): number;
}

/** Ends a timer or a subscription. Calling it twice, or too late, is harmless. */
export type Cancel = () => void;

/** One-shot timers. */
export interface Timers {
  /** Calls `run` once, after `delayMs`, unless cancelled before. */
  after(delayMs: number, run: () => void): Cancel;
}

/** Randomness. */
export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array;
  /** A number from 0 to below 1, for jitter; predictable. */
  fraction(): number;
}

/** The device's wall clock. */
export const wallClock: Clock = { now: () => Date.now() };

/** Real timers. */
export const realTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Real randomness. */
export const realRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  fraction: () => Math.random(),
};

/** Resolves after `delayMs` of `timers`. */
export function pause(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => void timers.after(delayMs, resolve));
}
