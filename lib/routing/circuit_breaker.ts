// Runs in browser and server.
/**
 * Circuit breaker of one transport (M. Nygard, "Release It!"): after several failures in a row it blocks attempts for a
 * cooldown, then one trial decides. Pure: a state and an event in, the next state out; the caller owns the clock.
 */

/** Failures in a row that open the breaker. One success closes it again. */
const FAILURES_MAX = 5;
/** Time from the last failure to the trial. */
export const BREAKER_COOLDOWN_MS = 15_000;

export type BreakerState =
  /** Attempts are allowed; `failures` in a row so far. */
  | { name: "closed"; failures: number }
  /** Attempts are blocked until the cooldown is over. */
  | { name: "open"; openedAt: number }
  /** One trial is under way. */
  | { name: "half_open"; triedAt: number };

/** Result of an attempt. `abandoned`: ended by the client before a result. */
export type TryResult = "success" | "failure" | "abandoned";

/** The state of a transport that was never tried. */
export const NEW_BREAKER: BreakerState = { name: "closed", failures: 0 };

/** When an attempt is allowed, ms of a monotonic clock; 0: always. A trial without a result blocks for one cooldown. */
export function breakerAllowsAt(state: BreakerState): number {
  switch (state.name) {
    case "closed":
      return 0;
    case "open":
      return state.openedAt + BREAKER_COOLDOWN_MS;
    case "half_open":
      return state.triedAt + BREAKER_COOLDOWN_MS;
  }
}

/** An allowed attempt begins. */
export function breakerTried(state: BreakerState, now: number): BreakerState {
  return state.name === "closed" ? state : { name: "half_open", triedAt: now };
}

/** An attempt ended. */
export function breakerAfter(state: BreakerState, result: TryResult, now: number): BreakerState {
  switch (result) {
    case "success":
      return NEW_BREAKER;
    case "failure": {
      if (state.name !== "closed") return { name: "open", openedAt: now };
      const failures = state.failures + 1;
      return failures >= FAILURES_MAX ? { name: "open", openedAt: now } : { name: "closed", failures };
    }
    case "abandoned":
      // Undecided: the next attempt is a trial again, without a wait.
      return state.name === "half_open" ? { name: "open", openedAt: now - BREAKER_COOLDOWN_MS } : state;
  }
}

/** The network changed or the device woke up. Earlier failures may no longer apply, so a trial is allowed at once. */
export function breakerForgiven(state: BreakerState, now: number): BreakerState {
  return state.name === "closed" ? NEW_BREAKER : { name: "open", openedAt: now - BREAKER_COOLDOWN_MS };
}
