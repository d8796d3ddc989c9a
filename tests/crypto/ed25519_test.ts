/** Both implementations of Ed25519 say the same, and what RFC 8032 says. */
import { assert, assertEquals } from "@std/assert";
import type { Ed25519 } from "../../lib/crypto/signing.ts";
import { ed25519, webCryptoEd25519 } from "../../lib/crypto/ed25519.ts";
import { nobleEd25519 } from "../../lib/crypto/ed25519_noble.ts";
import { signEvent, verifyEvent } from "../../lib/crypto/signing.ts";
import { fromBase64Url, toBase64Url } from "../../lib/shared/base64url.ts";

const IMPLEMENTATIONS: Ed25519[] = [webCryptoEd25519(crypto.subtle), nobleEd25519()];

const bytes = (hex: string) => Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));
const base64url = (hex: string) => toBase64Url(bytes(hex));

/** RFC 8032 section 7.1, those whose message is the UTF-8 encoding of a text: our signatures are of texts. */
const VECTORS = [
  {
    name: "TEST 1",
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature: `e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
      5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b`,
  },
  {
    name: "TEST 2",
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature: `92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
      085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00`,
  },
];

/** The order L of the base point (RFC 8032 section 5.1), little-endian. */
const ORDER = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/** The signature with S + L in place of S: the same point, another encoding. */
function malleated(signature: string): string {
  const changed = fromBase64Url(signature)!;
  let carry = 0;
  for (let at = 0; at < 32; at++) {
    const sum = changed[32 + at]! + ORDER[at]! + carry;
    changed[32 + at] = sum & 255;
    carry = sum >> 8;
  }
  return toBase64Url(changed);
}

for (const implementation of IMPLEMENTATIONS) {
  const { name } = implementation;

  Deno.test(`${name}: a key of small order signs nothing, though its signatures fit every text`, async () => {
    // The neutral element as key and as R, S = 0: the equation S·B = R + h·A holds for every h.
    const author = new Uint8Array(32);
    author[0] = 1;
    const signature = new Uint8Array(64);
    signature[0] = 1;
    assert(!await implementation.verify(toBase64Url(author), "anything", toBase64Url(signature)));
  });

  for (const vector of VECTORS) {
    Deno.test(`${name}: key and signature of RFC 8032 ${vector.name}`, async () => {
      const text = new TextDecoder().decode(bytes(vector.message));
      const signer = await implementation.signer(bytes(vector.seed));
      assertEquals(signer.author, base64url(vector.key));
      assertEquals(await signer.sign(text), base64url(vector.signature));
      assert(await implementation.verify(signer.author, text, base64url(vector.signature)));
    });
  }

  Deno.test(`${name}: another text, author or signature is wrong`, async () => {
    const signer = await implementation.signer(new Uint8Array(32).fill(1));
    const other = await implementation.signer(new Uint8Array(32).fill(2));
    const signature = await signer.sign("text");
    assert(await implementation.verify(signer.author, "text", signature));
    assert(!await implementation.verify(signer.author, "Text", signature));
    assert(!await implementation.verify(other.author, "text", signature));
    for (const at of [0, 31, 32, 63]) {
      const changed = fromBase64Url(signature)!;
      changed[at]! ^= 1;
      assert(!await implementation.verify(signer.author, "text", toBase64Url(changed)), `byte ${at}`);
    }
  });

  Deno.test(`${name}: a second encoding of a signature is not accepted (RFC 8032 section 5.1.7)`, async () => {
    const signer = await implementation.signer(new Uint8Array(32).fill(3));
    const signature = await signer.sign("text");
    assert(!await implementation.verify(signer.author, "text", malleated(signature)));
  });

  Deno.test(`${name}: junk is not a signature, and never throws`, async () => {
    const { author } = await implementation.signer(new Uint8Array(32));
    for (const signature of ["", "A", "A".repeat(86), "é", toBase64Url(new Uint8Array(63)), "A".repeat(1_000)]) {
      assertEquals(await implementation.verify(author, "text", signature), false);
    }
    for (const key of ["", "x", "A".repeat(42), toBase64Url(new Uint8Array(32).fill(255)), "_".repeat(43)]) {
      assertEquals(await implementation.verify(key, "text", "A".repeat(86)), false);
    }
  });

  Deno.test(`${name}: texts are signed as UTF-8`, async () => {
    const signer = await implementation.signer(new Uint8Array(32).fill(4));
    const signature = await signer.sign("é🎪\u0000");
    assert(await implementation.verify(signer.author, "é🎪\u0000", signature));
    assert(!await implementation.verify(signer.author, "e\u0301🎪\u0000", signature));
  });
}

Deno.test("both implementations make the same key and signature, and accept each other's", async () => {
  const [platform, library] = IMPLEMENTATIONS as [Ed25519, Ed25519];
  for (let round = 0; round < 20; round++) {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const text = `text ${round} 🎪`;
    const [one, two] = [await platform.signer(seed), await library.signer(seed)];
    assertEquals(one.author, two.author);
    assertEquals(await one.sign(text), await two.sign(text));
    assert(await platform.verify(two.author, text, await two.sign(text)));
    assert(await library.verify(one.author, text, await one.sign(text)));
  }
});

Deno.test("the platform's own implementation is chosen where it works", async () => {
  assertEquals((await ed25519()).name, "webcrypto");
});

Deno.test("an author's signature fits the event, and one changed character breaks it", async () => {
  const implementation = await ed25519();
  const signer = await implementation.signer(new Uint8Array(32).fill(5));
  const event = await signEvent(signer, { room: "A".repeat(22), n: 1, clock: 1, at: 0 }, {
    kind: "message",
    body: { name: "Ada", text: "hello" },
  });
  assert(await verifyEvent(implementation, event));
  const [payload, signature] = event.wire;
  assert(!await verifyEvent(implementation, { ...event, wire: [payload.replace("hello", "jello"), signature] }));
});
