// Runs in browser and server.
/** Display names: validation, comparison as a reader sees them, and the mark that distinguishes people. */
import { sha256 } from "@noble/hashes/sha2.js";
import { NAME_MAX_BYTES, NAME_MAX_CHARS } from "../protocol/limits.ts";
import { toWellFormed } from "../shared/well_formed.ts";

/** Longest input that is examined, in UTF-16 units; longer input is `too_long`. */
export const NAME_INPUT_MAX_CHARS = 2_048;
/** Most combining marks on one letter. Languages need up to three; stacks of them reach into other lines. */
const MARKS_PER_LETTER_MAX = 4;

/** A valid name, or the problem with it. */
export type DisplayName = { name: string } | { problem: "empty" | "too_long" };

/** Unicode counts Hangul fillers as letters. They are removed here, so a joiner must not depend on them. */
const LETTER = "(?!\\p{Default_Ignorable_Code_Point})\\p{L}";
/**
 * Invisible characters stay in three places where the visible text depends on them; these match first:
 * - emoji: presentation selectors, skin tones, ZWJ between pictures, keycaps, and the tag letters of regional flags
 *   (Unicode Technical Standard 51);
 * - ZWJ and ZWNJ after a letter (with or without nukta) and its virama, where Indic letters join (RFC 5892, appendix A);
 * - variant selectors of Han letters, common in Japanese names (Unicode Technical Standard 37).
 * All others are removed: controls, bidi overrides and isolates, zero-width and filler characters, lone surrogates.
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
/** White space, and the blank Braille cell, which looks like it. Not `\s`, which includes the invisible U+FEFF. */
const BLANK = /[\t-\r\u0085\p{Z}\u2800]+/gu;
// A joiner is removed with the virama before it.
const MARKS_HEAPED = new RegExp(`(\\p{M}{${MARKS_PER_LETTER_MAX}})[\\p{M}\\u200C\\u200D]+`, "gu");
const MARKS_WITHOUT_LETTER = /(^| )[\p{M}\u200C\u200D]+/gu;

/**
 * The valid form of a typed name; normalising it again changes nothing. At most `NAME_MAX_CHARS` grapheme clusters and
 * `NAME_MAX_BYTES` UTF-8 bytes. Names are never truncated: half an emoji or half a name is worse than asking for a shorter
 * one.
 *
 * NFC, not NFKC: NFC unifies equal-looking spellings and changes nothing visible. NFKC would also rewrite deliberate
 * choices ("™", "½", fullwidth and script letters); only `displayNameKey` does that.
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
  // A text has at most as many clusters as code units. Every message has a name, and most are done here.
  if (name.length <= NAME_MAX_CHARS) return { name };
  return countClusters(name) > NAME_MAX_CHARS ? { problem: "too_long" } : { name };
}

/**
 * Grapheme clusters of `text` (Unicode Standard Annex 29); code points, never fewer, if the browser has no `Segmenter`.
 * Engines with different Unicode versions may differ by a few on new emoji; the byte limit is the same everywhere.
 */
export function countClusters(text: string, Segmenter: typeof Intl.Segmenter | null = Intl.Segmenter ?? null): number {
  if (Segmenter === null) return [...text].length;
  return [...new Segmenter(undefined, { granularity: "grapheme" }).segment(text)].length;
}

// Letters that look like Latin ones, by case: "Н" looks like "H" and "ν" like "v". From Unicode Technical Standard
// 39, limited to the letters of phones' keyboards. Small capitals last.
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
 * Names with the same key look the same to a reader: "John", "John ", "jOHN", "Jöhn", "J0hn" and "Јоhn" with Cyrillic
 * letters. Never shown. It matches rather too often than too rarely, because a match only adds a mark to a name.
 * Case is folded, compatibility forms and accents are dropped, look-alikes and pairs such as "rn" and "m" are one.
 */
export function displayNameKey(name: string): string {
  const latin = [
    ...toWellFormed(name, "").normalize("NFKD")
      .replace(/[\u0300-\u036F\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, ""),
  ]
    .map((letter) => LOOKALIKES.get(letter) ?? letter).join("");
  // Upper case first, which unifies "ß" with "SS", the two small sigmas, and the dotless i.
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

/** Hues at least 20° apart. People who see fewer hues have the emoji and the name. */
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
 * The mark of the author with this public key (base64url): one of 768, always the same. Two people with the same name
 * have different marks with a probability of 767 in 768. A mark is no proof: an attacker can try keys until a mark fits.
 */
export function identityMark(authorKey: string): IdentityMark {
  const hash = sha256(new TextEncoder().encode(`identity mark ${authorKey}`));
  const color = IDENTITY_COLORS[((hash[0]! << 8) | hash[1]!) % IDENTITY_COLORS.length]!;
  return { ...color, emoji: IDENTITY_EMOJI[hash[2]! % IDENTITY_EMOJI.length]! };
}
