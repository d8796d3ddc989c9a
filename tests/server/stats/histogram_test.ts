/** Durations in fixed buckets: the error of percentiles, and addition. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BUCKET_COUNT, latencyBucketOf, upperBoundMs } from "../../../lib/protocol/reports/latency_buckets.ts";
import { combine, countOf, Histogram, NO_DURATIONS, quantileMs } from "../../../lib/server/stats/histogram.ts";

const durations = fc.array(fc.double({ min: 0.1, max: 300_000, noNaN: true }), { minLength: 1, maxLength: 200 });

function histogramOf(values: readonly number[]) {
  const histogram = new Histogram();
  for (const value of values) histogram.observe(value);
  return histogram.data;
}

Deno.test("a duration is in the bucket whose bounds contain it", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (ms) => {
    const bucket = latencyBucketOf(ms);
    assert(bucket >= 0 && bucket < BUCKET_COUNT);
    assert(ms <= upperBoundMs(bucket) * (1 + 1e-9), `${ms} in ${bucket}`);
    assert(bucket === 0 || ms > upperBoundMs(bucket - 1) * (1 - 1e-9), `${ms} in ${bucket}`);
  }));
  for (const odd of [NaN, -1, 0]) assertEquals(latencyBucketOf(odd), 0);
  assertEquals(latencyBucketOf(Infinity), BUCKET_COUNT - 1);
});

Deno.test("a percentile is at most 9.1 % off the true one", () => {
  fc.assert(fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99, 1), (values, share) => {
    const sorted = values.toSorted((a, b) => a - b);
    const truth = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)]!;
    const told = quantileMs(histogramOf(values), share)!;
    assert(Math.abs(told - truth) <= 0.091 * truth + 1e-9, `${told} for ${truth}`);
  }));
  assertEquals(quantileMs(NO_DURATIONS, 0.5), undefined);
});

Deno.test("the sum of two histograms covers all durations, and subtracting one leaves the other", () => {
  fc.assert(fc.property(durations, durations, (a, b) => {
    const both = combine(histogramOf(a), histogramOf(b), 1);
    assertEquals(both.buckets, histogramOf([...a, ...b]).buckets);
    assertEquals(combine(both, histogramOf(b), -1).buckets, histogramOf(a).buckets);
    assertEquals(countOf(both), a.length + b.length);
  }));
});
