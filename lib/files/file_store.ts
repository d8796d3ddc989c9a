// Runs in browser and simulator.
/**
 * What a device holds of files, as transfers need it. IndexedDB: lib/session/storage/idb_files.ts; private mode and tests:
 * memory_store.ts. Shared by all tabs of a device; one room sees nothing of another's.
 */
import type { Bytes } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";

/** Why a file is on this device. */
export type KeepReason =
  /** It was added here, and is about to be offered. */
  | "draft"
  /** I offered it. */
  | "mine"
  /** Somebody here asked for it. */
  | "wanted"
  /** As above, and stopped it. */
  | "paused"
  /** It is fetched for other phones. */
  | "carried";

export interface HeldFile {
  root: FileRoot;
  bytes: number;
  reason: KeepReason;
  /** Of all its blocks, one after the other; absent until they came and fitted the root. */
  hashes?: Bytes;
  blocks: ReadonlySet<number>;
  /** Another phone is known to have all of it. */
  shared: boolean;
}

/** The device has no place for a block: everything that may go went already, or the browser gives no more. */
export class StoreFull extends Error {
  override readonly name = "StoreFull";
}

/** Every method is one transaction. All reject when the storage fails; then nothing has changed. */
export interface FileStore {
  all(): Promise<HeldFile[]>;
  find(root: FileRoot): Promise<HeldFile | undefined>;
  /** Makes the record, or changes what is given; what is held stays. Counts as used now. */
  note(root: FileRoot, change: Partial<Pick<HeldFile, "bytes" | "reason" | "hashes" | "shared">>): Promise<void>;
  block(root: FileRoot, index: number): Promise<Bytes | undefined>;
  /**
   * Keeps a block of a file that was noted; without a record it is dropped. Throws StoreFull when there is no place for it.
   * To make place whole files go, by `evictionOrder`.
   */
  putBlock(root: FileRoot, index: number, bytes: Bytes): Promise<void>;
  delete(root: FileRoot): Promise<void>;
  /** What was in the room until this epoch is gone: deletes what does not stay, once for each epoch, and names it. */
  clear(epoch: string, stays: (file: HeldFile) => boolean): Promise<FileRoot[]>;
}

/** A draft that was not offered after this will not be. */
const DRAFT_MAX_MS = 600_000;

/** A file as the rule of what goes first sees it. */
export interface Evictable extends Pick<HeldFile, "bytes" | "reason" | "shared" | "blocks"> {
  /** Ms since 1970. */
  usedAt: number;
  /** Every block is here. */
  complete: boolean;
}

/**
 * Which files go when there is no place, first ones first: those fetched for others, then finished ones, then paused ones,
 * then my own that another phone has; of each the one that was not used for the longest time. Before them all, drafts of
 * DRAFT_MAX_MS: the page that made them is gone. Never: what is being fetched here, and my own that may be nowhere else.
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
