// Runs in browser and server.
/** When a lost connection is tried again: a policy, not a timer. The caller owns the clock. */
import { CLOSE_REASONS, type CloseReason } from "../protocol/codes.ts";

/** First delay, before jitter. */
export const BACKOFF_FIRST_MS = 500;
/** Each further failure in a row makes the delay this much longer. */
export const BACKOFF_FACTOR = 1.5;
/** Random time on top, so that clients which lost the server together do not come back together. */
export const BACKOFF_JITTER_MS = 500;
/** No delay of ours is longer, jitter included. A server may ask for more. */
export const BACKOFF_MAX_MS = 8_000;
/** A connection that was good for this long ends a row of failures. */
export const STABLE_AFTER_MS = 5_000;

/** What is known when a connection, or the try to make one, has ended. */
export interface LostConnection {
  /** `lost`: the road broke without a word. */
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
  const failures = lost.wasStable ? 0 : lost.failures;
  // The power overflows to Infinity after some 1,750 failures: still the maximum.
  const delay = BACKOFF_FIRST_MS * BACKOFF_FACTOR ** failures + fraction * BACKOFF_JITTER_MS;
  return Math.min(BACKOFF_MAX_MS, Math.round(delay));
}
