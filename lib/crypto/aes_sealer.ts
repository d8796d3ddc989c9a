// Runs in browser and server.
/** AES-128-GCM for sealed rooms (seal.ts). Loaded on demand. */
import { fromBase64Url, toBase64Url } from "../shared/base64url.ts";

const IV_BYTES = 12;
const utf8 = new TextEncoder();

/** Seals and opens texts of one room. `place` is authenticated but not sent: both sides must use the same one. */
export interface Sealer {
  seal(text: string, place: string): Promise<string>;
  /** The text; undefined if the key or place differs or the bytes were changed. */
  open(sealed: string, place: string): Promise<string | undefined>;
}

/** The sealer with this key of 16 bytes. */
export async function aesSealer(raw: Bytes): Promise<Sealer> {
  const { encrypt, decrypt } = await aesGcm(raw);
  return {
    async seal(text, place) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await encrypt(iv, utf8.encode(text), utf8.encode(place));
      const all = new Uint8Array(IV_BYTES + sealed.length);
      all.set(iv);
      all.set(sealed, IV_BYTES);
      return toBase64Url(all);
    },
    async open(sealed, place) {
      const all = fromBase64Url(sealed);
      if (all === undefined || all.length < IV_BYTES + 16) return undefined;
      try {
        const text = await decrypt(all.slice(0, IV_BYTES), all.slice(IV_BYTES), utf8.encode(place));
        return new TextDecoder("utf-8", { fatal: true }).decode(text);
      } catch {
        return undefined; // Both implementations throw when the tag does not fit; no caller needs the cause.
      }
    },
  };
}

type Bytes = Uint8Array<ArrayBuffer>;
type Cipher = (iv: Bytes, text: Bytes, aad: Bytes) => Promise<Uint8Array>;

async function aesGcm(raw: Bytes): Promise<{ encrypt: Cipher; decrypt: Cipher }> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    // An insecure context (plain http on a LAN): @noble/ciphers, loaded only here.
    const { gcm } = await import("@noble/ciphers/aes.js");
    return {
      encrypt: (iv, text, aad) => Promise.resolve(gcm(raw, iv, aad).encrypt(text)),
      decrypt: async (iv, sealed, aad) => await gcm(raw, iv, aad).decrypt(sealed),
    };
  }
  const key = await subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  return {
    encrypt: async (iv, text, additionalData) =>
      new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, text)),
    decrypt: async (iv, sealed, additionalData) =>
      new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, sealed)),
  };
}
