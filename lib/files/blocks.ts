// Runs in browser and simulator.
/**
 * A file as blocks: what it is known by, and which of them are held. The root binds the size as well as the hashes, so a
 * list of hashes proves by itself whether it is the right one: when it is, and the size is not the one that an event
 * named, the event lied and not the phone that sent the list.
 */
import { toBase64Url } from "../shared/base64url.ts";
import { blockBytes, blockCount, type Bytes, HASH_BYTES } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";

/** SHA-256 (FIPS 180-4). */
export type Hash = (bytes: Bytes) => Promise<Bytes>;

/** The root of the file with these block hashes, one after the other, and this size: SHA-256(hashes ‖ size as 4 bytes). */
export async function rootOf(hash: Hash, hashes: Bytes, bytes: number): Promise<FileRoot> {
  const all = new Uint8Array(hashes.length + 4);
  all.set(hashes);
  new DataView(all.buffer).setUint32(hashes.length, bytes);
  return toBase64Url(await hash(all));
}

/** Whether these bytes are the block at `index`. */
export async function isBlock(hash: Hash, hashes: Bytes, index: number, bytes: Bytes): Promise<boolean> {
  const expected = hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  const found = await hash(bytes);
  return expected.length === HASH_BYTES && found.every((byte, at) => byte === expected[at]);
}

/** A set of blocks as bits, as `have` carries it. Nothing held: no bytes. */
export function toBits(blocks: ReadonlySet<number>, bytes: number): Bytes {
  const bits = new Uint8Array(blocks.size === 0 ? 0 : Math.ceil(blockCount(bytes) / 8));
  for (const index of blocks) bits[index >> 3]! |= 128 >> (index & 7);
  return bits;
}

/** The blocks that these bits name, of a file of this size; bits beyond its end mean nothing. */
export function fromBits(bits: Bytes, bytes: number): Set<number> {
  const blocks = new Set<number>();
  for (let index = 0; index < blockCount(bytes); index++) {
    if ((bits[index >> 3] ?? 0) & (128 >> (index & 7))) blocks.add(index);
  }
  return blocks;
}

/** Bytes that these blocks are, of a file of this size. */
export function bytesOf(blocks: Iterable<number>, bytes: number): number {
  let sum = 0;
  for (const index of blocks) sum += blockBytes(bytes, index);
  return sum;
}
