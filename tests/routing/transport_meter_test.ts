import { assertEquals } from "@std/assert";
import {
  medianOf,
  NEW_METER,
  qualityOf,
  type TransportMeter,
  withRoundTrip,
  withTry,
} from "../../lib/routing/transport_meter.ts";

const after = (roundTripsMs: number[], tries: boolean[]): TransportMeter =>
  tries.reduce(withTry, roundTripsMs.reduce(withRoundTrip, NEW_METER));

Deno.test("figures without measurements are unknown, not zero", () => {
  assertEquals(qualityOf(NEW_METER), { latencyMs: undefined, reliability: undefined, health: undefined });
  assertEquals(qualityOf(after([40], [])).health, undefined);
  assertEquals(qualityOf(after([], [true])).health, undefined);
});

Deno.test("latency is the median round trip: one slow answer does not spoil it", () => {
  assertEquals(qualityOf(after([40, 50, 9_000], [])).latencyMs, 50);
  assertEquals(medianOf([4, 1, 3, 2]), 2);
});

Deno.test("health is 70 % reliability and 30 % speed", () => {
  const rows: [roundTripMs: number, tries: boolean[], health: number][] = [
    [0, [true], 100],
    [1_000, [true], 85],
    [2_000, [true, true], 70],
    [60_000, [true], 70],
    [0, [false], 30],
    [1_000, [true, false], 50],
  ];
  for (const [roundTripMs, tries, health] of rows) assertEquals(qualityOf(after([roundTripMs], tries)).health, health);
});

Deno.test("only the newest samples count", () => {
  assertEquals(qualityOf(after([...Array(50).fill(900), ...Array(50).fill(10)], [])).latencyMs, 10);
  assertEquals(qualityOf(after([], [...Array(100).fill(false), ...Array(100).fill(true)])).reliability, 1);
});
