/** Durations counted in fixed buckets (lib/protocol/reports/latency_buckets.ts): any number of durations in 88 numbers. */
import { BUCKET_COUNT, type BucketCounts, latencyBucketOf, middleMs } from "../../protocol/reports/latency_buckets.ts";

/** A histogram as a value that can be added, subtracted, written and read. */
export interface HistogramData {
  buckets: BucketCounts;
  /** Of all durations, ms. */
  sumMs: number;
}

export const NO_DURATIONS: HistogramData = { buckets: [], sumMs: 0 };

export class Histogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #sumMs = 0;

  observe(ms: number): void {
    this.#counts[latencyBucketOf(ms)]!++;
    this.#sumMs += ms;
  }

  /** Adds buckets counted elsewhere. Their sum is unknown, so it is estimated from the buckets' middles. */
  add(buckets: BucketCounts): void {
    for (const [bucket, count] of buckets) {
      this.#counts[bucket]! += count;
      this.#sumMs += count * middleMs(bucket);
    }
  }

  get data(): HistogramData {
    const buckets: [number, number][] = [];
    this.#counts.forEach((count, bucket) => count > 0 && buckets.push([bucket, count]));
    return { buckets, sumMs: this.#sumMs };
  }
}

export function countOf({ buckets }: HistogramData): number {
  return buckets.reduce((sum, [, count]) => sum + count, 0);
}

/** The duration that `share` (0 to 1) of all durations do not exceed, ms, at most 9 % off; undefined of none. */
export function quantileMs(histogram: HistogramData, share: number): number | undefined {
  const rank = share * countOf(histogram);
  let seen = 0;
  for (const [bucket, count] of histogram.buckets) {
    seen += count;
    if (seen >= rank) return middleMs(bucket);
  }
}

/** `a + sign × b`, bucket by bucket; results of 0 or less are left out. */
export function combine(a: HistogramData, b: HistogramData, sign: 1 | -1): HistogramData {
  const counts = new Map(a.buckets);
  for (const [bucket, count] of b.buckets) counts.set(bucket, (counts.get(bucket) ?? 0) + sign * count);
  return {
    buckets: [...counts].filter(([, count]) => count > 0).sort(([x], [y]) => x - y),
    sumMs: Math.max(0, a.sumMs + sign * b.sumMs),
  };
}
