/** Above this many pairs of lines the diff shows both sides whole. */
const MAX_DIFF_CELLS = 4_000_000;

/** Prints a value in full and with sorted keys, so that equal values look the same. */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
    getters: true,
  });
}

/** Lists the lines of both sides: "-" marks lines only in `actual`, "+" lines only in `expected`. */
export function diff(actual: string, expected: string): string {
  const [a, b] = [actual.split("\n"), expected.split("\n")];
  const lines = a.length * b.length > MAX_DIFF_CELLS
    ? [...a.map((line) => `-   ${line}`), ...b.map((line) => `+   ${line}`)]
    : diffLines(a, b);
  return ["", "    [Diff] Actual / Expected", "", ...lines.map((line) => line.trimEnd()), ""].join("\n");
}

function diffLines(a: string[], b: string[]): string[] {
  // common[i][j]: length of the longest common subsequence of a from i and b from j.
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i]}`);
      i++, j++;
    } else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(`-   ${a[i++]}`);
    } else {
      lines.push(`+   ${b[j++]}`);
    }
  }
  return lines;
}
