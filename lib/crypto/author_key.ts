// Runs in browser and server.
/** Validates public keys before any Ed25519 implementation uses them, so that all phones agree. */
import { fromBase64Url } from "../shared/base64url.ts";
import type { AuthorKey } from "../protocol/event.ts";

/**
 * The y coordinates of the curve's points of small order, as encodings without the sign bit, including the two that are
 * not reduced. Under such a key a signature fits every text, so it proves no authorship (RFC 8032 section 8.9 leaves the
 * check to the application; Chalkias, Garillot, Nikolaenko 2020, table 1).
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

/** The key's 32 bytes; undefined if it is malformed or has small order. */
export function authorKeyBytes(author: AuthorKey): Uint8Array<ArrayBuffer> | undefined {
  const bytes = fromBase64Url(author);
  if (bytes?.length !== 32) return undefined;
  const y = Array.from(bytes, (byte, at) => (at === 31 ? byte & 0x7f : byte).toString(16).padStart(2, "0")).join("");
  return SMALL_ORDER.has(y) ? undefined : bytes;
}
