/** Base64url: one text for each bytes, and bytes for no other text. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { fromBase64Url, isBase64UrlOf, toBase64Url } from "../../lib/shared/base64url.ts";

// RFC 4648 section 10, without padding.
const VECTORS: [string, string][] = [
  ["", ""],
  ["f", "Zg"],
  ["fo", "Zm8"],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg"],
  ["fooba", "Zm9vYmE"],
  ["foobar", "Zm9vYmFy"],
];

Deno.test("base64url writes and reads the vectors of RFC 4648", () => {
  for (const [text, encoded] of VECTORS) {
    assertEquals(toBase64Url(new TextEncoder().encode(text)), encoded);
    assertEquals(fromBase64Url(encoded), new TextEncoder().encode(text));
  }
  assertEquals(toBase64Url(new Uint8Array([0xfb, 0xff])), "-_8");
});

Deno.test("base64url: decoding restores all bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    assertEquals(fromBase64Url(toBase64Url(bytes)), new Uint8Array(bytes));
  }));
});

Deno.test("base64url: a text that reads is the one text of its bytes", () => {
  const letters = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= é");
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), (array) => {
      const text = array.join("");
      const bytes = fromBase64Url(text);
      if (bytes !== undefined) assertEquals(toBase64Url(bytes), text);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("base64url refuses padding, foreign letters, impossible lengths and spare bits", () => {
  for (const text of ["Zg==", "Z+8_", "Z/8", "A", "AAAAA", "Zh", "Zm9", "Zg ", "Zg\n"]) {
    assertEquals(fromBase64Url(text), undefined, text);
  }
});

Deno.test("isBase64UrlOf asks for exactly that many bytes", () => {
  assertEquals(isBase64UrlOf(toBase64Url(new Uint8Array(16)), 16), true);
  assertEquals(isBase64UrlOf(toBase64Url(new Uint8Array(17)), 16), false);
  assertEquals(isBase64UrlOf(toBase64Url(new Uint8Array(15)), 16), false);
  assertEquals(isBase64UrlOf("A".repeat(21) + "B", 16), false); // Spare bits.
  assertEquals(isBase64UrlOf(undefined, 16), false);
});
