import { assert, assertEquals } from "@std/assert";
// @ts-types="../../lib/ui/qrcode.d.ts"
import { create } from "qrcode";
import jsqr from "jsqr";
import { letteringOf } from "@/lib/ui/lettering.ts";
import { type QrModules, qrPath } from "@/lib/ui/qr.ts";
import { ADJECTIVES } from "@/lib/chat/words_adjectives.ts";
import { NOUNS } from "@/lib/chat/words_nouns.ts";

const numbersIn = (d: string) => [...d.matchAll(/-?\d+(?:\.\d+)?/g)].map(([number]) => Number(number));

Deno.test("every room code can be drawn, and stays inside its drawing", () => {
  const words = [...ADJECTIVES, ...NOUNS, ..."0123456789", "1", "111", "999"];
  for (const word of words) {
    const { width, height, lines } = letteringOf([word]);
    assertEquals(lines.length, 1, word);
    const numbers = numbersIn(lines[0]!.d);
    assert(numbers.length >= 4 && numbers.every(Number.isFinite), word);
    assert(numbers.every((number) => number >= 0 && number <= width), word);
    assert(numbers.filter((_, i) => i % 2 === 1).every((y) => y <= height), word);
  }
});

Deno.test("each line is as wide as the others, whatever its letters", () => {
  const { width, lines } = letteringOf(["cosmic", "stage", "417"]);
  for (const { d, strokeWidth } of lines) {
    const xs = numbersIn(d).filter((_, i) => i % 2 === 0);
    assertEquals(Math.round(Math.min(...xs) - strokeWidth / 2), 0);
    assertEquals(Math.round(Math.max(...xs) + strokeWidth / 2), width);
  }
});

Deno.test("characters without a glyph are left out", () => {
  assertEquals(letteringOf(["!?", ""]).lines, []);
});

Deno.test("the drawn QR code is read back by a scanner", () => {
  const text = "https://chat.example/s/AAAAAAAAAAAAAAAAAAAAAA#BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
  const { modules }: { modules: QrModules } = create(text, { errorCorrectionLevel: "M" });
  const { d, side } = qrPath(modules);
  // Draws the path with 4 px a module.
  const scale = 4;
  const width = side * scale;
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y, run] of d.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let py = Number(y) * scale; py < (Number(y) + 1) * scale; py++) {
      for (let px = Number(x) * scale; px < (Number(x) + Number(run)) * scale; px++) {
        pixels.set([0, 0, 0], (py * width + px) * 4);
      }
    }
  }
  assertEquals(jsqr.default(pixels, width, width)?.data, text);
});
