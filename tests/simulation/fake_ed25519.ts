/**
 * Signatures for simulations: a keyed hash instead of Ed25519, a hundred times faster, without promises that settle at
 * an unknown time. It has the properties that tests need: signatures differ per author, and another text or
 * author makes a signature wrong. It is not secret: signatures can be forged here.
 */
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { AuthorKey } from "../../lib/protocol/event.ts";
import type { Signer, Verifier } from "../../lib/crypto/signing.ts";

/** The signer whose private key is this seed. */
export function fakeSigner(seed: Uint8Array): Signer {
  const author = toBase64Url(digest(toBase64Url(seed), 0x5eed, 32));
  return { author, sign: (text) => Promise.resolve(signature(author, text)) };
}

export const fakeVerifier: Verifier = {
  verify: (author, text, given) => Promise.resolve(signature(author, text) === given),
};

function signature(author: AuthorKey, text: string): string {
  return toBase64Url(digest(author + "\n" + text, 0x51671, 64));
}

/** Two rounds of FNV-1a with different starts, stretched to `length` bytes by xorshift. */
function digest(text: string, key: number, length: number): Uint8Array {
  let a = (0x811c9dc5 ^ key) >>> 0, b = (0x9747b28c ^ key) >>> 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01000193) >>> 0;
    b = Math.imul(b ^ unit, 0x85ebca6b) >>> 0;
    b = ((b << 13) | (b >>> 19)) >>> 0;
  }
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 4) {
    a ^= a << 13;
    a ^= a >>> 17;
    a ^= a << 5;
    b = (Math.imul(b ^ a, 0xc2b2ae35) + 0x9e3779b9) >>> 0;
    const word = (a ^ b) >>> 0;
    bytes[at] = word >>> 24;
    bytes[at + 1] = word >>> 16;
    bytes[at + 2] = word >>> 8;
    bytes[at + 3] = word;
  }
  return bytes;
}
