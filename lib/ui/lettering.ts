// Runs in browser and server.
/**
 * The display lettering of Festival Chat: single strokes with cut corners, like a laser show. It needs no font, so a room
 * code looks the same on every phone. Every line is stretched to the full width, as on a line-up poster, and its strokes
 * keep their weight.
 */

/**
 * Strokes by letter; strokes are separated by "|", points by spaces. A point is two characters: x, then y.
 * 0 and 1: the edges. m: the middle. c and d: one corner cut away from an edge. u and l: one cut above and below the
 * middle. e: right of the middle. q and r: where an open stroke ends, clear of the middle bar.
 */
const GLYPHS: Record<string, string> = {
  A: "01 0c c0 d0 1c 11|0m 1m",
  B: "0m dm 1u 1c d0 00 01 d1 1d 1l dm",
  C: "1q 1c d0 c0 0c 0d c1 d1 1d 1r",
  D: "0m 00 d0 1c 1d d1 01 0m",
  E: "10 00 01 11|0m dm",
  F: "10 00 01|0m dm",
  G: "1c d0 c0 0c 0d c1 d1 1d 1m em",
  H: "00 01|10 11|0m 1m",
  I: "m0 m1",
  J: "10 1d d1 c1 0d 0r",
  K: "00 01|10 1u dm 1l 11|0m dm",
  L: "00 01 11",
  M: "01 0c c0 m0 m1|m0 d0 1c 11",
  N: "01 00 11 10",
  O: "m0 d0 1c 1d d1 c1 0d 0c c0 m0",
  P: "01 00 d0 1c 1u dm 0m",
  Q: "m0 d0 1c 1d d1 c1 0d 0c c0 m0|mr 11",
  R: "01 00 d0 1c 1u dm 0m|dm 1l 11",
  S: "1q 1c d0 c0 0c 0u cm dm 1l 1d d1 c1 0d 0r",
  T: "00 10|m0 m1",
  U: "00 0d c1 d1 1d 10",
  V: "00 0r m1 1r 10",
  W: "00 0d c1 m1 m0|m1 d1 1d 10",
  X: "00 0u cm dm 1u 10|cm 0l 01|dm 1l 11",
  Y: "00 0u cm dm 1u 10|mm m1",
  Z: "00 10 1c 0d 01 11",
  0: "m0 d0 1c 1d d1 c1 0d 0c c0 m0",
  1: "0c c0 m0 m1|01 11",
  2: "0q 0c c0 d0 1c 1u dm cm 0l 01 11",
  3: "0q 0c c0 d0 1c 1u dm 1l 1d d1 c1 0d 0r|mm dm",
  4: "00 0u cm 1m|10 11",
  5: "10 00 0m dm 1l 1d d1 c1 0d 0r",
  6: "1q 1c d0 c0 0c 0d c1 d1 1d 1l dm 0m",
  7: "00 10 1q m1",
  8: "cm dm 1u 1c d0 c0 0c 0u cm|cm 0l 0d c1 d1 1d 1l dm",
  9: "0r 0d c1 d1 1d 1c d0 c0 0c 0u cm 1m",
};

/** Letters wider or narrower than the others, as a share of a normal letter's width. */
const WIDTHS: Record<string, number> = { I: 0.3, 1: 0.7, M: 1.35, W: 1.35 };

/** Drawn lines, each as wide as the whole. Lengths are in units; the width is 1,000 of them. */
export interface LetteringLines {
  width: number;
  height: number;
  /** One `<path>` per line, stroked, not filled. */
  lines: { d: string; strokeWidth: number }[];
}

const WIDTH = 1_000;
/** Space between two lines in units, and between two letters as a share of the stroke. */
const LINE_GAP = 44;
const LETTER_GAP = 0.72;
const MAX_LINE_HEIGHT = 400;
const MIN_LINE_HEIGHT = 150;

/** Draws each text across the full width, in capitals. Characters without a glyph are left out. */
export function letteringOf(texts: readonly string[]): LetteringLines {
  const lines: LetteringLines["lines"] = [];
  let y = 0;
  for (const text of texts) {
    const letters = [...text.toUpperCase()].filter((letter) => GLYPHS[letter] !== undefined);
    if (letters.length === 0) continue;
    const units = letters.reduce((sum, letter) => sum + widthOf(letter), 0);
    // Short lines get tall letters and long lines low ones, as in wood type chosen to fill its line.
    const height = clamp(WIDTH / units * 1.2, MIN_LINE_HEIGHT, MAX_LINE_HEIGHT);
    const stroke = clamp(Math.min(WIDTH / units * 0.27, height * 0.2), 18, 58);
    if (lines.length > 0) y += LINE_GAP;
    lines.push({ d: lineOf(letters, units, y, height, stroke), strokeWidth: round(stroke) });
    y += height;
  }
  return { width: WIDTH, height: Math.ceil(y), lines };
}

function lineOf(letters: readonly string[], units: number, top: number, height: number, stroke: number): string {
  const gap = stroke * LETTER_GAP;
  // Strokes are centred on their path, so the first and the last one reach half their width into the margin.
  const fitting = (WIDTH - gap * (letters.length - 1) - stroke * letters.length) / units;
  // One or two digits alone would become very wide. They keep their shape and leave the rest of the line empty.
  const perUnit = Math.min(fitting, (height - stroke) * 0.85);
  const parts: string[] = [];
  let x = stroke / 2;
  for (const letter of letters) {
    const width = perUnit * widthOf(letter);
    parts.push(glyphPath(GLYPHS[letter] ?? "", x, top + stroke / 2, width, height - stroke, stroke));
    x += width + stroke + gap;
  }
  return parts.join("");
}

function glyphPath(glyph: string, x: number, y: number, width: number, height: number, stroke: number): string {
  const cut = Math.min(width * 0.3, height * 0.2, stroke * 0.9);
  const xs: Record<string, number> = { 0: 0, c: cut, m: width / 2, e: width * 0.62, d: width - cut, 1: width };
  const opening = Math.max(cut, Math.min(height * 0.3, height / 2 - stroke * 1.7));
  const ys: Record<string, number> = {
    0: 0,
    c: cut,
    q: opening,
    u: height / 2 - cut,
    m: height / 2,
    l: height / 2 + cut,
    r: height - opening,
    d: height - cut,
    1: height,
  };
  return glyph.split("|").map((line) => {
    // In low letters two points may coincide, and a segment of no length would tilt the end of its stroke.
    const points = line.split(" ").map(([px = "0", py = "0"]) =>
      `${round(x + (xs[px] ?? 0))} ${round(y + (ys[py] ?? 0))}`
    ).filter((point, i, all) => point !== all[i - 1]);
    return `M${points.join("L")}${points[0] === points.at(-1) ? "Z" : ""}`;
  }).join("");
}

function widthOf(letter: string): number {
  return WIDTHS[letter] ?? 1;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
