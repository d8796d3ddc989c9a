/** How MemoryKv orders keys and counts bytes: as Deno KV does, seen from outside. */
import { byteBoundOf, byteLengthOf, type StoredValue } from "./kv_values.ts";

/** Limits of the real database, as it enforces them. */
export const KV_LIMITS = {
  valueBytes: 65_536,
  writeKeyBytes: 2_048,
  readKeyBytes: 2_049,
  checks: 100,
  mutations: 1_000,
  /** Values, keys of checks and deletes once, keys of other mutations twice. */
  atomicBytes: 819_200,
  /** Keys of all mutations but deletes. */
  atomicKeyBytes: 81_920,
  getManyKeys: 10,
  watchKeys: 10,
  batchEntries: 1_000,
} as const;

/** One change of a commit; `encoded` is its key. */
export type Mutation =
  | { type: "set"; key: Deno.KvKey; encoded: string; value: StoredValue; expireIn?: number }
  | { type: "delete"; key: Deno.KvKey; encoded: string }
  | { type: "sum" | "min" | "max"; key: Deno.KvKey; encoded: string; operand: bigint };

/** Throws as the database does when a commit is too large. */
export function checkCommitSize(checks: readonly Deno.AtomicCheck[], mutations: readonly Mutation[]): void {
  if (checks.length > KV_LIMITS.checks) throw new TypeError(`Too many checks (max ${KV_LIMITS.checks})`);
  if (mutations.length > KV_LIMITS.mutations) throw new TypeError(`Too many mutations (max ${KV_LIMITS.mutations})`);
  let bytes = 0, keyBytes = 0;
  for (const { key } of checks) bytes += encodeKeyToRead(key).length;
  for (const { type, encoded } of mutations) {
    if (encoded.length === 0) throw new TypeError("key cannot be empty");
    if (encoded.length > KV_LIMITS.writeKeyBytes) {
      throw new TypeError(`Key too large for write (max ${KV_LIMITS.writeKeyBytes} bytes)`);
    }
    bytes += type === "delete" ? encoded.length : 2 * encoded.length;
    if (type !== "delete") keyBytes += encoded.length;
  }
  if (!valuesFit(mutations, bytes, byteBoundOf)) {
    // Exact sizes take longer to find.
    if (!valuesFit(mutations, bytes, byteLengthOf)) {
      const large = mutations.some((mutation) => valueBytes(mutation, byteLengthOf) > KV_LIMITS.valueBytes);
      throw new TypeError(
        large
          ? `Value too large (max ${KV_LIMITS.valueBytes} bytes)`
          : `Total mutation size too large (max ${KV_LIMITS.atomicBytes} bytes)`,
      );
    }
  }
  if (keyBytes > KV_LIMITS.atomicKeyBytes) {
    throw new TypeError(`Total key size too large (max ${KV_LIMITS.atomicKeyBytes} bytes)`);
  }
}

function valuesFit(mutations: readonly Mutation[], otherBytes: number, size: (value: StoredValue) => number): boolean {
  let bytes = otherBytes;
  for (const mutation of mutations) {
    const here = valueBytes(mutation, size);
    bytes += here;
    if (here > KV_LIMITS.valueBytes) return false;
  }
  return bytes <= KV_LIMITS.atomicBytes;
}

function valueBytes(mutation: Mutation, size: (value: StoredValue) => number): number {
  if (mutation.type === "delete") return 0;
  return mutation.type === "set" ? size(mutation.value) : 8;
}

/** The encoded key, if it is not too long to be read: one key is read as the range up to the byte 0 after it. */
export function encodeKeyToRead(key: Deno.KvKey): string {
  const encoded = encodeKey(key);
  if (encoded.length + 1 > KV_LIMITS.readKeyBytes) {
    throw new TypeError(`Key too large for read (max ${KV_LIMITS.readKeyBytes} bytes)`);
  }
  return encoded;
}

/** First and last bound of a selector, encoded: the first is inside, the last is not. */
export function encodeRange(selector: Deno.KvListSelector): { start: string; end: string } {
  if ("prefix" in selector) {
    const within = encodeKeyToRead(selector.prefix);
    const start = "start" in selector ? encodeKeyToRead(selector.start) : within + "\x00";
    const end = "end" in selector ? encodeKeyToRead(selector.end) : within + "\xff";
    if ("start" in selector && "end" in selector) {
      throw new TypeError("Selector can not specify both 'start' and 'end' key when specifying 'prefix'");
    }
    if (!start.startsWith(within) || start === within) {
      throw new TypeError("Start key is not in the keyspace defined by prefix");
    }
    if (!end.startsWith(within) || end === within) {
      throw new TypeError("End key is not in the keyspace defined by prefix");
    }
    return { start, end };
  }
  if (!("start" in selector && "end" in selector)) {
    throw new TypeError("Selector must specify either 'prefix' or both 'start' and 'end' key");
  }
  const start = encodeKeyToRead(selector.start), end = encodeKeyToRead(selector.end);
  if (start > end) throw new TypeError("Start key is greater than end key");
  return { start, end };
}

/**
 * A key as text of one letter per byte, whose order is the keys' order: FoundationDB's tuple layer, where bytes come
 * before text, then bigints, numbers, false, true.
 */
export function encodeKey(key: Deno.KvKey): string {
  let encoded = "";
  for (const part of key) encoded += encodePart(part);
  return encoded;
}

const utf8 = new TextEncoder();

function encodePart(part: Deno.KvKeyPart): string {
  switch (typeof part) {
    case "string":
      return isPlain(part) ? `\x02${part}\x00` : `\x02${escaped(letters(utf8.encode(part)))}`;
    case "number":
      return `\x21${encodeNumber(part)}`;
    case "bigint":
      return encodeBigint(part);
    case "boolean":
      return part ? "\x27" : "\x26";
    case "symbol":
      throw new TypeError("a key part is no symbol");
    default:
      return `\x01${escaped(letters(part))}`;
  }
}

/** Whether the text is its own encoding: ASCII without the letter 0. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0 || code > 0x7f) return false;
  }
  return true;
}

function letters(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function escaped(text: string): string {
  return `${text.replaceAll("\x00", "\x00\xff")}\x00`;
}

const numberBytes = new Uint8Array(8);
const numberView = new DataView(numberBytes.buffer);

/** An IEEE 754 double whose bytes order as the numbers do: negative ones inverted, the sign bit turned round. */
function encodeNumber(number: number): string {
  numberView.setFloat64(0, number);
  const negative = numberBytes[0]! >= 0x80;
  for (let at = 0; at < 8; at++) numberBytes[at]! ^= negative ? 0xff : at === 0 ? 0x80 : 0;
  return letters(numberBytes);
}

/** Byte count around 0x14, then the bytes; those of negative numbers inverted. */
function encodeBigint(number: bigint): string {
  if (number === 0n) return "\x14";
  const negative = number < 0n;
  const digits = (negative ? -number : number).toString(16);
  const bytes = Uint8Array.fromHex(digits.length % 2 ? `0${digits}` : digits);
  const count = bytes.length;
  if (negative) bytes.forEach((byte, at) => bytes[at] = byte ^ 0xff);
  if (count <= 8) return String.fromCharCode(negative ? 0x14 - count : 0x14 + count) + letters(bytes);
  return (negative ? `\x0b${String.fromCharCode(count ^ 0xff)}` : `\x1d${String.fromCharCode(count)}`) + letters(bytes);
}
