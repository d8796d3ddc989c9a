import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import {
  countClusters,
  displayNameKey,
  IDENTITY_COLORS,
  IDENTITY_EMOJI,
  identityMark,
  normalizeDisplayName,
} from "@/lib/chat/display_name.ts";
import { NAME_MAX_BYTES, NAME_MAX_CHARS } from "@/lib/protocol/limits.ts";

const LONE_SURROGATE = String.fromCharCode(0xD83D);
const FAMILY = "👨\u200D👩\u200D👧";
/** Texts with the characters that names go wrong with, more often than chance would have them. */
const awkward = fc.array(
  fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.constantFrom(
      ..."\u200B\u200C\u200D\u202E\u2066\uFEFF\u00AD\u0000\t\n\u2028\u3000\u0301\uFE0F\u20E3\u115F\u3164\u2800\u180E\u212B",
      ..."aé1# \u{E0100}\u{E0067}\u{E007F}字क\u094D🏴❤👩🏽",
      FAMILY,
      LONE_SURROGATE,
    ),
  ),
  { maxLength: 20 },
).map((parts) => parts.join(""));

Deno.test("a name is trimmed and its inner whitespace becomes single spaces", () => {
  assertEquals(normalizeDisplayName("  John \t\n Snow\u3000\u00A0"), { name: "John Snow" });
});

Deno.test("a name is composed (NFC), and keeps the letters it was written with", () => {
  assertEquals(normalizeDisplayName("Zoe\u0308"), { name: "Zoë" });
  assertEquals(normalizeDisplayName("Ａｎｎ ™ ½ 𝓙𝓸"), { name: "Ａｎｎ ™ ½ 𝓙𝓸" });
});

Deno.test("controls, bidi overrides, zero-width characters and lone surrogates are removed", () => {
  assertEquals(
    normalizeDisplayName(`\u202EJ\uFEFFo\u200Bh\u200Dn\u0007\u2066\uFEFF\u00AD\u{E0041}${LONE_SURROGATE}\u3164`),
    {
      name: "John",
    },
  );
});

Deno.test("invisible characters stay where the visible text depends on them", () => {
  const scotland = "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}";
  for (const name of [FAMILY, "❤️ Ann", "👩🏽\u200D🚀", "1️⃣", scotland, "🇳🇱", "ශ්\u200Dරී", "葛\u{E0100}城"]) {
    assertEquals(normalizeDisplayName(name), { name });
  }
});

Deno.test("a joiner stays only beside letters that stay", () => {
  // U+115F is a letter to Unicode, and nothing to see.
  assertEquals(normalizeDisplayName("\u3400\u094D\u200D\u115F"), { name: "\u3400\u094D" });
  assertEquals(normalizeDisplayName("\u3400\u094D\u200D"), { name: "\u3400\u094D" });
  assertEquals(normalizeDisplayName("a\u115F\u094D\u200Da"), { name: "a\u094Da" });
});

Deno.test("a name without anything to see is empty", () => {
  for (const nothing of ["", "   ", "\u200B\u2060", "\u3164", "\u2800\u2800", "\u0301", "\u200D \uFE0F"]) {
    assertEquals(normalizeDisplayName(nothing), { problem: "empty" });
  }
});

Deno.test("40 grapheme clusters are a name, 41 are too long", () => {
  assertEquals(normalizeDisplayName("x".repeat(40)), { name: "x".repeat(40) });
  assertEquals(normalizeDisplayName("x".repeat(41)), { problem: "too_long" });
  assertEquals(normalizeDisplayName(` ${"e\u0301".repeat(40)} `), { name: "é".repeat(40) });
  assertEquals(normalizeDisplayName("🎸".repeat(40)), { name: "🎸".repeat(40) });
});

Deno.test("160 bytes are a name, more are too long though few clusters", () => {
  assertEquals(new TextEncoder().encode(FAMILY).length, 18);
  assertEquals(normalizeDisplayName(FAMILY.repeat(8) + "x".repeat(16)), { name: FAMILY.repeat(8) + "x".repeat(16) });
  assertEquals(normalizeDisplayName(FAMILY.repeat(8) + "x".repeat(17)), { problem: "too_long" });
});

Deno.test("a very long input is too long without being looked at", () => {
  assertEquals(normalizeDisplayName(" ".repeat(100_000)), { problem: "too_long" });
});

