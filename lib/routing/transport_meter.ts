// Runs in browser and server.
/**
 * Measurements of one transport, as a value: the newest samples and the figures derived from them. Nothing is guessed.
 */

/** Round trips kept. */
const ROUND_TRIPS_MAX = 50;
/** Attempts kept: connections that were opened, and those that broke. */
const TRIES_MAX = 100;
/** A round trip of this length has speed 0; one of 0 ms has speed 1. */
const SLOWEST_MS = 2_000;

export interface TransportMeter {
  /** From a request to its answer, ms, the newest last. */
  roundTripsMs: readonly number[];
  /** Whether each attempt to use the transport worked, the newest last. */
  tries: readonly boolean[];
}

/** The meter of a transport without measurements. */
export const NEW_METER: TransportMeter = { roundTripsMs: [], tries: [] };

/** Figures of a transport; undefined without measurements. */
export interface TransportQuality {
  /** Median round trip, ms. */
  latencyMs: number | undefined;
  /** Share of successful attempts, 0 to 1. */
  reliability: number | undefined;
  /** 0 to 100: 70 % reliability, 30 % speed. */
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

/** The median; the lower one of the two middle values of an even number. */
export function medianOf(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}
