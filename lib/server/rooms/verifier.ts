/**
 * Ed25519 checks for the server by node:crypto: one synchronous call of about 60 µs, a third of the time of
 * crypto.subtle, which goes through the event loop.
 */
import { BoundedMap } from "../../shared/bounded.ts";
import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { fromBase64Url } from "../../shared/base64url.ts";
import type { AuthorKey } from "../../protocol/event.ts";
import { authorKeyBytes } from "../../crypto/author_key.ts";
import type { Verifier } from "../../crypto/signing.ts";

/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410 section 4); the 32-byte key follows. */
const SPKI_HEADER = new Uint8Array([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]);

/** The server's Verifier. It caches the key objects of `maxKeys` authors; the least recently used is dropped first. */
export function nodeVerifier(maxKeys = 5_000): Verifier {
  const keys = new BoundedMap<AuthorKey, KeyObject | undefined>(maxKeys);
  const keyOf = (author: AuthorKey): KeyObject | undefined => {
    const key = keys.has(author) ? keys.get(author) : importKey(author);
    keys.set(author, key); // Most recently used now.
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

/** The key object of an author; undefined if the key is invalid. */
function importKey(author: AuthorKey): KeyObject | undefined {
  const raw = authorKeyBytes(author);
  if (raw === undefined) return undefined;
  try {
    return createPublicKey({ key: Buffer.from([...SPKI_HEADER, ...raw]), format: "der", type: "spki" });
  } catch {
    return undefined; // Not a key, so no signature is valid.
  }
}
