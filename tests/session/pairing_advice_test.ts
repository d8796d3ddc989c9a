/** [PAIR-6] Why two phones may not find each other, as far as their codes tell. */
import { assertEquals } from "@std/assert";
import type { PairingCode } from "../../lib/protocol/peer/pairing_code.ts";
import { pairingAdvice } from "../../lib/session/mesh/pairing_advice.ts";

const code = (...hosts: string[]): PairingCode => ({
  room: "AAECAwQFBgcICQoLDA0ODw",
  fingerprint: "",
  ufrag: "",
  pwd: "",
  addresses: hosts.map((host) => ({ host, port: 1_000 })),
});
const NAME = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";

const TABLE: [what: string, mine: PairingCode, theirs: PairingCode, advice: string[]][] = [
  ["no address here", code(), code("10.0.0.2"), ["no_network"]],
  ["no address there", code("10.0.0.1"), code(), ["their_no_network"]],
  ["one network", code("10.0.0.1"), code("10.0.0.2"), ["scan_back", "isolated"]],
  ["one of several networks in common", code("10.0.0.1", "192.168.1.5"), code("192.168.1.9"), [
    "scan_back",
    "isolated",
  ]],
  ["different networks", code("10.0.0.1"), code("192.168.1.2"), ["scan_back", "other_network"]],
  ["only a name here", code(NAME), code("10.0.0.2"), ["scan_back", "hidden"]],
  ["only a name there", code("10.0.0.1"), code(NAME), ["scan_back", "their_hidden"]],
  ["names on both sides", code(NAME), code(NAME), ["scan_back", "hidden", "their_hidden"]],
  ["IPv6 alone", code("fe80::1"), code("fe80::2"), ["scan_back", "isolated"]],
];

for (const [what, mine, theirs, advice] of TABLE) {
  Deno.test(`[PAIR-6] ${what}: ${advice.join(", ")}`, () => assertEquals(pairingAdvice(mine, theirs), advice));
}
