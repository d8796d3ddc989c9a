// Runs in browser and server.
/** Base64url without padding (RFC 4648 section 5): how ids, keys and signatures are written on the wire. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NO_LETTER = 255;
/** By char code. */
const VALUES = new Uint8Array(128).fill(NO_LETTER);
[...ALPHABET].forEach((letter, value) => VALUES[letter.charCodeAt(0)] = value);

/** The base64url text of `bytes`, unpadded. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += ALPHABET[group >> 18]! + ALPHABET[(group >> 12) & 63]!;
    if (left > 1) text += ALPHABET[(group >> 6) & 63]!;
    if (left > 2) text += ALPHABET[group & 63]!;
  }
  return text;
}

/**
 * The bytes of a base64url text, or undefined when it is not the one canonical text of any bytes: foreign letters,
 * padding, an impossible length, or spare bits that are not zero (two texts must never name the same key).
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0, bitCount = 0, at = 0;
  for (let index = 0; index < text.length; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? NO_LETTER;
    if (value === NO_LETTER) return undefined;
    bits = (bits << 6) | value;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[at++] = bits >> bitCount;
      bits &= (1 << bitCount) - 1;
    }
  }
  return bits === 0 ? bytes : undefined;
}

/** Patterns of the canonical texts, by byte length. The last letter has only zeros in its spare bits. */
const PATTERNS = new Map<number, RegExp>();

/** Whether `text` is the canonical base64url text of exactly `byteLength` bytes. */
export function isBase64UrlOf(text: unknown, byteLength: number): text is string {
  if (typeof text !== "string") return false;
  let pattern = PATTERNS.get(byteLength);
  if (pattern === undefined) {
    const letters = Math.ceil((byteLength * 4) / 3);
    const last = [...ALPHABET].filter((_, value) => value % 2 ** (letters * 6 - byteLength * 8) === 0).join("");
    // "-" stands last in the class, where it is no range.
    PATTERNS.set(
      byteLength,
      pattern = new RegExp(`^[A-Za-z0-9_-]{${letters - 1}}[${last.replace("-", "")}${last.includes("-") ? "-" : ""}]$`),
    );
  }
  return pattern.test(text);
}
