/** [PAIR-2] [PAIR-3] What one phone shows another fits into a small QR code, and anything else is no pairing code. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  addressType,
  encodePairing,
  fromBase45,
  PAIRING_ADDRESSES_MAX,
  PAIRING_PREFIX,
  PAIRING_SMALL_BYTES,
  type PairingCode,
  readPairing,
  toBase45,
} from "../../lib/protocol/peer/pairing_code.ts";

const ROOM = "AAECAwQFBgcICQoLDA0ODw";
const CODE: PairingCode = {
  room: ROOM,
  fingerprint: "u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s",
  ufrag: "Qz+R",
  pwd: "/9hkx82OZ8PpGQOrbykEwHQ0",
  addresses: [{ host: "192.168.1.77", port: 51_234 }],
};
const MDNS = { host: "1f4712db-ea17-4bcf-a596-105139dfd8bf.local", port: 4_321 };

const bytesIn = (text: string) => fromBase45(text.slice(PAIRING_PREFIX.length))!.length;

Deno.test("[PAIR-2] a code is read as it was written, with every kind of address", () => {
  const codes: PairingCode[] = [
    CODE,
    { ...CODE, secret: "EBESExQVFhcYGRobHB0eHw", addresses: [] },
    { ...CODE, addresses: [...CODE.addresses, MDNS, { host: "2001:db8:0:0:0:0:0:1", port: 65_535 }] },
    // As Firefox writes them.
    { ...CODE, ufrag: "0a1b2c3d", pwd: "00112233445566778899aabbccddeeff" },
  ];
  for (const code of codes) assertEquals(readPairing(encodePairing(code)), code);
});

Deno.test("[PAIR-3] a small code has at most 100 bytes: one address always, others as far as they fit, IPv4 first", () => {
  const many = {
    ...CODE,
    addresses: [{ host: "fe80::1", port: 9 }, { host: "2001:db8::2", port: 9 }, MDNS, ...CODE.addresses],
  };
  const small = encodePairing(many, { small: true });
  assert(bytesIn(small) <= PAIRING_SMALL_BYTES, `${bytesIn(small)} bytes`);
  assertEquals(readPairing(small)?.addresses, [CODE.addresses[0]!, MDNS]);
  assertEquals(readPairing(encodePairing(many))?.addresses.length, 4);
  const sealed = encodePairing({ ...many, secret: ROOM }, { small: true });
  assertEquals(readPairing(sealed)?.addresses, CODE.addresses);
});

Deno.test("Base45 is that of RFC 9285, section 4.3 and 4.4", () => {
  const utf8 = new TextEncoder();
  for (
    const [text, base45] of [["AB", "BB8"], ["Hello!!", "%69 VD92EX0"], ["base-45", "UJCLQE7W581"], [
      "ietf!",
      "QED8WEX0",
    ]]
  ) {
    assertEquals(toBase45(utf8.encode(text)), base45);
    assertEquals(fromBase45(base45!), utf8.encode(text));
  }
  for (const bad of ["GGW", "A", "ABCD", "ab", "::", "ÄÖ"]) assertEquals(fromBase45(bad), undefined, bad);
});

Deno.test("a code that is truncated, extended, of another version or altered in its lengths is no pairing code", () => {
  const text = encodePairing(CODE);
  const bytes = fromBase45(text.slice(PAIRING_PREFIX.length))!;
  const read = (...altered: number[]) => readPairing(PAIRING_PREFIX + toBase45(Uint8Array.from(altered)));
  // Without its address it is a code of a phone in no network.
  for (let end = 0; end < bytes.length - 7; end++) {
    assertEquals(read(...bytes.subarray(0, end)), undefined, `${end}`);
  }
  assertEquals(read(...bytes, 4, 1), undefined);
  assertEquals(read(2, ...bytes.subarray(1)), undefined);
  assertEquals(read(1, 2, ...bytes.subarray(2)), undefined);
  const withUfragOf = (length: number) => read(...bytes.subarray(0, 50), length, ...bytes.subarray(51));
  for (const length of [0, 3, 65, 255]) assertEquals(withUfragOf(length), undefined);
  const crowded = Array.from({ length: PAIRING_ADDRESSES_MAX }, () => [4, 10, 0, 0, 1, 1, 1]).flat();
  assertEquals(read(...bytes, ...crowded), undefined);
  for (const foreign of ["", "FC1:", "https://chat.example/r/cosmic-stage-417", text.toLowerCase(), ` ${text}`]) {
    assertEquals(readPairing(foreign), undefined);
  }
});

Deno.test("a field that does not fit into a code is refused", () => {
  for (const host of ["", "phone.local", "300.1.1.1", "1.2.3", "1::2::3", "12345::", "fe80::1%wlan0"]) {
    assertEquals(addressType(host), undefined, host);
    assertThrows(() => encodePairing({ ...CODE, addresses: [{ host, port: 1 }] }), TypeError);
  }
  assertThrows(() => encodePairing({ ...CODE, addresses: [{ host: "10.0.0.1", port: 0 }] }), TypeError);
  assertThrows(() => encodePairing({ ...CODE, room: "short" }), TypeError);
  assertThrows(() => encodePairing({ ...CODE, pwd: "with a space and more than 22" }), TypeError);
});
