// Runs in browser and server.
/** Similarity of a typed word to a word of a room code: by letters, and by sound. */

/**
 * The number of edits from `a` to `b`: a letter inserted, deleted or replaced, or two adjacent ones swapped (optimal
 * string alignment, the restricted Damerau–Levenshtein distance). Above `atMost` it returns `atMost + 1`.
 */
export function editDistance(a: string, b: string, atMost: number): number {
  if (Math.abs(a.length - b.length) > atMost) return atMost + 1;
  let twoAgo: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, twoAgo[j - 2]! + 1);
      row.push(edits);
      least = Math.min(least, edits);
    }
    // A swap reaches back two rows, so both must be past the bound.
    if (least > atMost && Math.min(...last) > atMost) return atMost + 1;
    [twoAgo, last] = [last, row];
  }
  return Math.min(last[b.length]!, atMost + 1);
}

/** Whether exactly one such edit turns `a` into `b`. Agrees with `editDistance` and is many times faster. */
export function isOneEdit(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let aEnd = a.length, bEnd = b.length;
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) aEnd--, bEnd--;
  const [aLeft, bLeft] = [aEnd - start, bEnd - start];
  if (aLeft <= 1 && bLeft <= 1) return true;
  return aLeft === 2 && bLeft === 2 && a[start] === b[start + 1] && a[start + 1] === b[start];
}

const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/^(?:kn|gn|pn)/, "n"],
  [/^wr/, "r"],
  [/^ps/, "s"],
  [/gh(?=t|$)/g, ""],
  [/ph/g, "f"],
  [/wh/g, "w"],
  [/tch/g, "ch"],
  [/ti(?=on)|ci(?=a|ou)/g, "sh"],
  [/sc(?=[eiy])|c(?=[eiy])/g, "s"],
  [/dge|g(?=[eiy])/g, "j"],
  [/ch(?=r|$)/g, "k"],
  [/ck|c(?!h)|q/g, "k"],
  [/x/g, "ks"],
  [/z/g, "s"],
  [/ku(?=[aeio])/g, "kw"],
  [/mb$/, "m"],
  [/h(?=[^aeiouy]|$)/g, ""],
  [/[aeiouy]+/g, "a"],
  [/a$/, ""],
  [/(.)\1+/g, "$1"],
];

/**
 * An approximate English pronunciation of a lower-case word. Words that a listener may confuse in writing mostly share it
 * ("fonograf" and "phonograph"). All vowels are equal, and silent endings are dropped.
 */
export function soundKey(word: string): string {
  return SPELLINGS.reduce((sound, [spelling, heard]) => sound.replace(spelling, heard), word);
}
