/** The outside world of the server: clock, timers, randomness and the operator's log. */
import { type Clock, type Random, realRandom, realTimers, type Timers, wallClock } from "../shared/environment.ts";

/** Takes one line for the operator. The line never contains what somebody wrote, or who wrote it. */
export type Log = (line: string) => void;

/** All that the server's decisions take from outside; tests pass a virtual one. */
export interface Environment {
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
}

/** The real one. */
export const realEnvironment: Environment = {
  clock: wallClock,
  timers: realTimers,
  random: realRandom,
  log: (line) => console.warn(line),
};
