/** How long a probe may go unanswered before its transport counts as dead. Pure. */
import { HEARTBEAT_MS } from "../../protocol/limits.ts";
import { PROBE_TIMEOUT_MS } from "../ports/session_limits.ts";

/**
 * A page that is awake never sees this much silence, because it probes earlier: the device slept. After a sleep a
 * transport is more often dead than alive, because networks drop silent connections and phones change networks.
 */
export const SLEPT_AFTER_MS = HEARTBEAT_MS + 5_000;
/** A waking radio takes a few hundred ms for its first answer, however fast the transport was before. */
export const SLEPT_PROBE_MIN_MS = 400;
/** An answer that takes this many times the last round trip is not coming any more. */
const ROUND_TRIPS = 3;

export interface Probe {
  /** Silence before the probe was sent, ms. */
  silentMs: number;
  /** The last round trip on this transport, ms. */
  roundTripMs: number;
  /** Multiplies PROBE_TIMEOUT_MS. Doubles with each transport that was replaced for its silence. */
  patience: number;
}

/** Ms from a probe to giving its transport up. After a sleep as little as this transport is known to need. */
export function probeTimeoutMs({ silentMs, roundTripMs, patience }: Probe): number {
  const usualMs = PROBE_TIMEOUT_MS * patience;
  if (silentMs <= SLEPT_AFTER_MS) return usualMs;
  return Math.min(usualMs, Math.max(SLEPT_PROBE_MIN_MS, ROUND_TRIPS * roundTripMs));
}
