/** What the server's decisions take from the outside, as small interfaces: tests give virtual ones. */

export interface Clock {
  /** Ms since 1970. */
  now(): number;
}

export type Cancel = () => void;

export interface Timers {
  /** Calls `run` once, after `delayMs`, unless cancelled before. Cancelling twice, or too late, is harmless. */
  after(delayMs: number, run: () => void): Cancel;
}

export interface Random {
  /** `count` random bytes that nobody can guess. */
  bytes(count: number): Uint8Array;
  /** From 0 to below 1; for jitter. */
  fraction(): number;
}

/** Where notes for the operator go. One line each; never what somebody wrote or who wrote it. */
export type Log = (line: string) => void;

export interface Environment {
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
}

/** The real ones. */
export const realEnvironment: Environment = {
  clock: { now: () => Date.now() },
  timers: {
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  },
  random: {
    bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    fraction: () => Math.random(),
  },
  log: (line) => console.warn(line),
};

/** Resolves after `delayMs` of `timers`. */
export function pause(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => void timers.after(delayMs, resolve));
}
