/** IP addresses as headers and settings spell them, networks of them, and the visitor's address behind trusted proxies. */

/** An address as 8 groups of 16 bits. IPv4 is its IPv4-mapped form (RFC 4291 section 2.5.5.2): each address has one form. */
export type IpAddress = readonly number[];

/** All addresses that begin with the first `bits` bits of `address`. */
export interface IpNetwork {
  address: IpAddress;
  bits: number;
}

/** Longest text that is read: a full IPv6 address with an interface, brackets and a port. */
const TEXT_MAX_CHARS = 80;

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const IPV4 = new RegExp(String.raw`^${OCTET}(?:\.${OCTET}){3}$`);

/**
 * The address in a text, without its port or interface: `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]:80`,
 * `fe80::1%eth0`. Undefined for anything else.
 */
export function readAddress(text: string): IpAddress | undefined {
  const trimmed = text.trim();
  if (trimmed.length > TEXT_MAX_CHARS) return undefined;
  const [, host = trimmed, port] = /^([\d.]+|\[[^[\]]+\])(?::(\d{1,5}))?$/.exec(trimmed) ?? [];
  if (Number(port ?? 0) > 65_535) return undefined;
  return readIpv4(host) ?? readIpv6(host.replace(/^\[(.*)\]$/, "$1"));
}

/** The network in a text: an address, or an address and a number of bits such as `10.0.0.0/8`. Undefined for anything else. */
export function readNetwork(text: string): IpNetwork | undefined {
  const [, base = "", typed] = /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const ipv4 = readIpv4(base);
  const address = ipv4 ?? readIpv6(base);
  const most = ipv4 === undefined ? 128 : 32;
  const bits = Number(typed ?? most);
  return address === undefined || bits > most ? undefined : { address, bits: bits + 128 - most };
}

/** Whether the network contains the address. */
export function contains({ address: base, bits }: IpNetwork, address: IpAddress): boolean {
  return base.every((group, at) => {
    const unused = 16 - Math.min(16, Math.max(0, bits - at * 16));
    return group >> unused === address[at]! >> unused;
  });
}

/**
 * The name under which limits count an address. An IPv6 address counts by its /64 network, which belongs to one household
 * or phone.
 */
export function countedAs(address: IpAddress): string {
  if (isIpv4(address)) return address.slice(6).flatMap((pair) => [pair >> 8, pair & 0xff]).join(".");
  return `${address.slice(0, 4).map((group) => group.toString(16)).join(":")}::/64`;
}

/**
 * The visitor's address behind `hops` trusted proxies: from the socket's address along X-Forwarded-For, from its right
 * end, to the first address that is no trusted proxy's. Entries left of it are the visitor's own claim and never read.
 * An entry that is no address ends the walk at the proxy that passed it on.
 */
export function visitorBehind(
  socket: IpAddress,
  forwardedFor: string | null,
  trusted: readonly IpNetwork[],
): { address: IpAddress; hops: number } {
  const entries = forwardedFor === null ? [] : forwardedFor.split(",");
  let address = socket;
  let hops = 0;
  while (trusted.some((network) => contains(network, address))) {
    hops++;
    const before = readAddress(entries.pop() ?? "");
    if (before === undefined) break;
    address = before;
  }
  return { address, hops };
}

function isIpv4(address: IpAddress): boolean {
  return address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0);
}

function readIpv4(text: string): IpAddress | undefined {
  if (!IPV4.test(text)) return undefined;
  const [a, b, c, d] = text.split(".").map(Number) as [number, number, number, number];
  return [0, 0, 0, 0, 0, 0xffff, a << 8 | b, c << 8 | d];
}

/** The URL parser checks an IPv6 address and gives each the same spelling (RFC 5952), without embedded IPv4. */
function readIpv6(text: string): IpAddress | undefined {
  const [, plain] = /^([\da-f:.]*:[\da-f:.]*)(?:%[\w.-]{1,16})?$/i.exec(text) ?? [];
  const canonical = plain === undefined ? undefined : URL.parse(`http://[${plain}]/`)?.hostname.slice(1, -1);
  if (canonical === undefined) return undefined;
  const [left = "", right = ""] = canonical.split("::");
  const numbers = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [head, tail] = [numbers(left), numbers(right)];
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}
