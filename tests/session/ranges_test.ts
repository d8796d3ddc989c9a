/** Sets of log positions. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { clipped, holes, nextOlder, type Ranges, withRange } from "../../lib/session/replica/ranges.ts";

const MAX = 30;
const range = fc.tuple(fc.integer({ min: 1, max: MAX }), fc.integer({ min: 0, max: 8 }))
  .map(([from, length]) => ({ from, to: Math.min(MAX, from + length) }));

const members = (ranges: Ranges) =>
  Array.from({ length: MAX }, (_, at) => at + 1)
    .filter((position) => ranges.some(({ from, to }) => position >= from && position <= to));

Deno.test("ranges contain exactly the added positions, and neither touch nor overlap", () => {
  fc.assert(fc.property(fc.array(range), (added) => {
    const ranges = added.reduce<Ranges>((ranges, { from, to }) => withRange(ranges, from, to), []);
    assertEquals(members(ranges), members(added));
    for (const { from, to } of holes(ranges)) assertEquals(from <= to, true);
  }));
});

Deno.test("a clipped part contains the positions within its ends", () => {
  fc.assert(fc.property(fc.array(range), range, (added, { from, to }) => {
    const ranges = added.reduce<Ranges>((ranges, { from, to }) => withRange(ranges, from, to), []);
    assertEquals(members(clipped(ranges, from, to)), members(ranges).filter((at) => at >= from && at <= to));
  }));
});

Deno.test("ranges: requesting the next missing positions again and again fills everything from the oldest to the top", () => {
  fc.assert(fc.property(fc.array(range, { minLength: 1 }), fc.integer({ min: 1, max: MAX }), (added, oldest) => {
    let ranges = added.reduce<Ranges>((ranges, { from, to }) => withRange(ranges, from, to), []);
    const top = ranges.at(-1)!.to;
    for (let next = nextOlder(ranges, oldest); next !== undefined; next = nextOlder(ranges, oldest)) {
      // Pages come from the upper end.
      ranges = withRange(ranges, Math.max(next.from, next.to - 2), next.to);
    }
    const expected = Array.from({ length: Math.max(0, top - oldest + 1) }, (_, at) => oldest + at);
    assertEquals(members(ranges).filter((at) => at >= oldest), expected);
  }));
});

Deno.test("ranges: nothing is requested below the oldest, nor of empty ranges", () => {
  assertEquals(nextOlder([], 1), undefined);
  assertEquals(nextOlder([{ from: 5, to: 9 }], 5), undefined);
  assertEquals(nextOlder([{ from: 5, to: 9 }], 3), { from: 3, to: 4 });
  assertEquals(nextOlder([{ from: 1, to: 2 }, { from: 8, to: 9 }], 5), { from: 5, to: 7 });
});
