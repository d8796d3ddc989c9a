// Runs in browser and simulator.
/**
 * Blocks of a file: their hashes, the root over them, and sets of blocks. The root covers the size and the hashes, so a
 * list that matches the root is genuine. If such a list has another size than the event says, the event is false, not
 * the phone that sent the list.
 */
import { toBase64Url } from "../shared/base64url.ts";
import { blockBytes, blockCount, type Bytes, HASH_BYTES } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";

/** SHA-256 (FIPS 180-4). */
export type Hash = (bytes: Bytes) => Promise<Bytes>;

/** The root of a file with these concatenated block hashes and this size: SHA-256(hashes ‖ size as 4 bytes). */
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

/** A set of blocks as a bit field, as `have` carries it. An empty set has no bytes. */
export function toBits(blocks: ReadonlySet<number>, bytes: number): Bytes {
  const bits = new Uint8Array(blocks.size === 0 ? 0 : Math.ceil(blockCount(bytes) / 8));
  for (const index of blocks) bits[index >> 3]! |= 128 >> (index & 7);
  return bits;
}

/** The blocks of a bit field, for a file of this size; bits beyond its end are ignored. */
export function fromBits(bits: Bytes, bytes: number): Set<number> {
  const blocks = new Set<number>();
  for (let index = 0; index < blockCount(bytes); index++) {
    if ((bits[index >> 3] ?? 0) & (128 >> (index & 7))) blocks.add(index);
  }
  return blocks;
}

/** Total bytes of these blocks of a file of this size. */
export function bytesOf(blocks: Iterable<number>, bytes: number): number {
  let sum = 0;
  for (const index of blocks) sum += blockBytes(bytes, index);
  return sum;
}
