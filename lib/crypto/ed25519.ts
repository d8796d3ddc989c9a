// Runs in browser and server.
/**
 * Ed25519 (RFC 8032): the platform's own where `crypto.subtle` has it, else @noble/ed25519, which is loaded only then
 * (plain http on a LAN has no `crypto.subtle`; older phones have one without Ed25519).
 */
import { BoundedMap } from "../shared/bounded.ts";
import { fromBase64Url, toBase64Url } from "../shared/base64url.ts";
import type { AuthorKey } from "../protocol/event.ts";
import { authorKeyBytes } from "./author_key.ts";
import type { Ed25519 } from "./signing.ts";

/** How many authors' imported public keys are kept: a busy room's active writers. The oldest one goes first. */
const KEPT_KEYS = 2_000;

/** PKCS #8 header of an Ed25519 private key (RFC 8410 section 7); the 32-byte seed follows. */
const PKCS8_HEADER = new Uint8Array([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);

const utf8 = new TextEncoder();
let chosen: Promise<Ed25519> | undefined;

/** The best Ed25519 of this platform, tried out once. */
export function ed25519(): Promise<Ed25519> {
  return chosen ??= choose();
}

async function choose(): Promise<Ed25519> {
  // `crypto.subtle` is typed as always there, and is not in an insecure context.
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle !== undefined) {
    const platform = webCryptoEd25519(subtle);
    try {
      const signer = await platform.signer(new Uint8Array(32));
      if (await platform.verify(signer.author, "", await signer.sign(""))) return platform;
    } catch (error) {
      // NotSupportedError is the one answer that means "not here"; whatever else is wrong, noble works too.
      console.info(`Ed25519 of this platform is not usable (${error}); using the library.`);
    }
  }
  return (await import("./ed25519_noble.ts")).nobleEd25519();
}

/** Ed25519 by the Web Crypto API. */
export function webCryptoEd25519(subtle: SubtleCrypto): Ed25519 {
  const keys = new BoundedMap<AuthorKey, CryptoKey>(KEPT_KEYS);
  return {
    name: "webcrypto",
    async signer(seed) {
      const pkcs8 = new Uint8Array([...PKCS8_HEADER, ...seed]);
      const key = await subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
      const { x } = await subtle.exportKey("jwk", key);
      if (x === undefined) throw new Error("Ed25519 key export gave no public key");
      return {
        author: x,
        sign: async (text) => toBase64Url(new Uint8Array(await subtle.sign("Ed25519", key, utf8.encode(text)))),
      };
    },
    async verify(author, text, signature) {
      const bytes = fromBase64Url(signature);
      if (bytes?.length !== 64) return false;
      let key = keys.get(author);
      if (key === undefined) {
        const raw = authorKeyBytes(author);
        if (raw === undefined) return false;
        try {
          key = await subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
        } catch {
          return false; // Not a point on the curve: nobody's key.
        }
        keys.set(author, key);
      }
      return await subtle.verify("Ed25519", key, bytes, utf8.encode(text));
    },
  };
}
