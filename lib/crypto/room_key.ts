// Runs in browser and server.
/** Derives a different key for every room from one device secret, so that nobody can link a person's rooms. */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64Url } from "../shared/base64url.ts";
import type { RoomId } from "../protocol/event.ts";

/** The Ed25519 seed (32 bytes) of the device with this secret (32 random bytes) in this room: HKDF-SHA-256, RFC 5869. */
export function roomSeed(deviceSecret: Uint8Array, room: RoomId): Uint8Array<ArrayBuffer> {
  const salt = fromBase64Url(room);
  if (salt?.length !== 16) throw new TypeError(`a room id is 16 bytes in base64url, not ${JSON.stringify(room)}`);
  return new Uint8Array(hkdf(sha256, deviceSecret, salt, new TextEncoder().encode("festival-chat/author/1"), 32));
}
