// Runs in browser and server.
/**
 * Decides when to retry a lost connection. A policy, not a timer: the caller owns the clock.
 *
 * Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): the delay is random between
 * 0 and a growing ceiling, so that clients that lost the server together return spread over the whole interval.
 */
import { CLOSE_REASONS, type CloseReason } from "../protocol/codes.ts";

/** The first ceiling, without BACKOFF_ADDED_MS. */
const BACKOFF_FIRST_MS = 500;
/** Growth of the ceiling per failure in a row. */
const BACKOFF_FACTOR = 1.5;
/** Added to every ceiling. */
const BACKOFF_ADDED_MS = 500;
/** The highest ceiling. A server may ask for a longer delay. */
export const BACKOFF_MAX_MS = 8_000;
/** A connection that lasted this long resets the count of failures. */
export const STABLE_AFTER_MS = 5_000;

/** A connection, or an attempt to make one, that has ended. */
export interface LostConnection {
  /** `lost`: the transport broke without a close reason. */
  reason: CloseReason | "lost";
  /** Failures in a row before this one. */
  failures: number;
  /** Whether it lasted STABLE_AFTER_MS. */
  wasStable: boolean;
  /** The delay that the server's goodbye asked for. */
  retryAfterMs?: number;
}

/** Ms until the next attempt; `never` after a final reason. `fraction`: a random number from 0 to below 1. */
export function retryDelayMs(lost: LostConnection, fraction: number): number | "never" {
  const next = lost.reason === "lost" ? "retry" : CLOSE_REASONS[lost.reason].next;
  if (next === "final") return "never";
  if (lost.retryAfterMs !== undefined) return lost.retryAfterMs;
  // Immediately only after a stable connection, so that a server that keeps disconnecting is not hammered.
  if (next === "resume" && lost.wasStable) return 0;
  return Math.round(fraction * retryCeilingMs(lost.wasStable ? 0 : lost.failures));
}

/** The longest delay after this many earlier failures in a row. */
export function retryCeilingMs(failures: number): number {
  // The power overflows to Infinity after some 1,750 failures: still the maximum.
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * BACKOFF_FACTOR ** failures + BACKOFF_ADDED_MS);
}

/** Whether an end counts as a failure. A refusal for rate or load with a delay does not: the server works. */
export function isFailure({ reason, retryAfterMs }: Pick<LostConnection, "reason" | "retryAfterMs">): boolean {
  return !(retryAfterMs !== undefined && (reason === "rate_limited" || reason === "overloaded"));
}
