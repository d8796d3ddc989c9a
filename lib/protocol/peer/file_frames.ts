// Runs in browser and simulator.
/**
 * Frames about files between phones, over a link's channel for files. Binary: a letter, the file's root (32 bytes), and
 * the fields of that letter; numbers are big-endian. Each is at most LINK_CHUNK_BYTES.
 *
 *   w  want: tell me what you hold of it, and whenever that changes     hopsLeft (1)
 *   u  unwant: not any more; what you were about to send, too
 *   h  have: the blocks I hold, a bit each from the highest bit on      bits (0 to BITS_MAX)
 *   l  list?: the hashes of its blocks, please
 *   L  list: its size, and the SHA-256 of each block                    bytes (4), hashes (32 each)
 *   b  block?: one block, please                                        index (2)
 *   d  data: a piece of a block that was asked for, in order            index (2), offset (4), bytes
 *   r  refused: not that block, not now                                 index (2)
 */
import { fromBase64Url, toBase64Url } from "../../shared/base64url.ts";
import type { FileRoot } from "../file_info.ts";
import { FILE_BLOCK_BYTES, FILE_MAX_BYTES, LINK_CHUNK_BYTES } from "../limits.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

export type FileFrame =
  & { root: FileRoot }
  & (
    /** `hopsLeft` above 0: fetch it for me when you do not hold it, and hand that on with one less. */
    | { type: "want"; hopsLeft: number }
    | { type: "unwant" }
    | { type: "have"; bits: Bytes }
    | { type: "ask_list" }
    | { type: "list"; bytes: number; hashes: Bytes }
    | { type: "ask_block" | "refused"; index: number }
    | { type: "data"; index: number; offset: number; bytes: Bytes }
  );

export const HASH_BYTES = 32;
/** Most links that a file goes over for somebody. */
export const FILE_HOPS_MAX = 4;
/** Blocks of the largest file. */
export const FILE_BLOCKS_MAX = Math.ceil(FILE_MAX_BYTES / FILE_BLOCK_BYTES);
const BITS_MAX = Math.ceil(FILE_BLOCKS_MAX / 8);
const HEAD_BYTES = 1 + HASH_BYTES;
/** Bytes of a block in one `data` frame. */
export const FILE_CHUNK_BYTES = LINK_CHUNK_BYTES - HEAD_BYTES - 6;

const LETTERS = {
  want: "w",
  unwant: "u",
  have: "h",
  ask_list: "l",
  list: "L",
  ask_block: "b",
  data: "d",
  refused: "r",
};
const TYPES = new Map(
  Object.entries(LETTERS).map(([type, letter]) => [letter.charCodeAt(0), type as FileFrame["type"]]),
);

/** The frame's bytes. `root` has to be one: 32 bytes in base64url. */
export function encodeFileFrame(frame: FileFrame): Bytes {
  const rest = restOf(frame);
  const bytes = new Uint8Array(HEAD_BYTES + rest.length);
  bytes[0] = LETTERS[frame.type].charCodeAt(0);
  bytes.set(fromBase64Url(frame.root)!, 1);
  bytes.set(rest, HEAD_BYTES);
  return bytes;
}

function restOf(frame: FileFrame): Bytes {
  switch (frame.type) {
    case "want":
      return Uint8Array.of(frame.hopsLeft);
    case "have":
      return frame.bits;
    case "list": {
      const rest = new Uint8Array(4 + frame.hashes.length);
      new DataView(rest.buffer).setUint32(0, frame.bytes);
      rest.set(frame.hashes, 4);
      return rest;
    }
    case "ask_block":
    case "refused":
      return Uint8Array.of(frame.index >> 8, frame.index & 255);
    case "data": {
      const rest = new Uint8Array(6 + frame.bytes.length);
      const view = new DataView(rest.buffer);
      view.setUint16(0, frame.index);
      view.setUint32(2, frame.offset);
      rest.set(frame.bytes, 6);
      return rest;
    }
    default:
      return new Uint8Array();
  }
}

/** Reads what came over a channel for files; undefined when it is no frame. Every field and size is checked. */
export function decodeFileFrame(data: unknown): FileFrame | undefined {
  if (!(data instanceof ArrayBuffer) || data.byteLength < HEAD_BYTES || data.byteLength > LINK_CHUNK_BYTES) return;
  const type = TYPES.get(new Uint8Array(data)[0]!);
  const root = toBase64Url(new Uint8Array(data, 1, HASH_BYTES));
  const rest = new Uint8Array(data, HEAD_BYTES);
  const view = new DataView(data, HEAD_BYTES);
  switch (type) {
    case "want":
      return rest.length === 1 && rest[0]! <= FILE_HOPS_MAX ? { type, root, hopsLeft: rest[0]! } : undefined;
    case "unwant":
    case "ask_list":
      return rest.length === 0 ? { type, root } : undefined;
    case "have":
      return rest.length <= BITS_MAX ? { type, root, bits: rest } : undefined;
    case "list": {
      if (rest.length < 4) return;
      const bytes = view.getUint32(0), hashes = rest.subarray(4);
      const fits = bytes >= 1 && bytes <= FILE_MAX_BYTES && hashes.length === HASH_BYTES * blockCount(bytes);
      return fits ? { type, root, bytes, hashes } : undefined;
    }
    case "ask_block":
    case "refused":
      return rest.length === 2 && view.getUint16(0) < FILE_BLOCKS_MAX
        ? { type, root, index: view.getUint16(0) }
        : undefined;
    case "data": {
      if (rest.length < 7 || view.getUint16(0) >= FILE_BLOCKS_MAX) return;
      return { type, root, index: view.getUint16(0), offset: view.getUint32(2), bytes: rest.subarray(6) };
    }
  }
}

/** How many blocks a file of this size has. */
export function blockCount(bytes: number): number {
  return Math.ceil(bytes / FILE_BLOCK_BYTES);
}

/** How long the block at `index` of a file of this size is. */
export function blockBytes(bytes: number, index: number): number {
  return Math.min(FILE_BLOCK_BYTES, bytes - index * FILE_BLOCK_BYTES);
}
