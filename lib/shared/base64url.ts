// Runs in browser and server.
/** Base64url without padding (RFC 4648 section 5): the wire form of ids, keys and signatures. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const INVALID = 255;
/** Digit values by char code. */
const VALUES = new Uint8Array(128).fill(INVALID);
[...ALPHABET].forEach((digit, value) => VALUES[digit.charCodeAt(0)] = value);

/** The value, 0 to 63, of the digit at this index of a valid base64url text. */
export function base64UrlDigit(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)]!;
}

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
 * The bytes of a base64url text. Undefined unless the text is canonical: foreign characters, padding, an impossible
 * length and non-zero spare bits are rejected, so that two texts never name the same key.
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0, bitCount = 0, at = 0;
  for (let index = 0; index < text.length; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? INVALID;
    if (value === INVALID) return undefined;
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

/** Whether `text` is the canonical base64url text of exactly `byteLength` bytes. Allocates nothing. */
export function isBase64UrlOf(text: unknown, byteLength: number): text is string {
  if (typeof text !== "string" || text.length !== Math.ceil((byteLength * 4) / 3)) return false;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    value = VALUES[text.charCodeAt(at)] ?? INVALID;
    if (value === INVALID) return false;
  }
  const spareBits = text.length * 6 - byteLength * 8;
  return (value & ((1 << spareBits) - 1)) === 0;
}
