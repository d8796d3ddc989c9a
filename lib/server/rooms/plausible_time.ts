/** Decides whether a server's clock is plausible. Pure. */

/** Differences up to this are drift, latency and time zones set by hand; ms. */
export const CLOCK_TOLERANCE_MS = 3_600_000;
/** An unconfirmed time is believed after it ran steadily for this long, ms. */
export const DOUBT_MS = 24 * 3_600_000;
/** Devices whose clocks outvote everything else. */
export const WITNESSES_MIN = 5;
/** A correct clock is never before this time, because the app did not exist. Ms since 1970. */
export const RELEASED_AT = Date.UTC(2026, 0, 1);

/** A moment by both clocks: changes of the wall clock do not affect `steadyMs`. */
export interface ClockReading {
  /** The wall clock, ms since 1970. */
  wallMs: number;
  /** Ms since any moment; never jumps. */
  steadyMs: number;
}

/** Evidence beside the clock itself. */
export interface TimeEvidence {
  /** When this process last believed its clock. */
  believed?: ClockReading | undefined;
  /** The last time that any server on this database believed, ms since 1970. */
  seenWallMs?: number | undefined;
  /** The clocks of devices, each as its lead on `steadyMs`. */
  devices: readonly number[];
  /** When the doubt about this time began. */
  doubtedSince?: ClockReading | undefined;
}

export type ClockProblem = "before_release" | "unlike_devices" | "behind_its_past" | "ahead_of_its_past";

/** The first problem of a reading; undefined when it is plausible. `doubtedSince` is part of the next evidence. */
export function judgeTime(
  reading: ClockReading,
  evidence: TimeEvidence,
): { problem?: ClockProblem; doubtedSince?: ClockReading } {
  const problem = problemOf(reading, evidence);
  if (problem === undefined) return {};
  const { doubtedSince: before } = evidence;
  const ranOn = before !== undefined && Math.abs(leadOf(reading) - leadOf(before)) <= CLOCK_TOLERANCE_MS;
  const doubtedSince = ranOn ? before : reading;
  const onlyItsPast = problem === "behind_its_past" || problem === "ahead_of_its_past";
  if (onlyItsPast && reading.steadyMs - doubtedSince.steadyMs >= DOUBT_MS) return {};
  return { problem, doubtedSince };
}

function problemOf(reading: ClockReading, { believed, seenWallMs, devices }: TimeEvidence): ClockProblem | undefined {
  const { wallMs } = reading;
  if (wallMs < RELEASED_AT) return "before_release";
  if (devices.length >= WITNESSES_MIN) {
    const median = devices.toSorted((a, b) => a - b)[devices.length >> 1]!;
    return Math.abs(leadOf(reading) - median) > CLOCK_TOLERANCE_MS ? "unlike_devices" : undefined;
  }
  if (seenWallMs !== undefined && wallMs < seenWallMs - CLOCK_TOLERANCE_MS) return "behind_its_past";
  if (believed === undefined) return undefined;
  const gainedMs = leadOf(reading) - leadOf(believed);
  if (gainedMs < -CLOCK_TOLERANCE_MS) return "behind_its_past";
  return gainedMs > CLOCK_TOLERANCE_MS ? "ahead_of_its_past" : undefined;
}

function leadOf({ wallMs, steadyMs }: ClockReading): number {
  return wallMs - steadyMs;
}
