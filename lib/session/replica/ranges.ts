/** Sets of log positions, as sorted ranges that neither touch nor overlap. Pure. */

/** Both ends included. */
export interface PositionRange {
  readonly from: number;
  readonly to: number;
}
export type Ranges = readonly PositionRange[];

/** `ranges` and the positions `from` to `to`. */
export function withRange(ranges: Ranges, from: number, to: number): Ranges {
  if (to < from) return ranges;
  const before = ranges.filter((range) => range.to < from - 1);
  const after = ranges.filter((range) => range.from > to + 1);
  const touched = ranges.slice(before.length, ranges.length - after.length);
  const joined = { from: Math.min(from, touched[0]?.from ?? from), to: Math.max(to, touched.at(-1)?.to ?? to) };
  return [...before, joined, ...after];
}

/** The part of `ranges` from `from` to `to`. */
export function clipped(ranges: Ranges, from: number, to: number): Ranges {
  return ranges.flatMap((range) => {
    const cut = { from: Math.max(range.from, from), to: Math.min(range.to, to) };
    return cut.from <= cut.to ? [cut] : [];
  });
}

/** `ranges` without the positions of `taken`. */
export function withoutRange(ranges: Ranges, taken: Ranges): Ranges {
  let left = ranges;
  for (const { from, to } of taken) left = [...clipped(left, 1, from - 1), ...clipped(left, to + 1, Infinity)];
  return left;
}

/** The gaps between the ranges. */
export function holes(ranges: Ranges): PositionRange[] {
  return ranges.slice(1).map((range, at) => ({ from: ranges[at]!.to + 1, to: range.from - 1 }));
}

/** The highest missing positions from `oldest` on, below the top; undefined when none is missing. */
export function nextOlder(ranges: Ranges, oldest: number): PositionRange | undefined {
  for (let at = ranges.length - 1; at >= 0; at--) {
    const missing = { from: Math.max(oldest, (ranges[at - 1]?.to ?? 0) + 1), to: ranges[at]!.from - 1 };
    if (missing.from <= missing.to) return missing;
  }
}
