// Runs in browser and server.
/**
 * Fixed buckets for all durations: four to a doubling, from 0.1 ms to about six minutes. So figures of any number of pages
 * and instances can be added, and every percentile is at most 9 % off.
 */

/** Bucket `i` ends at `BUCKETS_FROM_MS × 2 ** (i / BUCKETS_PER_DOUBLING)`, included, and begins after bucket `i - 1`. */
export const BUCKETS_FROM_MS = 0.1;
export const BUCKETS_PER_DOUBLING = 4;
/** The last one also counts everything longer. */
export const BUCKET_COUNT = 88;

/** Counts by bucket, only those that are not 0, lowest bucket first. */
export type BucketCounts = readonly (readonly [bucket: number, count: number])[];

export function latencyBucketOf(ms: number): number {
  if (!(ms > BUCKETS_FROM_MS)) return 0;
  const bucket = Math.ceil(BUCKETS_PER_DOUBLING * Math.log2(ms / BUCKETS_FROM_MS) - 1e-9);
  return Math.min(bucket, BUCKET_COUNT - 1);
}

/** The longest duration that belongs to a bucket, ms; of the last one, Infinity. */
export function upperBoundMs(bucket: number): number {
  return bucket >= BUCKET_COUNT - 1 ? Infinity : BUCKETS_FROM_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
}

/** The duration that represents a bucket, ms: its geometric middle. */
export function middleMs(bucket: number): number {
  return bucket === 0 ? BUCKETS_FROM_MS : BUCKETS_FROM_MS * 2 ** ((bucket - 0.5) / BUCKETS_PER_DOUBLING);
}
