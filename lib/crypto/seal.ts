// Runs in browser and server.
/**
 * Sealed rooms: bodies are AES-128-GCM (NIST SP 800-38D) under a key that is only in the room link's fragment. Each
 * body is bound to its place (room, author, n), so a server cannot pass one sealed body off as another.
 */
import type { Sealer } from "./aes_sealer.ts";
import { fromBase64Url, toBase64Url } from "../shared/base64url.ts";
import { parseJson } from "../protocol/fields.ts";

export type { Sealer } from "./aes_sealer.ts";

/** A room's sealing key: 16 random bytes, as the link's fragment carries them (base64url). */
export type RoomSecret = string;

/** A new sealing key. `random` fills the array with random bytes, as `crypto.getRandomValues` does. */
export function newRoomSecret(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): RoomSecret {
  return toBase64Url(random(new Uint8Array(16)));
}

/** The sealer of the room with this key. Throws a TypeError when `secret` is not 16 bytes in base64url. */
export async function sealerOf(secret: RoomSecret): Promise<Sealer> {
  const key = fromBase64Url(secret);
  if (key?.length !== 16) throw new TypeError("a room secret is 16 bytes in base64url");
  // Only sealed rooms need its code.
  const { aesSealer } = await import("./aes_sealer.ts");
  return await aesSealer(key);
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
