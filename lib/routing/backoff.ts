// Runs in browser and server.
/**
 * When a lost connection is tried again: a policy, not a timer. The caller owns the clock.
 *
 * Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): the delay is anything from 0 to
 * a ceiling that grows. Clients that lost the server together then come back spread over the whole of it, also at its top.
 */
import { CLOSE_REASONS, type CloseReason } from "../protocol/codes.ts";

/** The first ceiling, without BACKOFF_ADDED_MS. */
export const BACKOFF_FIRST_MS = 500;
/** Each further failure in a row makes it this much higher. */
export const BACKOFF_FACTOR = 1.5;
/** On top of every ceiling. */
export const BACKOFF_ADDED_MS = 500;
/** No ceiling is higher. A server may ask for more. */
export const BACKOFF_MAX_MS = 8_000;
/** A connection that was good for this long ends a row of failures. */
export const STABLE_AFTER_MS = 5_000;

/** What is known when a connection, or the try to make one, has ended. */
export interface LostConnection {
  /** `lost`: the transport broke without a word. */
  reason: CloseReason | "lost";
  /** Failures in a row before this one. */
  failures: number;
  /** Whether it was good for STABLE_AFTER_MS. */
  wasStable: boolean;
  /** What the server asked for in its goodbye. */
  retryAfterMs?: number;
}

/** Ms until the next try; `never` after a final reason. `fraction`: a random number from 0 to below 1. */
export function retryDelayMs(lost: LostConnection, fraction: number): number | "never" {
  const next = lost.reason === "lost" ? "retry" : CLOSE_REASONS[lost.reason].next;
  if (next === "final") return "never";
  if (lost.retryAfterMs !== undefined) return lost.retryAfterMs;
  // At once only after a good connection: a server that cuts off again and again is not to be hammered.
  if (next === "resume" && lost.wasStable) return 0;
  return Math.round(fraction * retryCeilingMs(lost.wasStable ? 0 : lost.failures));
}

/** The longest delay after so many failures in a row before this one. */
export function retryCeilingMs(failures: number): number {
  // The power overflows to Infinity after some 1,750 failures: still the maximum.
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * BACKOFF_FACTOR ** failures + BACKOFF_ADDED_MS);
}

/** Whether an end adds to the row of failures: who turns us away for rate or load, and says for how long, is there. */
export function isFailure({ reason, retryAfterMs }: Pick<LostConnection, "reason" | "retryAfterMs">): boolean {
  return !(retryAfterMs !== undefined && (reason === "rate_limited" || reason === "overloaded"));
}
