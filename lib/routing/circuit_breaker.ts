// Runs in browser and server.
/**
 * Trust in one transport (M. Nygard, "Release It!", circuit breaker): after failures in a row nothing is tried for a while,
 * then one trial decides. Pure: a state and what happened in, the next state out; the caller owns the clock.
 *
 * A refusal for rate is no failure: who refuses is there.
 */

/** How much a transport is forgiven. */
export interface BreakerPolicy {
  /** Failures in a row after which it is no longer trusted. */
  failures: number;
  /** Time from the last failure to the trial. */
  cooldownMs: number;
}

/** The transports to the server. One success is enough to be trusted again. */
export const SERVER_BREAKER: BreakerPolicy = { failures: 5, cooldownMs: 15_000 };
/** The transport to a peer. */
export const PEER_BREAKER: BreakerPolicy = { failures: 3, cooldownMs: 30_000 };

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
export function breakerAllowsAt(state: BreakerState, policy: BreakerPolicy): number {
  switch (state.name) {
    case "closed":
      return 0;
    case "open":
      return state.openedAt + policy.cooldownMs;
    case "half_open":
      return state.triedAt + policy.cooldownMs;
  }
}

/** A try that is allowed begins. */
export function breakerTried(state: BreakerState, now: number): BreakerState {
  return state.name === "closed" ? state : { name: "half_open", triedAt: now };
}

/** A try ended. */
export function breakerAfter(state: BreakerState, result: TryResult, policy: BreakerPolicy, now: number): BreakerState {
  switch (result) {
    case "success":
      return NEW_BREAKER;
    case "failure": {
      if (state.name !== "closed") return { name: "open", openedAt: now };
      const failures = state.failures + 1;
      return failures >= policy.failures ? { name: "open", openedAt: now } : { name: "closed", failures };
    }
    case "refused":
    case "abandoned":
      // Undecided: the next try is a trial again, and need not wait.
      return state.name === "half_open" ? { name: "open", openedAt: now - policy.cooldownMs } : state;
  }
}

/** The network changed or the device woke: what was learned may no longer be true, so a trial is allowed at once. */
export function breakerForgiven(state: BreakerState, policy: BreakerPolicy, now: number): BreakerState {
  return state.name === "closed" ? NEW_BREAKER : { name: "open", openedAt: now - policy.cooldownMs };
}
