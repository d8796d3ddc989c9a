/** A sealed content opens with its key at its place, and nowhere else. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { gcm } from "@noble/ciphers/aes.js";
import {
  eventPlace,
  newRoomSecret,
  openContent,
  personNamePlace,
  roomNamePlace,
  sealContent,
  sealerOf,
} from "../../lib/crypto/seal.ts";
import { readSealedContent } from "../../lib/kinds/kinds.ts";
import { fromBase64Url, toBase64Url } from "../../lib/shared/base64url.ts";
import { content as anyContent } from "../protocol/arbitraries.ts";

const SECRET = toBase64Url(new Uint8Array(16).map((_, at) => at));
const HEADER = { room: "room", author: "author", n: 3 };

Deno.test("a sealed text opens with its key at its place", async () => {
  const sealer = await sealerOf(SECRET);
  await fc.assert(fc.asyncProperty(
    fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed()),
    fc.string(),
    async (text, place) => assertEquals(await sealer.open(await sealer.seal(text, place), place), text),
  ));
});

Deno.test("sealing a text twice gives two results, which hide that the texts are equal", async () => {
  const sealer = await sealerOf(SECRET);
  assertNotEquals(await sealer.seal("text", "place"), await sealer.seal("text", "place"));
});

Deno.test("another key, another place or one changed bit, and nothing opens", async () => {
  const sealer = await sealerOf(SECRET);
  const sealed = await sealer.seal("text", "place");
  assertEquals(await (await sealerOf("A".repeat(22))).open(sealed, "place"), undefined);
  assertEquals(await sealer.open(sealed, "plaza"), undefined);
  const bytes = fromBase64Url(sealed)!;
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    assertEquals(await sealer.open(toBase64Url(changed), "place"), undefined, `byte ${at}`);
  }
});

Deno.test("junk does not open, and never throws", async () => {
  const sealer = await sealerOf(SECRET);
  for (const sealed of ["", "A", "é", toBase64Url(new Uint8Array(27)), toBase64Url(new Uint8Array(28))]) {
    assertEquals(await sealer.open(sealed, "place"), undefined);
  }
});

Deno.test("the sealed form is 12 bytes of IV and AES-128-GCM with the place as additional data: the library opens it", async () => {
  const sealer = await sealerOf(SECRET);
  const sealed = fromBase64Url(await sealer.seal("text 🎪", "place"))!;
  const place = new TextEncoder().encode("place");
  const opened = gcm(fromBase64Url(SECRET)!, sealed.slice(0, 12), place).decrypt(sealed.slice(12));
  assertEquals(new TextDecoder().decode(opened), "text 🎪");
  const iv = new Uint8Array(12).fill(9);
  const made = gcm(fromBase64Url(SECRET)!, iv, place).encrypt(new TextEncoder().encode("from the library"));
  assertEquals(await sealer.open(toBase64Url(new Uint8Array([...iv, ...made])), "place"), "from the library");
});

Deno.test("a room secret is 16 bytes, and anything else is refused", async () => {
  const secret = newRoomSecret((bytes) => crypto.getRandomValues(bytes));
  assertEquals(fromBase64Url(secret)?.length, 16);
  for (
    const wrong of ["", "short", toBase64Url(new Uint8Array(15)), toBase64Url(new Uint8Array(32)), "A".repeat(21) + "B"]
  ) {
    await assertRejects(() => sealerOf(wrong), TypeError);
  }
});

Deno.test("a sealed content opens at its own event and at no other", async () => {
  const sealer = await sealerOf(SECRET);
  await fc.assert(
    fc.asyncProperty(anyContent, async (content) => {
      const sealed = await sealContent(sealer, HEADER, content);
      assert(sealed.kind === "sealed");
      const opened = readSealedContent(await openContent(sealer, HEADER, sealed.body.sealed));
      // A genesis event, a sealed body or what travels in the clear inside of a sealed one is none that we write.
      assertEquals(opened, ["room", "sealed", "retract"].includes(content.kind) ? undefined : content);
      for (const other of [{ ...HEADER, n: 4 }, { ...HEADER, author: "other" }, { ...HEADER, room: "other" }]) {
        assertEquals(await openContent(sealer, other, sealed.body.sealed), undefined);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("a sealed text that is no content opens as nothing", async () => {
  const sealer = await sealerOf(SECRET);
  for (const text of ["", "null", "7", "{}", '{"kind":"message","body":{}}', '{"kind":"Poll","body":{}}']) {
    const opened = await openContent(sealer, HEADER, await sealer.seal(text, eventPlace(HEADER)));
    assertEquals(readSealedContent(opened), undefined);
  }
});

Deno.test("[SKEW-2] a sealed content of a kind that this build does not know opens as such", async () => {
  const sealer = await sealerOf(SECRET);
  const sealed = await sealContent(sealer, HEADER, { kind: "poll", body: { question: "Where?" } });
  assertEquals(readSealedContent(await openContent(sealer, HEADER, sealed.body.sealed)), {
    kind: "unknown",
    body: { kind: "poll" },
  });
});

Deno.test("places of different things are never the same", () => {
  const places = [eventPlace(HEADER), roomNamePlace("room"), personNamePlace("room", "author")];
  assertEquals(new Set(places).size, places.length);
});
