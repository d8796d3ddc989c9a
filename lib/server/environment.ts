/** The outside world of the server: clock, timers, randomness and the operator's log. */
import {
  type Cancel,
  type Clock,
  type Random,
  realRandom,
  realTimers,
  type Timers,
  wallClock,
} from "../shared/environment.ts";
import { StorageUnavailable } from "../store/database.ts";

/** Takes one line for the operator. The line never contains what somebody wrote, or who wrote it. */
export type Log = (line: string) => void;

/** All that the server's decisions take from outside; tests pass a virtual one. */
export interface Environment {
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
}

/** Takes any caught error: reports StorageUnavailable, and throws any other one again. */
export type OnFailure = (error: unknown) => void;

/** Makes one that calls `report`. */
export function onStorageFailure(report: (error: StorageUnavailable) => void): OnFailure {
  return (error) => {
    if (!(error instanceof StorageUnavailable)) throw error;
    report(error);
  };
}

/** Calls `run` again and again, `delayMs()` after the start and after each end of it, until cancelled. */
export function repeat(timers: Timers, delayMs: () => number, run: () => void | Promise<void>): Cancel {
  let cancelled = false;
  const next = () =>
    timers.after(delayMs(), async () => {
      await run();
      if (!cancelled) cancelNext = next();
    });
  let cancelNext = next();
  return () => {
    cancelled = true;
    cancelNext();
  };
}

/** The result of `work`, or undefined when it takes longer than `ms`; then nobody hears how it ends. */
export async function inTime<Result>(timers: Timers, ms: number, work: Promise<Result>): Promise<Result | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const cancel = timers.after(ms, () => resolve(undefined));
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}

/** The real one. */
export const realEnvironment: Environment = {
  clock: wallClock,
  timers: realTimers,
  random: realRandom,
  log: (line) => console.warn(line),
};
