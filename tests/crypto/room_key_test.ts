/** The key of a device in a room. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { roomSeed } from "../../lib/crypto/room_key.ts";
import { fromBase64Url, toBase64Url } from "../../lib/shared/base64url.ts";

const secret = new Uint8Array(32).map((_, at) => at);
const room = toBase64Url(new Uint8Array(16).fill(7));

/** HMAC-SHA-256 by the platform. */
async function hmac(key: Uint8Array<ArrayBuffer>, ...parts: Uint8Array<ArrayBuffer>[]) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, await new Blob(parts).arrayBuffer()));
}

Deno.test("the seed is one block of HKDF: extract with the room as salt, expand with our label (RFC 5869 section 2)", async () => {
  const pseudorandomKey = await hmac(fromBase64Url(room)!, secret);
  const label = new TextEncoder().encode("festival-chat/author/1");
  assertEquals(roomSeed(secret, room), await hmac(pseudorandomKey, label, new Uint8Array([1])));
});

Deno.test("the seed is the platform's HKDF of secret and room", async () => {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode("festival-chat/author/1");
  const params = { name: "HKDF", hash: "SHA-256", salt: fromBase64Url(room)!, info };
  assertEquals(roomSeed(secret, room), new Uint8Array(await crypto.subtle.deriveBits(params, key, 256)));
});

Deno.test("the seed never changes: a returning device is the same author", () => {
  assertEquals(roomSeed(secret, room), roomSeed(secret.slice(), room));
  // Fixed by a run of both ways above: another value would make everybody a stranger in their own rooms.
  assertEquals(toBase64Url(roomSeed(secret, room)), "gntNI6I_XpyCEDWbX81UuN_6eWcfTPuaGq282jWMggM");
});

Deno.test("another room or another device has another seed", () => {
  assertNotEquals(roomSeed(secret, room), roomSeed(secret, toBase64Url(new Uint8Array(16).fill(8))));
  assertNotEquals(roomSeed(secret, room), roomSeed(new Uint8Array(32), room));
});

Deno.test("a malformed room id is a mistake of the caller", () => {
  for (const id of ["", "cosmic-stage-417", "A".repeat(21), "A".repeat(23)]) {
    assertThrows(() => roomSeed(secret, id), TypeError);
  }
});
