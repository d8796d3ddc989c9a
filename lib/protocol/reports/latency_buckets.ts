// Runs in browser and server.
/**
 * The fixed buckets of every duration that is counted: four to a doubling, from 0.1 ms to about six minutes. So figures
 * of any number of pages and instances can be added up, and a percentile is at most 9 % off, whatever it is of.
 */

/** Bucket `i` holds what is above the bound of `i - 1` and at most `BUCKETS_FROM_MS × 2 ** (i / BUCKETS_PER_DOUBLING)`. */
export const BUCKETS_FROM_MS = 0.1;
export const BUCKETS_PER_DOUBLING = 4;
/** The last one also holds everything longer. */
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
