// Runs in browser and server.
/** Display names: what may be shown, when two names are the same to a reader, and the mark that tells people apart. */
import { sha256 } from "@noble/hashes/sha2.js";
import { NAME_MAX_BYTES, NAME_MAX_CHARS } from "../protocol/limits.ts";
import { toWellFormed } from "../shared/well_formed.ts";

/** Longest input looked at, in UTF-16 units; longer is `too_long` whatever it holds. */
export const NAME_INPUT_MAX_CHARS = 2_048;
/** Marks kept above and below one letter. Languages need up to three; heaps of them reach into other lines. */
const MARKS_PER_LETTER_MAX = 4;

/** A name to show, or why there is none. */
export type DisplayName = { name: string } | { problem: "empty" | "too_long" };

/** Hangul fillers are letters to Unicode, and removed here: a joiner must not stay for a letter that goes. */
const LETTER = "(?!\\p{Default_Ignorable_Code_Point})\\p{L}";
/**
 * Invisible characters stay in three places where what people see depends on them; they match first and are kept:
 * - emoji: presentation selectors, skin tones, ZWJ between pictures, keycaps, and the tag letters of regional flags
 *   (Unicode Technical Standard 51);
 * - ZWJ and ZWNJ after a letter (with or without nukta) and its virama, where Indic letters join (RFC 5892, appendix A);
 * - variant selectors of Han letters, common in Japanese names (Unicode Technical Standard 37).
 * Everything else here goes: controls, bidi overrides and isolates, zero-width and filler characters, lone surrogates.
 */
const KEPT_OR_REMOVED = new RegExp(
  [
    "([0-9#*]\\uFE0F?\\u20E3",
    "\\u{1F3F4}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{1,6}\\u{E007F}",
    "\\p{ExtPict}[\\uFE0E\\uFE0F]?\\p{EMod}?(?:\\u200D\\p{ExtPict}\\uFE0F?\\p{EMod}?)*",
    `${LETTER}[\\u093C\\u09BC\\u0A3C\\u0ABC\\u0B3C\\u0CBC]?` +
    `[\\u094D\\u09CD\\u0A4D\\u0ACD\\u0B4D\\u0BCD\\u0C4D\\u0CCD\\u0D4D\\u0DCA\\u1039\\u17D2][\\u200C\\u200D](?=${LETTER})`,
    "\\p{Script=Han}[\\u{E0100}-\\u{E01EF}])",
    "[\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}]",
  ].join("|"),
  "gu",
);
/** Whitespace, and the blank Braille cell, which looks like it. Not `\s`: that counts the invisible U+FEFF as a space. */
const BLANK = /[\t-\r\u0085\p{Z}\u2800]+/gu;
// A joiner goes with the virama it follows.
const MARKS_HEAPED = new RegExp(`(\\p{M}{${MARKS_PER_LETTER_MAX}})[\\p{M}\\u200C\\u200D]+`, "gu");
const MARKS_WITHOUT_LETTER = /(^| )[\p{M}\u200C\u200D]+/gu;

/**
 * The name to keep and to show for what somebody typed; a name that came out goes in again unchanged. At most
 * `NAME_MAX_CHARS` grapheme clusters and `NAME_MAX_BYTES` UTF-8 bytes. A name is never cut: half an emoji or half a
 * name is worse than being asked for a shorter one.
 *
 * NFC, not NFKC: NFC makes one spelling of what looks the same and changes nothing that can be seen. NFKC would also
 * rewrite what people chose ("™", "½", fullwidth and script letters); only `displayNameKey` does that.
 */
export function normalizeDisplayName(input: string): DisplayName {
  if (input.length > NAME_INPUT_MAX_CHARS) return { problem: "too_long" };
  const name = toWellFormed(input, "")
    .replace(BLANK, " ")
    .replace(KEPT_OR_REMOVED, (_, kept: string | undefined) => kept ?? "")
    .normalize("NFC")
    .replace(MARKS_HEAPED, "$1")
    .replace(/ +/g, " ")
    .replace(MARKS_WITHOUT_LETTER, "$1")
    .replace(/ +/g, " ")
    .trim();
  if (name === "") return { problem: "empty" };
  if (new TextEncoder().encode(name).length > NAME_MAX_BYTES) return { problem: "too_long" };
  // No text has more clusters than code units: most names are done here, and every message carries one.
  if (name.length <= NAME_MAX_CHARS) return { name };
  return countClusters(name) > NAME_MAX_CHARS ? { problem: "too_long" } : { name };
}

