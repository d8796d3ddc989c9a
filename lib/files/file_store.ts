// Runs in browser and simulator.
/**
 * The store of files on a device. IndexedDB: lib/session/storage/idb_files.ts; private mode and tests:
 * memory_file_store.ts. All tabs of a device share it; rooms cannot see each other's files.
 */
import type { Bytes } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";

/** Why a file is on this device. */
export type KeepReason =
  /** The user added it and is about to offer it. */
  | "draft"
  /** The user offered it. */
  | "mine"
  /** The user downloads it. */
  | "wanted"
  /** The user paused the download. */
  | "paused"
  /** It is carried for other phones. */
  | "carried";

export interface HeldFile {
  root: FileRoot;
  bytes: number;
  reason: KeepReason;
  /** The concatenated hashes of all blocks; absent until a list arrived that matches the root. */
  hashes?: Bytes;
  blocks: ReadonlySet<number>;
  /** Another phone is known to have all of it. */
  shared: boolean;
}

/** The device has no space for a block, after all evictions, or the browser grants no more. */
export class StoreFull extends Error {
  override readonly name = "StoreFull";
}

/** Every method is one transaction: it rejects if the storage fails, and nothing has changed then. */
export interface FileStore {
  all(): Promise<HeldFile[]>;
  find(root: FileRoot): Promise<HeldFile | undefined>;
  /** Creates or updates a record and keeps its blocks. Counts as used now. */
  note(root: FileRoot, change: Partial<Pick<HeldFile, "bytes" | "reason" | "hashes" | "shared">>): Promise<void>;
  block(root: FileRoot, index: number): Promise<Bytes | undefined>;
  /**
   * Stores a block of a file that has a record; without one the block is dropped. Evicts whole files by `evictionOrder`
   * to make space. Throws StoreFull if there is none.
   */
  putBlock(root: FileRoot, index: number, bytes: Bytes): Promise<void>;
  delete(root: FileRoot): Promise<void>;
  /**
   * The room was cleared before this epoch: deletes files that do not stay, once per epoch, and returns their roots.
   */
  clear(epoch: string, stays: (file: HeldFile) => boolean): Promise<FileRoot[]>;
}

/** A draft this old will no longer be offered. */
const DRAFT_MAX_MS = 600_000;

/** A file as `evictionOrder` sees it. */
export interface Evictable extends Pick<HeldFile, "bytes" | "reason" | "shared" | "blocks"> {
  /** Ms since 1970. */
  usedAt: number;
  /** Every block is here. */
  complete: boolean;
}

/**
 * The files to evict, in order: drafts older than DRAFT_MAX_MS (the page that made them is gone), files carried for
 * others, complete ones, paused ones, and own ones that another phone has; the least recently used first within each.
 * Running downloads and own files that may exist nowhere else are never evicted.
 */
export function evictionOrder<File extends Evictable>(files: Iterable<File>, now: number): File[] {
  const rank = ({ reason, complete, shared, usedAt }: File) => {
    if (reason === "draft") return now - usedAt >= DRAFT_MAX_MS ? -1 : undefined;
    if (reason === "carried") return 0;
    if (reason === "wanted") return complete ? 1 : undefined;
    if (reason === "paused") return 2;
    return reason === "mine" && shared ? 3 : undefined;
  };
  return [...files].filter((file) => rank(file) !== undefined)
    .sort((a, b) => rank(a)! - rank(b)! || a.usedAt - b.usedAt);
}
