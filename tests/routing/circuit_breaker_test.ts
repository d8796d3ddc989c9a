/** The circuit breaker, as a table of what happens and what follows. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  BREAKER_COOLDOWN_MS,
  breakerAfter,
  breakerAllowsAt,
  breakerForgiven,
  type BreakerState,
  breakerTried,
  NEW_BREAKER,
  type TryResult,
} from "../../lib/routing/circuit_breaker.ts";

/** Steps: a result of a try, `try` (one begins), `wake`, or ms that pass. */
type Step = TryResult | "try" | "wake" | number;

function after(steps: readonly Step[]): { state: BreakerState; waitMs: number } {
  let state = NEW_BREAKER;
  let now = 1_000_000;
  for (const step of steps) {
    if (typeof step === "number") now += step;
    else if (step === "try") state = breakerTried(state, now);
    else if (step === "wake") state = breakerForgiven(state, now);
    else state = breakerAfter(state, step, now);
  }
  return { state, waitMs: Math.max(0, breakerAllowsAt(state) - now) };
}

const failures = (count: number) => Array<Step>(count).fill("failure");

const TABLE: [rule: string, steps: Step[], state: BreakerState["name"], waitMs: number][] = [
  ["a new transport starts closed", [], "closed", 0],
  ["four failures in a row change nothing", failures(4), "closed", 0],
  ["the fifth opens it for 15 s", failures(5), "open", 15_000],
  ["a success in between resets the count", [...failures(4), "success", ...failures(4)], "closed", 0],
  ["an abandoned attempt is no failure", [...failures(4), "abandoned", "abandoned"], "closed", 0],
  ["nor does it reset the count", [...failures(4), "abandoned", "failure"], "open", 15_000],
  ["the cooldown passes", [...failures(5), 9_000], "open", 6_000],
  ["after the cooldown one trial is allowed", [...failures(5), 15_000], "open", 0],
  ["during the trial there is no other", [...failures(5), 15_000, "try"], "half_open", 15_000],
  ["one success closes it", [...failures(5), 15_000, "try", "success"], "closed", 0],
  ["and then five failures are needed again", [...failures(5), 15_000, "try", "success", ...failures(4)], "closed", 0],
  ["one failure opens it for the whole cooldown", [...failures(5), 15_000, "try", "failure"], "open", 15_000],
  ["an abandoned trial may be repeated at once", [...failures(5), 15_000, "try", "abandoned"], "open", 0],
  ["and stays a trial", [...failures(5), 15_000, "try", "abandoned", "try"], "half_open", 15_000],
  ["a trial without a result blocks for one cooldown", [...failures(5), 15_000, "try", 15_000], "half_open", 0],
  ["waking allows a trial at once", [...failures(5), "wake"], "open", 0],
  ["but only one trial", [...failures(5), "wake", "try", "failure"], "open", 15_000],
  ["waking a closed breaker forgets its failures", [...failures(4), "wake", ...failures(4)], "closed", 0],
];

for (const [rule, steps, name, waitMs] of TABLE) {
  Deno.test(`circuit breaker: ${rule}`, () => {
    const { state, waitMs: waits } = after(steps);
    assertEquals([state.name, waits], [name, waitMs]);
  });
}

Deno.test("circuit breaker: no wait exceeds one cooldown, and one success closes it", () => {
  const step = fc.oneof(
    fc.constantFrom<Step>("success", "failure", "abandoned", "try", "wake"),
    fc.nat(40_000),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const { waitMs } = after(steps);
    assert(waitMs <= BREAKER_COOLDOWN_MS, String(waitMs));
    assertEquals(after([...steps, "success"]).state, NEW_BREAKER);
  }));
});
