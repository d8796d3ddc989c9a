/** Counts and histograms as values, by name and label: added, subtracted, and validated when read from the database. */
import { isRecord } from "../../shared/checks.ts";
import { parseJson } from "../../protocol/fields.ts";
import { BUCKET_COUNT, type BucketCounts } from "../../protocol/reports/latency_buckets.ts";
import {
  type CounterName,
  COUNTERS,
  type FigureRow,
  figuresIn,
  type GaugeName,
  GAUGES,
  type HistogramName,
  HISTOGRAMS,
  labelsOf,
} from "./figures.ts";
import { combine, type HistogramData, NO_DURATIONS } from "./histogram.ts";

/** By name, then by the label's value ("" without a label). Zeros are left out. */
type ByLabel<Name extends string, Value> = Partial<Record<Name, Record<string, Value>>>;

/** The values of all figures of a table; undefined ones are left out. */
export function byLabel<Name extends string, Value>(
  table: Record<Name, FigureRow>,
  valueOf: (name: Name, label: string) => Value | undefined,
): ByLabel<Name, Value> {
  const result: ByLabel<Name, Value> = {};
  for (const [name, row] of figuresIn(table)) {
    for (const label of labelsOf(row)) {
      const value = valueOf(name, label);
      if (value !== undefined) result[name] = { ...result[name], [label]: value };
    }
  }
  return result;
}

export interface Totals {
  counters: ByLabel<CounterName, number>;
  histograms: ByLabel<HistogramName, HistogramData>;
}

export type Gauges = ByLabel<GaugeName, number>;

export const NO_TOTALS: Totals = { counters: {}, histograms: {} };

/** One instance's counts in one span of time. */
export interface StatsRecord extends Totals {
  /** The span's beginning (server's clock, ms) and length. */
  at: number;
  forMs: number;
  /** At its end. */
  gauges: Gauges;
}

export function add(a: Totals, b: Totals): Totals {
  return combined(a, b, 1);
}

/** The difference between two states of the same counts. */
export function since(before: Totals, now: Totals): Totals {
  return combined(now, before, -1);
}

export function counted({ counters }: Pick<Totals, "counters">, name: CounterName, label?: string): number {
  const values = counters[name] ?? {};
  return label !== undefined ? values[label] ?? 0 : Object.values(values).reduce((sum, value) => sum + value, 0);
}

/** One label's durations, or those of all labels together. */
export function timed({ histograms }: Pick<Totals, "histograms">, name: HistogramName, label?: string): HistogramData {
  const values = histograms[name] ?? {};
  if (label !== undefined) return values[label] ?? NO_DURATIONS;
  return Object.values(values).reduce((sum, value) => combine(sum, value, 1), NO_DURATIONS);
}

export function gauged(gauges: Gauges, name: GaugeName, label?: string): number | undefined {
  const values = gauges[name];
  if (values === undefined) return undefined;
  return label !== undefined ? values[label] : Object.values(values).reduce((sum, value) => sum + value, 0);
}

function combined(a: Totals, b: Totals, sign: 1 | -1): Totals {
  return {
    counters: byLabel(COUNTERS, (name, label) => {
      const value = (a.counters[name]?.[label] ?? 0) + sign * (b.counters[name]?.[label] ?? 0);
      return value > 0 ? value : undefined;
    }),
    histograms: byLabel(HISTOGRAMS, (name, label) => {
      const value = combine(timed(a, name, label), timed(b, name, label), sign);
      return value.buckets.length > 0 ? value : undefined;
    }),
  };
}

/** Version of the written format; records of other versions are not read. */
const STATS_RECORD_VERSION = 1;

/** The stored form. */
export function writeRecord(record: StatsRecord): string {
  return JSON.stringify({ version: STATS_RECORD_VERSION, ...record });
}

/** Reads a record of any build: names and labels that are unknown here are left out. */
export function readRecord(text: string): StatsRecord | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || value.version !== STATS_RECORD_VERSION) return undefined;
  const { at, forMs, counters, histograms, gauges } = value;
  if (!isAmount(at) || !isAmount(forMs)) return undefined;
  return {
    at,
    forMs,
    counters: readBy(counters, COUNTERS, readAmount),
    histograms: readBy(histograms, HISTOGRAMS, readHistogram),
    gauges: readBy(gauges, GAUGES, readAmount),
  };
}

function readBy<Name extends string, Value>(
  value: unknown,
  table: Record<Name, FigureRow>,
  read: (value: unknown) => Value | undefined,
): ByLabel<Name, Value> {
  return byLabel(table, (name, label) => {
    const values = isRecord(value) ? value[name] : undefined;
    return isRecord(values) ? read(values[label]) : undefined;
  });
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function readAmount(value: unknown): number | undefined {
  return isAmount(value) ? value : undefined;
}

function readHistogram(value: unknown): HistogramData | undefined {
  if (!isRecord(value) || !Array.isArray(value.buckets) || !isAmount(value.sumMs)) return undefined;
  const buckets: BucketCounts = value.buckets.filter((pair: unknown): pair is [number, number] =>
    Array.isArray(pair) && Number.isInteger(pair[0]) && pair[0] >= 0 && pair[0] < BUCKET_COUNT && isAmount(pair[1])
  );
  return { buckets, sumMs: value.sumMs };
}
