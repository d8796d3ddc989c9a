// Runs in browser and simulator.
/** A file store in memory: for browsers that allow no storage, and for tests. */
import { blockCount, type Bytes } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import { evictionOrder, type FileStore, type HeldFile, StoreFull } from "./file_store.ts";

interface Entry {
  file: Omit<HeldFile, "blocks">;
  blocks: Map<number, Bytes>;
  usedAt: number;
}

/**
 * The files of one room on one device, and the epoch they were last cleared for. Several stores on one disk stand for
 * several tabs, or for successive pages.
 */
export type FileDisk = Map<FileRoot, Entry> & { clearedFor?: string };

export function memoryFileStore(disk: FileDisk, maxBytes: number, now: () => number): FileStore {
  const view = ({ file, blocks }: Entry): HeldFile => ({ ...file, blocks: new Set(blocks.keys()) });
  const held = () => [...disk.values()].reduce((sum, { blocks }) => sum + sizeOf(blocks), 0);
  const run = async <T>(task: () => T): Promise<T> => {
    await Promise.resolve();
    return task();
  };
  return {
    all: () => run(() => [...disk.values()].map(view)),
    find: (root) =>
      run(() => {
        const entry = disk.get(root);
        return entry && view(entry);
      }),
    note: (root, change) =>
      run(() => {
        const entry = disk.get(root);
        const file = { root, bytes: 0, reason: "carried" as const, shared: false, ...entry?.file, ...change };
        disk.set(root, { file, blocks: entry?.blocks ?? new Map(), usedAt: now() });
      }),
    block: (root, index) => run(() => disk.get(root)?.blocks.get(index)),
    putBlock: (root, index, bytes) =>
      run(() => {
        const entry = disk.get(root);
        if (entry === undefined) return;
        const files = [...disk.values()].filter((other) => other !== entry).map((entry) => ({
          ...view(entry),
          usedAt: entry.usedAt,
          complete: entry.blocks.size === blockCount(entry.file.bytes),
        }));
        for (const { root } of evictionOrder(files, now())) {
          if (held() + bytes.length <= maxBytes) break;
          disk.delete(root);
        }
        if (held() + bytes.length > maxBytes) throw new StoreFull(`no space for ${bytes.length} bytes of a file`);
        entry.blocks.set(index, bytes.slice());
        entry.usedAt = now();
      }),
    delete: (root) => run(() => void disk.delete(root)),
    clear: (epoch, stays) =>
      run(() => {
        if (disk.clearedFor === epoch) return [];
        disk.clearedFor = epoch;
        const gone = [...disk.values()].map(view).filter((file) => !stays(file)).map(({ root }) => root);
        for (const root of gone) disk.delete(root);
        return gone;
      }),
  };
}

function sizeOf(blocks: ReadonlyMap<number, Bytes>): number {
  let sum = 0;
  for (const { length } of blocks.values()) sum += length;
  return sum;
}
