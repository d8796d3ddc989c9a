/** How long a probe may stay without an answer before its transport counts as dead. Pure. */
import { HEARTBEAT_MS } from "../../protocol/limits.ts";
import { PROBE_TIMEOUT_MS } from "../ports/session_limits.ts";

/**
 * Silence that no page sees while it is awake: it would have probed long before. The device slept, and after a sleep a transport
 * is more often dead than alive: networks forget a connection that is silent, and phones change networks.
 */
export const SLEPT_AFTER_MS = HEARTBEAT_MS + 5_000;
/** A radio that wakes up takes a few hundred ms for its first answer, however quick the transport was before. */
export const SLEPT_PROBE_MIN_MS = 400;
/** An answer that takes so many times what the last one took is not on its way any more. */
const ROUND_TRIPS = 3;

export interface Probe {
  /** How long nothing had been heard when it was sent, ms. */
  silentMs: number;
  /** From the last question on this transport to its answer, ms. */
  roundTripMs: number;
  /** How many times PROBE_TIMEOUT_MS is allowed now: grows with each transport that was replaced for its silence. */
  patience: number;
}

/** Ms from a probe to giving up its transport. After a sleep as little as the transport itself was known to need. */
export function probeTimeoutMs({ silentMs, roundTripMs, patience }: Probe): number {
  const usualMs = PROBE_TIMEOUT_MS * patience;
  if (silentMs <= SLEPT_AFTER_MS) return usualMs;
  return Math.min(usualMs, Math.max(SLEPT_PROBE_MIN_MS, ROUND_TRIPS * roundTripMs));
}
