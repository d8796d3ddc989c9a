// Runs in browser and simulator.
/** What transfers take from the outside, and what they tell. Browsers and simulations give their own. */
import type { AuthorKey } from "../protocol/event.ts";
import type { Bytes } from "../protocol/peer/file_frames.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import type { Hash } from "./blocks.ts";
import type { FileStore } from "./file_store.ts";

/** A file that an event of the room offers. */
export interface FileOffer {
  root: FileRoot;
  bytes: number;
  author: AuthorKey;
}

export interface FilePorts {
  /** Ms; only differences count. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** Calls `run` once, after `delayMs`, unless cancelled. */
  after(delayMs: number, run: () => void): () => void;
  hash: Hash;
  store: FileStore;
  /** Puts a frame on the channel to a linked phone; false when it takes none now, then `drained` follows. */
  send(peer: AuthorKey, frame: Bytes): boolean;
  /** Sets up a link to this phone if that can be; `linked` follows, or nothing. */
  connect(peer: AuthorKey): void;
  /** The neighbour over which this phone is reached. */
  nextHopTo(peer: AuthorKey): AuthorKey | undefined;
  /** What the room knows of this file; undefined when no event that is here offers it, or none any more. */
  offer(root: FileRoot): FileOffer | undefined;
  /** Whether this device may fetch for others: it costs battery, and perhaps money. */
  mayCarry(): boolean;
  /** What is held of a file, or what hinders it, is another than before. */
  onChange(root: FileRoot): void;
  log(line: string): void;
}

/** What becomes of a file that is being fetched. */
export type BlockedReason =
  /** Nobody that is linked holds what is missing. */
  | "no_holder"
  /** It is not the file that its event tells of: no phone can have that. */
  | "false_offer"
  /** This device has no place for it. */
  | "full"
  /** This device's storage failed. */
  | "not_stored";
