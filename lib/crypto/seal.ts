// Runs in browser and server.
/**
 * Sealed rooms: bodies are AES-128-GCM (NIST SP 800-38D) under a key that is only in the room link's fragment. Each
 * body is bound to its place (room, author, n), so a server cannot pass one sealed body off as another.
 */
import { fromBase64Url, toBase64Url } from "../shared/base64url.ts";
import { parseJson } from "../protocol/fields.ts";

/** A room's sealing key: 16 random bytes, as the link's fragment carries them (base64url). */
export type RoomSecret = string;

const IV_BYTES = 12;
const utf8 = new TextEncoder();

/** Seals and opens texts of one room. `place` is authenticated, not sent: both sides must name the same one. */
export interface Sealer {
  seal(text: string, place: string): Promise<string>;
  /** The text, or undefined when the key or place is another one or the bytes were changed. */
  open(sealed: string, place: string): Promise<string | undefined>;
}

/** A new sealing key. `random` fills the array with random bytes, as `crypto.getRandomValues` does. */
export function newRoomSecret(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): RoomSecret {
  return toBase64Url(random(new Uint8Array(16)));
}

/** The sealer of the room with this key. Throws a TypeError when `secret` is not 16 bytes in base64url. */
export async function sealerOf(secret: RoomSecret): Promise<Sealer> {
  const raw = fromBase64Url(secret);
  if (raw?.length !== 16) throw new TypeError("a room secret is 16 bytes in base64url");
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
        return undefined; // Both implementations throw when the tag does not fit; the cause does not matter to anyone.
      }
    },
  };
}

/** Where an event's body is sealed: it opens nowhere else. */
export function eventPlace(header: { room: string; author: string; n: number }): string {
  return `event/${header.room}/${header.author}/${header.n}`;
}

/** Where a room's name, and where a person's name in hello and presence, is sealed. */
export const roomNamePlace = (room: string): string => `room-name/${room}`;
export const personNamePlace = (room: string, author: string): string => `person-name/${room}/${author}`;

/** The sealed form of a content, for the event with this header. */
export async function sealContent(
  sealer: Sealer,
  header: { room: string; author: string; n: number },
  content: { kind: string; body: object },
): Promise<{ kind: "sealed"; body: { sealed: string } }> {
  return { kind: "sealed", body: { sealed: await sealer.seal(JSON.stringify(content), eventPlace(header)) } };
}

/** The JSON value that was sealed in the event with this header; undefined when it does not open or is not JSON. */
export async function openContent(
  sealer: Sealer,
  header: { room: string; author: string; n: number },
  sealed: string,
): Promise<unknown> {
  const text = await sealer.open(sealed, eventPlace(header));
  return text === undefined ? undefined : parseJson(text);
}

interface AesGcm {
  encrypt(
    iv: Uint8Array<ArrayBuffer>,
    text: Uint8Array<ArrayBuffer>,
    aad: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array>;
  decrypt(
    iv: Uint8Array<ArrayBuffer>,
    sealed: Uint8Array<ArrayBuffer>,
    aad: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array>;
}

async function aesGcm(raw: Uint8Array<ArrayBuffer>): Promise<AesGcm> {
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