Deno.test("without a segmenter code points are counted", () => {
  assertEquals(countClusters(FAMILY), 1);
  assertEquals(countClusters(`${FAMILY}é`, null), 6);
});

Deno.test("marks heaped on a letter are cut to four", () => {
  assertEquals(normalizeDisplayName("x" + "\u0315".repeat(30) + "y"), { name: "x" + "\u0315".repeat(4) + "y" });
});

Deno.test("a name that came out goes in again unchanged, within both limits and without hidden characters", () => {
  fc.assert(
    fc.property(awkward, (input) => {
      const once = normalizeDisplayName(input);
      if (!("name" in once)) return;
      assertEquals(normalizeDisplayName(once.name), once);
      assert(countClusters(once.name) <= NAME_MAX_CHARS);
      assert(new TextEncoder().encode(once.name).length <= NAME_MAX_BYTES);
      assert(!/[\p{Cc}\u200B\u202A-\u202E\u2066-\u2069\uFEFF\u00AD]|^\s|\s$|\s\s|^\p{M}/u.test(once.name));
      assertEquals(displayNameKey(once.name), displayNameKey(`\u200B ${once.name}  `));
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("names that look the same have one key", () => {
  const same = [
    "John",
    "John ",
    "jOHN",
    "Jo\u200Bhn",
    "Jöhn",
    "J0hn",
    "Јоhn",
    "Ｊｏｈｎ",
    "𝓙𝓸𝓱𝓷",
    "ᴊᴏʜɴ",
    "JΟΗΝ",
    "joհn".replace("հ", "һ"),
  ];
  for (const name of same) assertEquals(displayNameKey(name), displayNameKey("John"), name);
  for (
    const [a, b] of [["Ian", "lan"], ["Bernard", "Bemard"], ["Strauß", "STRAUSS"], ["Νίκος", "ΝΊΚΟΣ"], ["Işıl", "ISIL"]]
  ) {
    assertEquals(displayNameKey(a!), displayNameKey(b!), `${a} ${b}`);
  }
});

Deno.test("names that read differently have different keys", () => {
  const names = ["John", "Joan", "Jo Hn", "Jon", "कि", "क", "小明", "小朋", "🎸", "🎺", "Мария", "Марина", "John 2"];
  assertEquals(new Set(names.map(displayNameKey)).size, names.length);
});

Deno.test("no name throws, and every name has a key", () => {
  fc.assert(fc.property(awkward, (input) => {
    const result = normalizeDisplayName(input);
    if ("name" in result) assertNotEquals(displayNameKey(result.name), "");
  }));
});

Deno.test("the 64 emoji are different, one code point each, and pictures by default", () => {
  assertEquals(IDENTITY_EMOJI.length, 64);
  assertEquals(new Set(IDENTITY_EMOJI).size, 64);
  assertEquals(IDENTITY_EMOJI.filter((emoji) => !/^\p{Emoji_Presentation}$/u.test(emoji)), []);
  assertEquals(IDENTITY_EMOJI.filter((emoji) => /[\p{Emoji_Modifier_Base}\p{Regional_Indicator}]/u.test(emoji)), []);
});

Deno.test("the 12 colours have different names and lie at least 20 degrees apart", () => {
  assertEquals(new Set(IDENTITY_COLORS.map((color) => color.colorName)).size, 12);
  const hues = IDENTITY_COLORS.map((color) => color.hue);
  for (const [at, hue] of hues.entries()) {
    const gap = ((hues[(at + 1) % hues.length]! - hue) + 360) % 360;
    assert(gap >= 20, `${gap}° after ${hue}`);
  }
});

Deno.test("an author has the same mark always, and authors spread evenly over the 768 marks", () => {
  assertEquals(identityMark("A".repeat(43)), MARK_OF_ZERO_KEY);
  const counts = new Map<string, number>();
  for (let at = 0; at < 7_680; at++) {
    const { emoji, colorName } = identityMark(`author-${at}`);
    counts.set(emoji + colorName, (counts.get(emoji + colorName) ?? 0) + 1);
  }
  assertEquals(counts.size, 768);
  assert(Math.max(...counts.values()) < 30);
});

const MARK_OF_ZERO_KEY = { hue: 334, colorName: "pink", emoji: "🦆" };
