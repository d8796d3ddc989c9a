/** Simulation scenarios: duration, message rate, and fault rate. */
import { DEFAULT_CONFIG, type ServerConfig } from "../../lib/server/config/server_config.ts";
import type { SeededRandom } from "./random.ts";

export interface Scenario {
  /** Possible durations of the fault phase, ms. */
  lengthsMs: readonly number[];
  /** Possible mean times between two actions, ms. */
  paces: readonly number[];
  phones: readonly number[];
  /** Of 100 actions, about this many write one text … */
  says: number;
  /** … or many at once. */
  bursts: number;
  burst: readonly [min: number, max: number];
  /** How fast the server lets one author write. */
  rates: readonly ServerConfig["limits"]["messages"][];
}

/** `short`: many faults, few messages. `talk`: the same faults, many messages. */
export const SCENARIOS = {
  short: {
    lengthsMs: [3_000, 6_000, 15_000],
    paces: [100, 200, 500],
    phones: [2, 2, 3, 4],
    says: 30,
    bursts: 4,
    burst: [3, 12],
    rates: [DEFAULT_CONFIG.limits.messages, { burst: 20, everyMs: 50 }],
  },
  talk: {
    lengthsMs: [15_000, 30_000],
    paces: [100, 200],
    phones: [2, 3, 4],
    says: 20,
    bursts: 40,
    burst: [5, 40],
    rates: [{ burst: 20, everyMs: 50 }, { burst: 100, everyMs: 10 }],
  },
} as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof SCENARIOS;

/** Limits small enough to be reached: buffers smaller than a burst, watermarks of a few frames. */
export function configFor(scenario: Scenario, random: SeededRandom): ServerConfig {
  const { fanOut, limits, commit } = DEFAULT_CONFIG;
  return {
    ...DEFAULT_CONFIG,
    fanOut: {
      ...fanOut,
      recentEvents: random.pick([2, 10, fanOut.recentEvents]),
      highWatermarkBytes: random.pick([6_000, 60_000, fanOut.highWatermarkBytes]),
    },
    commit: {
      ...commit,
      queueEvents: random.pick([4, 50, commit.queueEvents]),
      cachedAuthors: random.pick([1, commit.cachedAuthors]),
    },
    limits: {
      ...limits,
      messages: random.pick(scenario.rates),
      inFlightEvents: random.pick([3, limits.inFlightEvents]),
      badFrames: random.pick([3, limits.badFrames]),
    },
  };
}
