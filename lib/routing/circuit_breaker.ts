// Runs in browser and server.
/**
 * Trust in one transport (M. Nygard, "Release It!", circuit breaker): after failures in a row nothing is tried for a while,
 * then one trial decides. Pure: a state and what happened in, the next state out; the caller owns the clock.
 *
 * A refusal for rate is no failure: who refuses is there.
 */

/** Failures in a row that open the breaker. One success closes it again. */
const FAILURES_MAX = 5;
/** Time from the last failure to the trial. */
export const BREAKER_COOLDOWN_MS = 15_000;

export type BreakerState =
  /** Trusted; `failures` in a row so far. */
  | { name: "closed"; failures: number }
  /** Distrusted until the cooldown is over. */
  | { name: "open"; openedAt: number }
  /** One trial is under way. */
  | { name: "half_open"; triedAt: number };

/**
 * What a try came to. `refused`: turned away for rate or load, by somebody who is there. `abandoned`: ended by us before
 * it showed anything.
 */
export type TryResult = "success" | "failure" | "refused" | "abandoned";

/** The state of a transport nothing is known of. */
export const NEW_BREAKER: BreakerState = { name: "closed", failures: 0 };

/** When a try is allowed, ms of a clock that never goes back: 0 when it is now, in any case. A trial that nobody ended blocks for one cooldown. */
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

/** A try that is allowed begins. */
export function breakerTried(state: BreakerState, now: number): BreakerState {
  return state.name === "closed" ? state : { name: "half_open", triedAt: now };
}

/** A try ended. */
export function breakerAfter(state: BreakerState, result: TryResult, now: number): BreakerState {
  switch (result) {
    case "success":
      return NEW_BREAKER;
    case "failure": {
      if (state.name !== "closed") return { name: "open", openedAt: now };
      const failures = state.failures + 1;
      return failures >= FAILURES_MAX ? { name: "open", openedAt: now } : { name: "closed", failures };
    }
    case "refused":
    case "abandoned":
      // Undecided: the next try is a trial again, and need not wait.
      return state.name === "half_open" ? { name: "open", openedAt: now - BREAKER_COOLDOWN_MS } : state;
  }
}

/** The network changed or the device woke: what was learned may no longer be true, so a trial is allowed at once. */
export function breakerForgiven(state: BreakerState, now: number): BreakerState {
  return state.name === "closed" ? NEW_BREAKER : { name: "open", openedAt: now - BREAKER_COOLDOWN_MS };
}
