/** Which messages came late: the same for the same arrivals, whatever order they become known in. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cameLate, LATE_AFTER_MS, LateMessages, type LogArrival } from "../../lib/chat/timeline_late.ts";

const MINUTE_MS = LATE_AFTER_MS;

function arrival(id: string, clock: number, position: number, at: number): LogArrival {
  return { place: { id, room: "room", author: id, n: 1, clock, at }, position };
}

function lateAmong(...arrivals: LogArrival[]): string[] {
  const late = new LateMessages();
  for (const one of arrivals) late.add(one);
  return arrivals.map(({ place }) => place.id).filter((id) => late.has(id)).sort();
}

Deno.test("a message that arrived after one below it, written a minute before that one, came late", () => {
  const carried = arrival("carried", 5, 3, 0);
  assertEquals(lateAmong(arrival("a", 4, 1, 0), arrival("b", 6, 2, MINUTE_MS), carried), ["carried"]);
});

Deno.test("less than a minute is not late: slow transports and clocks that differ a little", () => {
  assertEquals(lateAmong(arrival("b", 6, 1, MINUTE_MS - 1), arrival("slow", 5, 2, 0)), []);
});

Deno.test("the last message is not late, however wrong its author's clock is", () => {
  assertEquals(lateAmong(arrival("a", 4, 1, 1_000 * MINUTE_MS), arrival("behind", 5, 2, 0)), []);
  // Nor is what others say after it, of whom its clock is far ahead.
  assertEquals(lateAmong(arrival("ahead", 4, 1, 1_000 * MINUTE_MS), arrival("a", 5, 2, 0), arrival("b", 6, 3, 1)), []);
});

Deno.test("messages that arrive in the order of the screen are not late, however old they are", () => {
  assertEquals(lateAmong(arrival("a", 1, 1, 0), arrival("b", 2, 2, 9 * MINUTE_MS)), []);
});

Deno.test("older history that is loaded afterwards marks later arrivals", () => {
  const late = new LateMessages();
  assertEquals(late.add(arrival("carried", 5, 9, 0)), []);
  assertEquals(late.add(arrival("newer", 9, 10, 3 * MINUTE_MS)), []);
  assertEquals(late.add(arrival("older", 6, 8, 2 * MINUTE_MS)), ["carried"]);
});

const arrivals: fc.Arbitrary<LogArrival[]> = fc.uniqueArray(
  fc.record({
    position: fc.integer({ min: 1, max: 30 }),
    clock: fc.integer({ min: 1, max: 12 }),
    at: fc.integer({ min: 0, max: 4 }),
  }),
  { selector: ({ position }) => position, maxLength: 20 },
).map((drafts) =>
  drafts.map(({ position, clock, at }) => arrival(`m${position}`, clock, position, at * MINUTE_MS / 2))
);

Deno.test("a message is late by the rule for any two messages, in any order of arrival", () => {
  fc.assert(
    fc.property(arrivals, (all) => {
      const expected = all.filter((one) => all.some((other) => cameLate(one, other))).map(({ place }) => place.id);
      assertEquals(lateAmong(...all), expected.sort());
    }),
    { numRuns: 1_000 },
  );
});
