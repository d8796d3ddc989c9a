// Runs in browser.
/**
 * The pairing code that one phone shows another as a QR code, so that the two link without any server. It holds only the
 * parts of a session description that differ between phones.
 *
 * Bytes, in their order: version (1), flags (1), room (16), key of a sealed room (16, when flagged), SHA-256 fingerprint
 * of the DTLS certificate (32, RFC 8122), ICE name and password (RFC 8445; each a length, then 6 bits a character), then
 * addresses: a type, 4 or 16 bytes, a port (2). Written in Base45 (RFC 9285), whose characters a QR code packs
 * nearly as tightly as bytes.
 */
import { fromBase64Url, isBase64UrlOf, toBase64Url } from "../../shared/base64url.ts";
import type { RoomId } from "../event.ts";

/** The prefix of a pairing code; no link or room code has it. */
export const PAIRING_PREFIX = "FC1:";
/** Bytes up to which any camera reads the code: a QR code of 37 × 37 modules. */
export const PAIRING_SMALL_BYTES = 100;
/** Most addresses in a code. */
export const PAIRING_ADDRESSES_MAX = 8;

/** A phone's UDP address. */
export interface PairingAddress {
  /** IPv4, IPv6, or the mDNS name (`<uuid>.local`) that hides one (draft-ietf-mmusic-mdns-ice-candidates). */
  host: string;
  port: number;
}

export interface PairingCode {
  room: RoomId;
  /** Sealed rooms only: the key in their link. */
  secret?: string;
  /** Of the DTLS certificate: SHA-256, base64url. */
  fingerprint: string;
  ufrag: string;
  pwd: string;
  addresses: readonly PairingAddress[];
}

const VERSION = 1;
const SEALED = 1;
const TYPES = { ipv4: 4, ipv6: 6, mdns: 7 } as const;
/** ICE's bounds (RFC 8839): a name of 4 to 256 characters, a password of 22 to 256; no browser uses more than 64. */
const UFRAG_CHARS = { least: 4, most: 64 };
const PWD_CHARS = { least: 22, most: 64 };

/**
 * The text of a code. `small`: as many addresses as fit into PAIRING_SMALL_BYTES, the likeliest first, but at least one.
 * Throws a TypeError if a field is invalid.
 */
export function encodePairing(code: PairingCode, { small = false } = {}): string {
  const bytes = [VERSION, code.secret === undefined ? 0 : SEALED];
  bytes.push(...bytesOf(code.room, 16), ...(code.secret === undefined ? [] : bytesOf(code.secret, 16)));
  bytes.push(...bytesOf(code.fingerprint, 32), ...packed(code.ufrag), ...packed(code.pwd));
  const addresses = [...code.addresses].sort((a, b) => likelihood(b) - likelihood(a)).slice(0, PAIRING_ADDRESSES_MAX);
  addresses.forEach((address, at) => {
    const more = addressBytes(address);
    if (!small || at === 0 || bytes.length + more.length <= PAIRING_SMALL_BYTES) bytes.push(...more);
  });
  return PAIRING_PREFIX + toBase45(Uint8Array.from(bytes));
}

/** Reads a scanned text; undefined when it is no pairing code. */
export function readPairing(text: string): PairingCode | undefined {
  if (!text.startsWith(PAIRING_PREFIX)) return undefined;
  const bytes = fromBase45(text.slice(PAIRING_PREFIX.length));
  if (bytes === undefined) return undefined;
  try {
    const reader = new Reader(bytes);
    if (reader.byte() !== VERSION) return undefined;
    const flags = reader.byte();
    if (flags !== 0 && flags !== SEALED) return undefined;
    const room = toBase64Url(reader.take(16));
    const secret = flags === SEALED ? toBase64Url(reader.take(16)) : undefined;
    const fingerprint = toBase64Url(reader.take(32));
    const ufrag = reader.letters(UFRAG_CHARS);
    const pwd = reader.letters(PWD_CHARS);
    const addresses: PairingAddress[] = [];
    while (!reader.done) {
      if (addresses.length === PAIRING_ADDRESSES_MAX) return undefined;
      addresses.push(reader.address());
    }
    return { room, ...(secret !== undefined && { secret }), fingerprint, ufrag, pwd, addresses };
  } catch (error) {
    if (error instanceof RangeError) return undefined; // Truncated or malformed.
    throw error;
  }
}

