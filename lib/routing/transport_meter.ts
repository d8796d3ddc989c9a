// Runs in browser and server.
/** What was measured of one transport, as a value: the newest samples, and the figures they give. Nothing is guessed. */

/** Round trips kept. */
const ROUND_TRIPS_MAX = 50;
/** Tries kept: connections that were opened, and those that broke. */
const TRIES_MAX = 100;
/** A round trip this long counts nothing for speed; none at all counts everything. */
const SLOWEST_MS = 2_000;

export interface TransportMeter {
  /** From a question to its answer, ms, the newest last. */
  roundTripsMs: readonly number[];
  /** Whether each try to use the transport worked, the newest last. */
  tries: readonly boolean[];
}

/** Of a transport nothing was measured of. */
export const NEW_METER: TransportMeter = { roundTripsMs: [], tries: [] };

/** Figures of a transport; undefined where nothing was measured. */
export interface TransportQuality {
  /** Median round trip, ms. */
  latencyMs: number | undefined;
  /** Share of tries that worked, 0 to 1. */
  reliability: number | undefined;
  /** 0 to 100: 70 % the share of tries that worked, 30 % speed. */
  health: number | undefined;
}

export function withRoundTrip(meter: TransportMeter, ms: number): TransportMeter {
  return { ...meter, roundTripsMs: [...meter.roundTripsMs, ms].slice(-ROUND_TRIPS_MAX) };
}

export function withTry(meter: TransportMeter, worked: boolean): TransportMeter {
  return { ...meter, tries: [...meter.tries, worked].slice(-TRIES_MAX) };
}

export function qualityOf({ roundTripsMs, tries }: TransportMeter): TransportQuality {
  const latencyMs = medianOf(roundTripsMs);
  const reliability = tries.length === 0 ? undefined : tries.filter((worked) => worked).length / tries.length;
  const speed = latencyMs === undefined ? undefined : Math.max(0, 1 - latencyMs / SLOWEST_MS);
  const health = reliability === undefined || speed === undefined
    ? undefined
    : Math.round(70 * reliability + 30 * speed);
  return { latencyMs, reliability, health };
}

/** The middle one; of an even number the lower of the two in the middle. */
export function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}
