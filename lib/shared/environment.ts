// Runs in browser and server.
/** Clock, timers and randomness, which decisions take as arguments. Tests and simulations pass virtual ones. */

/** A clock. Its user says whether it has to be the wall clock or a monotonic one. */
export interface Clock {
  /** Milliseconds. Of a wall clock: since 1970. */
  now(): number;
}

/** Cancels a timer or a subscription. Harmless when called twice or too late. */
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
