/** When a lost connection is tried again. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CLOSE_REASONS, type CloseReason } from "../../lib/protocol/codes.ts";
import { BACKOFF_MAX_MS, isFailure, type LostConnection, retryDelayMs } from "../../lib/routing/backoff.ts";

const TABLE: [name: string, lost: LostConnection, fraction: number, delay: number | "never"][] = [
  ["full jitter: the delay may be 0", { reason: "lost", failures: 0, wasStable: false }, 0, 0],
  ["even after many failures", { reason: "lost", failures: 50, wasStable: false }, 0, 0],
  ["the first ceiling is 1 s", { reason: "lost", failures: 0, wasStable: false }, 0.5, 500],
  ["500 ms of it grow by half with each failure", { reason: "lost", failures: 3, wasStable: false }, 0.5, 1_094],
  ["8 s is the highest", { reason: "lost", failures: 50, wasStable: false }, 0.99, 7_920],
  ["it never overflows", { reason: "lost", failures: 1e6, wasStable: false }, 0.5, 4_000],
  ["a good connection ends a row of failures", { reason: "lost", failures: 9, wasStable: true }, 0.5, 500],
  ["the server's word wins", { reason: "going_away", failures: 9, wasStable: true, retryAfterMs: 70 }, 0.5, 70],
  ["also when it is longer", { reason: "rate_limited", failures: 0, wasStable: false, retryAfterMs: 9e4 }, 0, 9e4],
  ["who was cut off as too slow resumes at once", { reason: "too_slow", failures: 0, wasStable: true }, 0.9, 0],
  ["but not again and again", { reason: "too_slow", failures: 1, wasStable: false }, 0.5, 625],
  ["a final reason ends it", { reason: "no_such_room", failures: 0, wasStable: true }, 0, "never"],
  ["whatever it says of time", { reason: "bad_hello", failures: 0, wasStable: true, retryAfterMs: 5 }, 0, "never"],
];

for (const [name, lost, fraction, delay] of TABLE) {
  Deno.test(`backoff: ${name}`, () => assertEquals(retryDelayMs(lost, fraction), delay));
}

Deno.test("backoff: a refusal for rate or load with a delay is no failure", () => {
  assertEquals(isFailure({ reason: "rate_limited", retryAfterMs: 500 }), false);
  assertEquals(isFailure({ reason: "overloaded", retryAfterMs: 500 }), false);
  assertEquals(isFailure({ reason: "overloaded" }), true);
  assertEquals(isFailure({ reason: "bad_frames", retryAfterMs: 500 }), true);
  assertEquals(isFailure({ reason: "lost" }), true);
});

Deno.test("backoff: unless the server asks for more, no delay exceeds the maximum; only final reasons give `never`", () => {
  fc.assert(fc.property(
    fc.constantFrom("lost", ...Object.keys(CLOSE_REASONS) as CloseReason[]),
    fc.nat(),
    fc.boolean(),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (reason, failures, wasStable, fraction) => {
      const delay = retryDelayMs({ reason, failures, wasStable }, fraction);
      const isFinal = reason !== "lost" && CLOSE_REASONS[reason].next === "final";
      assertEquals(delay === "never", isFinal);
      if (delay !== "never") assert(Number.isInteger(delay) && delay >= 0 && delay <= BACKOFF_MAX_MS);
    },
  ));
});