/**
 * Grapheme clusters of `text` (Unicode Standard Annex 29); code points where the browser has no `Segmenter`, never fewer.
 * Engines with different Unicode versions may differ by a few on new emoji; the byte limit is the same everywhere.
 */
export function countClusters(text: string, Segmenter: typeof Intl.Segmenter | null = Intl.Segmenter ?? null): number {
  if (Segmenter === null) return [...text].length;
  return [...new Segmenter(undefined, { granularity: "grapheme" }).segment(text)].length;
}

// Letters that look like a Latin one, by case: "Н" looks like "H" and "ν" like "v". After Unicode Technical
// Standard 39, cut down to what phones' keyboards offer. Small capitals last.
const LOOKALIKES = new Map(
  [
    ["АВСЕЅІЈКМНОРТУХԌԚԜҮҺ", "ABCESIJKMHOPTYXGQWYH"],
    ["асеѕіјкмнортухһԁԛԝүвӏ", "acesijkmhoptyxhdqwybl"],
    ["ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"],
    ["αβγικνορτυχω", "abyikvoptuxw"],
    ["ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz"],
    ["ɑɡıøłđ", "agiold"],
  ].flatMap(([foreign, latin]) => [...foreign!].map((letter, at) => [letter, latin![at]!] as const)),
);

/**
 * The key by which two names are one to a reader: "John", "John ", "jOHN", "Jöhn", "J0hn" and "Јоhn" with Cyrillic
 * letters. Never shown. Meant to match too often rather than too seldom: a match only adds a mark to a name.
 * Case is folded, compatibility forms and accents are dropped, look-alikes and pairs such as "rn" and "m" are one.
 */
export function displayNameKey(name: string): string {
  const latin = [
    ...toWellFormed(name, "").normalize("NFKD")
      .replace(/[\u0300-\u036F\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, ""),
  ]
    .map((letter) => LOOKALIKES.get(letter) ?? letter).join("");
  // Upper case first: "ß" and "SS", the two small sigmas, and the dotless i meet there.
  const folded = latin.toUpperCase().toLowerCase().normalize("NFKD").replace(/[\u0300-\u036F]/g, "").replace(/ς/g, "σ");
  return folded.replace(/[i1|]/g, "l").replace(/0/g, "o").replace(/rn/g, "m").replace(/vv/g, "w")
    .replace(BLANK, " ").trim().normalize("NFC");
}

/** Colour and picture of one author. */
export interface IdentityMark {
  /** HSL hue in degrees, 0–359. */
  hue: number;
  /** One code point, shown as a picture by default. */
  emoji: string;
  /** English name of the hue, for screen readers and speech. */
  colorName: string;
}

/** Told apart by hue alone, at least 20° each; who sees fewer hues has the emoji and the name. */
export const IDENTITY_COLORS: readonly { hue: number; colorName: string }[] = [
  { hue: 0, colorName: "red" },
  { hue: 26, colorName: "orange" },
  { hue: 48, colorName: "yellow" },
  { hue: 82, colorName: "lime" },
  { hue: 130, colorName: "green" },
  { hue: 168, colorName: "teal" },
  { hue: 196, colorName: "sky" },
  { hue: 220, colorName: "blue" },
  { hue: 246, colorName: "indigo" },
  { hue: 274, colorName: "purple" },
  { hue: 302, colorName: "magenta" },
  { hue: 334, colorName: "pink" },
];

/** 64 pictures unlike each other, all of Unicode 9 or older; no faces, people, flags, hands or hearts. */
export const IDENTITY_EMOJI: readonly string[] = [
  ..."🐙🐝🐢🐬🦋🦉🐳🐘🐧🐌🐞🦀🦎🐫🐓🦆",
  ..."🍎🍉🍇🍓🍍🍋🥑🥕🌽🍕🍩🍦🍿🥐🥝🍔",
  ..."🎸🥁🎺🎻📷⏰🔑💡🔔🎈🎁🚲⛵🚀🎩🎨",
  ..."🌈⭐🌙⚡🔥🌵🌻🌲🍁🍀🌊☔⛄🌴⚓⛺",
];

/**
 * The mark of the author with this public key (base64url): always the same, one of 768, so two people with one name
 * differ in it with 767 chances in 768. It recognises, it does not prove: keys can be tried until a mark comes out.
 */
export function identityMark(authorKey: string): IdentityMark {
  const hash = sha256(new TextEncoder().encode(`identity mark ${authorKey}`));
  const color = IDENTITY_COLORS[((hash[0]! << 8) | hash[1]!) % IDENTITY_COLORS.length]!;
  return { ...color, emoji: IDENTITY_EMOJI[hash[2]! % IDENTITY_EMOJI.length]! };
}
