/** The operator's Ed25519 key: made from a seed in the environment, signs notices. */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { fromBase64Url, toBase64Url } from "../../shared/base64url.ts";
import type { AuthorKey, WireEvent } from "../../protocol/event.ts";

/** PKCS #8 header of an Ed25519 private key (RFC 8410 section 7); the 32-byte seed follows. */
const PKCS8_HEADER = new Uint8Array([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);

const keys = new Map<string, { key: KeyObject; operator: AuthorKey }>();

/** The public key of a seed (32 bytes, base64url). Throws TypeError for anything else. */
export function publicKeyOf(seed: string): AuthorKey {
  return keyOf(seed).operator;
}

/** A payload with its signature. */
export function signAsOperator(seed: string, payload: string): WireEvent {
  return [payload, toBase64Url(new Uint8Array(sign(null, Buffer.from(payload, "utf8"), keyOf(seed).key)))];
}

function keyOf(seed: string): { key: KeyObject; operator: AuthorKey } {
  const known = keys.get(seed);
  if (known !== undefined) return known;
  const bytes = fromBase64Url(seed);
  if (bytes?.length !== 32) throw new TypeError("the operator's key must be 32 bytes in base64url");
  const key = createPrivateKey({ key: Buffer.from([...PKCS8_HEADER, ...bytes]), format: "der", type: "pkcs8" });
  // An Ed25519 SubjectPublicKeyInfo ends with the 32 bytes of the key (RFC 8410 section 4).
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const made = { key, operator: toBase64Url(new Uint8Array(spki.subarray(-32))) };
  keys.set(seed, made);
  return made;
}
