// Runs in browser and server.
/** Ed25519 by @noble/ed25519, in plain JavaScript: works without `crypto.subtle`. Loaded on demand by ed25519.ts. */
import * as noble from "@noble/ed25519";
import { hash as sha512 } from "@stablelib/sha512";
import { fromBase64Url, toBase64Url } from "../shared/base64url.ts";
import { authorKeyBytes } from "./author_key.ts";
import type { Ed25519 } from "./signing.ts";

// The library's own SHA-512 is `crypto.subtle`'s, which may not exist here. That of @noble/hashes would be loaded along
// with the SHA-256 that every page needs: they share a module.
noble.hashes.sha512 = (message) => new Uint8Array(sha512(message));

const utf8 = new TextEncoder();

/** Ed25519 in plain JavaScript. */
export function nobleEd25519(): Ed25519 {
  return {
    name: "noble",
    signer(seed) {
      return Promise.resolve({
        author: toBase64Url(noble.getPublicKey(seed)),
        sign: (text) => Promise.resolve(toBase64Url(noble.sign(utf8.encode(text), seed))),
      });
    },
    verify(author, text, signature) {
      const bytes = fromBase64Url(signature);
      const key = authorKeyBytes(author);
      if (bytes?.length !== 64 || key === undefined) return Promise.resolve(false);
      try {
        // `zip215: false` is RFC 8032's strict rule, the one Web Crypto follows: all phones must agree.
        return Promise.resolve(noble.verify(bytes, utf8.encode(text), key, { zip215: false }));
      } catch {
        return Promise.resolve(false); // Not a point on the curve: nobody's key.
      }
    },
  };
}
