/**
 * Ed25519 checks for the server by node:crypto: one synchronous call of about 60 µs, a third of what crypto.subtle takes
 * with its way through the event loop.
 */
import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { fromBase64Url } from "../protocol/base64url.ts";
import type { AuthorKey } from "../protocol/event.ts";
import type { Verifier } from "../crypto/signing.ts";

/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410 section 4); the 32-byte key follows. */
const SPKI_HEADER = new Uint8Array([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]);

/**
 * The y coordinates of the curve's points of small order, as encodings without the sign bit, the two that are not
 * reduced among them. Under such a key a signature fits every text, so it proves nothing about who wrote it
 * (RFC 8032 section 8.9 leaves the check to us; Chalkias, Garillot, Nikolaenko 2020, table 1).
 */
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Makes the server's Verifier. It keeps the key objects of the last `maxKeys` authors; the longest unused goes first. */
export function nodeVerifier(maxKeys = 5_000): Verifier {
  const keys = new Map<AuthorKey, KeyObject | undefined>();
  const keyOf = (author: AuthorKey): KeyObject | undefined => {
    let key = keys.get(author);
    if (keys.delete(author)) {
      keys.set(author, key);
      return key;
    }
    key = importKey(author);
    if (keys.size >= maxKeys) keys.delete(keys.keys().next().value!);
    keys.set(author, key);
    return key;
  };
  return {
    verify(author, text, signature) {
      const bytes = fromBase64Url(signature);
      const key = keyOf(author);
      if (key === undefined || bytes?.length !== 64) return Promise.resolve(false);
      return Promise.resolve(verify(null, Buffer.from(text, "utf8"), key, bytes));
    },
  };
}

/** The key object of an author, or undefined when nobody can own such a key. */
function importKey(author: AuthorKey): KeyObject | undefined {
  const raw = fromBase64Url(author);
  if (raw?.length !== 32) return undefined;
  const y = Uint8Array.from(raw);
  y[31]! &= 0x7f;
  if (SMALL_ORDER.has(y.toHex())) return undefined;
  try {
    return createPublicKey({ key: Buffer.from([...SPKI_HEADER, ...raw]), format: "der", type: "spki" });
  } catch {
    return undefined; // Not a key at all: whatever it signed is not signed.
  }
}
