/** Addresses in the headers of proxies, in as many spellings as proxies have. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  contains,
  countedAs,
  type IpAddress,
  readAddress,
  readNetwork,
  visitorBehind,
} from "../../lib/server/http/ip_address.ts";

const counted = (text: string) => {
  const address = readAddress(text);
  return address === undefined ? undefined : countedAs(address);
};
const octets = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .filter((all) => !(all[5] === 0xffff && all.slice(0, 5).every((group) => group === 0)));
const port = fc.option(fc.nat(65_535), { nil: undefined });

/** One of the spellings of an IPv6 address: leading zeros, upper case, one run of zeros left out, an interface. */
const spelled = fc.record({
  groups,
  width: fc.integer({ min: 1, max: 4 }),
  upper: fc.boolean(),
  run: fc.nat(),
  zone: fc.boolean(),
})
  .map(({ groups, width, upper, run, zone }) => {
    const parts = groups.map((group) => group.toString(16).padStart(width, "0"));
    const zeros = groups.flatMap((group, at) => group === 0 ? [at] : []);
    const from = zeros[run % Math.max(1, zeros.length)];
    let to = from ?? 0;
    while (from !== undefined && to < 8 && groups[to] === 0) to++;
    const text = from === undefined
      ? parts.join(":")
      : `${parts.slice(0, from).join(":")}::${parts.slice(to).join(":")}`;
    return { groups, text: (upper ? text.toUpperCase() : text) + (zone ? "%eth0" : "") };
  });

Deno.test("an IPv4 address is the same with any port, as IPv4-mapped IPv6, and in brackets as that", () => {
  fc.assert(fc.property(octets, port, (four, port) => {
    const dotted = four.join(".");
    const hex = [four[0]! << 8 | four[1]!, four[2]! << 8 | four[3]!].map((pair) => pair.toString(16)).join(":");
    const suffix = port === undefined ? "" : `:${port}`;
    for (
      const text of [
        `${dotted}${suffix}`,
        ` ${dotted}${suffix} `,
        `::ffff:${dotted}`,
        `::FFFF:${hex}`,
        `0:0:0:0:0:ffff:${dotted}`,
        `[::ffff:${dotted}]${suffix}`,
        `[::ffff:${hex}]${suffix}`,
      ]
    ) assertEquals(counted(text), dotted, text);
  }));
});

Deno.test("an IPv6 address counts by its /64 network, in every spelling, with any port", () => {
  fc.assert(fc.property(spelled, port, ({ groups, text }, port) => {
    const network = `${groups.slice(0, 4).map((group) => group.toString(16)).join(":")}::/64`;
    assertEquals(counted(text), network, text);
    const bracketed = `[${text}]${port === undefined ? "" : `:${port}`}`;
    assertEquals(counted(bracketed), network, bracketed);
  }));
});

Deno.test("junk is never an address", () => {
  const junk =
    "unknown,_hidden,localhost,chat.example,,:,::1::,1.2.3,1.2.3.4.5,256.1.1.1,01.2.3.4,1.2.3.4:,1.2.3.4:65536,1.2.3.4:x," +
    "0x7f.0.0.1,2130706433,[1.2.3.4],[::1,::1],[::1]:99999,[::1]x,1:2:3:4:5:6:7:8:9,12345::,::ffff:1.2.3.4.5,[],[]:80," +
    'fe80::1%,1.2.3.4%eth0,"1.2.3.4",for=1.2.3.4,1.2.3.4/8,１.2.3.4,::g';
  for (const text of junk.split(",")) assertEquals(readAddress(text), undefined, text);
  assertEquals(readAddress("1".repeat(10_000)), undefined);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const name = counted(text);
    assert(
      name === undefined || /^(\d+\.\d+\.\d+\.\d+|([\da-f]{1,4}:){4}:\/64)$/.test(name),
      JSON.stringify([text, name]),
    );
  }));
});

Deno.test("a network contains the addresses that begin with its bits, IPv4 in either spelling", () => {
  const inside = (network: string, address: string) => contains(readNetwork(network)!, readAddress(address)!);
  assert(inside("10.0.0.0/8", "10.255.0.1"));
  assert(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
  assert(!inside("10.0.0.0/8", "11.0.0.1"));
  assert(inside("192.0.2.64/26", "192.0.2.127") && !inside("192.0.2.64/26", "192.0.2.128"));
  assert(inside("192.0.2.1", "192.0.2.1") && !inside("192.0.2.1", "192.0.2.2"));
  assert(inside("2001:db8::/33", "2001:db8:7fff::1") && !inside("2001:db8::/33", "2001:db8:8000::1"));
  assert(inside("::1", "0:0::1") && !inside("::1", "::2"));
  assert(inside("0.0.0.0/0", "203.0.113.9") && !inside("0.0.0.0/0", "2001:db8::1"));
  for (
    const text of [
      "",
      "10.0.0.0/33",
      "::/129",
      "10.0.0.0/",
      "[::1]",
      "10.0.0.1:80",
      "10.0.0",
      "loopback",
      "10.0.0.0/-1",
    ]
  ) {
    assertEquals(readNetwork(text), undefined, text);
  }
});

Deno.test("X-Forwarded-For is read from the right over trusted proxies only; junk in it is nobody's address", () => {
  const trusted = ["127.0.0.0/8", "::1", "10.0.0.0/8"].map((text) => readNetwork(text)!);
  const from = (socket: string, forwarded: string | null) => {
    const { address, hops } = visitorBehind(readAddress(socket)!, forwarded, trusted);
    return [countedAs(address), hops];
  };
  assertEquals(from("192.0.2.9", "203.0.113.5"), ["192.0.2.9", 0], "from anybody");
  assertEquals(from("127.0.0.1", "203.0.113.5"), ["203.0.113.5", 1]);
  assertEquals(from("127.0.0.1", "6.6.6.6, 203.0.113.5:4711"), ["203.0.113.5", 1], "left of it stands a claim");
  assertEquals(from("::1", "6.6.6.6, 203.0.113.5,10.0.0.1"), ["203.0.113.5", 2]);
  assertEquals(from("::ffff:10.0.0.2", "[2001:db8:1:2::5]:80"), ["2001:db8:1:2::/64", 1]);
  assertEquals(from("127.0.0.1", "6.6.6.6, unknown"), ["127.0.0.1", 1]);
  assertEquals(from("127.0.0.1", "6.6.6.6, unknown, 10.0.0.1"), ["10.0.0.1", 2]);
  assertEquals(from("127.0.0.1", null), ["127.0.0.1", 1]);
  assertEquals(from("127.0.0.1", "10.0.0.3"), ["10.0.0.3", 2], "a visitor on the proxies' own network");
});

Deno.test("a visitor cannot choose the address by anything written into X-Forwarded-For", () => {
  const trusted = [readNetwork("127.0.0.1")!];
  const visitor: IpAddress = readAddress("203.0.113.5")!;
  fc.assert(fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), (claims) => {
    const seen = visitorBehind(readAddress("127.0.0.1")!, [...claims, "203.0.113.5"].join(", "), trusted);
    assertEquals(seen, { address: visitor, hops: 1 });
    assertEquals(visitorBehind(visitor, claims.join(", "), trusted).address, visitor);
  }));
});