class Reader {
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.#at === this.bytes.length;
  }

  take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.bytes.length) throw new RangeError("cut off");
    const taken = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  letters({ least, most }: { least: number; most: number }): string {
    const count = this.byte();
    if (count < least || count > most) throw new RangeError("length");
    // Zeros complete the last group of base64.
    const text = btoa(String.fromCharCode(...this.take(Math.ceil(count * 6 / 8)), 0, 0));
    if (/[^A=]/.test(text.slice(count))) throw new RangeError("spare bits");
    return text.slice(0, count);
  }

  address(): PairingAddress {
    const type = this.byte();
    const bytes = type === TYPES.ipv4
      ? this.take(4)
      : type === TYPES.ipv6 || type === TYPES.mdns
      ? this.take(16)
      : undefined;
    if (bytes === undefined) throw new RangeError("address");
    const [high, low] = this.take(2);
    const port = high! * 256 + low!;
    if (port === 0) throw new RangeError("port");
    if (type === TYPES.ipv4) return { host: bytes.join("."), port };
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (type === TYPES.ipv6) return { host: hex.match(/.{4}/g)!.map((part) => trimZeros(part)).join(":"), port };
    return { host: `${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}.local`, port };
  }
}

const trimZeros = (hex: string) => hex.replace(/^0{1,3}/, "");

function bytesOf(text: string, length: number): Uint8Array {
  const bytes = isBase64UrlOf(text, length) ? fromBase64Url(text) : undefined;
  if (bytes === undefined) throw new TypeError(`not ${length} bytes in base64url`);
  return bytes;
}

/** Length, then 6 bits a character: ICE's characters (RFC 8839 section 5.4: ice-char) are those of base64. */
function packed(text: string): number[] {
  if (!/^[A-Za-z0-9+/]*$/.test(text)) throw new TypeError(`not letters of ICE: ${text}`);
  const bytes = Array.from(atob(text.padEnd(Math.ceil(text.length / 4) * 4, "A")), (byte) => byte.charCodeAt(0));
  return [text.length, ...bytes.slice(0, Math.ceil(text.length * 6 / 8))];
}

const UUID_LOCAL = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\.local$/i;

/** The type of an address; undefined for one that does not fit into a code. */
export function addressType(host: string): keyof typeof TYPES | undefined {
  if (UUID_LOCAL.test(host)) return "mdns";
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(host) && host.split(".").every((part) => Number(part) <= 255)) return "ipv4";
  return ipv6Bytes(host) === undefined ? undefined : "ipv6";
}

/** Phones usually share a Wi-Fi network, which has IPv4; mDNS names need multicast, which many networks drop. */
function likelihood({ host }: PairingAddress): number {
  const type = addressType(host);
  if (type === "ipv4") return host.startsWith("169.254.") ? 1 : 4;
  if (type === "mdns") return 3;
  return /^fe80/i.test(host) ? 0 : 2;
}

function addressBytes({ host, port }: PairingAddress): number[] {
  const type = addressType(host);
  if (type === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError(`no address: ${host} ${port}`);
  }
  const bytes = type === "ipv4"
    ? host.split(".").map(Number)
    : type === "ipv6"
    ? ipv6Bytes(host)!
    : host.slice(0, 36).replaceAll("-", "").match(/../g)!.map((hex) => parseInt(hex, 16));
  return [TYPES[type], ...bytes, port >> 8, port & 255];
}

/** The 16 bytes of an IPv6 address (RFC 4291 section 2.2, without a zone or an IPv4 tail). */
function ipv6Bytes(host: string): number[] | undefined {
  const [before, after, ...rest] = host.split("::");
  if (rest.length > 0 || before === undefined) return undefined;
  const left = before === "" ? [] : before.split(":"),
    right = after === undefined || after === "" ? [] : after.split(":");
  const missing = 8 - left.length - right.length;
  if (after === undefined ? missing !== 0 : missing < 1) return undefined;
  const parts = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (!parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined;
  return parts.flatMap((part) => {
    const value = parseInt(part, 16);
    return [value >> 8, value & 255];
  });
}

const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Base45 (RFC 9285). */
export function toBase45(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = at + 1 < bytes.length;
    let value = pair ? bytes[at]! * 256 + bytes[at + 1]! : bytes[at]!;
    for (let left = pair ? 3 : 2; left > 0; left--) {
      text += BASE45[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return text;
}

/** The bytes of a Base45 text; undefined if it is invalid. */
export function fromBase45(text: string): Uint8Array | undefined {
  if (text.length % 3 === 1) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 3) {
    const values = [...text.slice(at, at + 3)].map((letter) => BASE45.indexOf(letter));
    if (values.includes(-1)) return undefined;
    const value = values.reduceRight((sum, value) => sum * 45 + value, 0);
    if (value > (values.length === 3 ? 0xffff : 0xff)) return undefined;
    if (values.length === 3) bytes.push(value >> 8);
    bytes.push(value & 255);
  }
  return Uint8Array.from(bytes);
}
