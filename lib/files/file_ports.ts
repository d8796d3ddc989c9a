// Runs in browser and simulator.
/** Dependencies of file transfers. The browser and the simulation implement them. */
import type { AuthorKey } from "../protocol/event.ts";
import type { Cancel } from "../shared/environment.ts";
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
  after(delayMs: number, run: () => void): Cancel;
  hash: Hash;
  store: FileStore;
  /** Sends a frame to a linked phone. Returns false on backpressure; `drained` follows then. */
  send(peer: AuthorKey, frame: Bytes): boolean;
  /** Dials this phone; `linked` may follow. */
  connect(peer: AuthorKey): void;
  /** The next hop towards this phone; undefined without a route. */
  nextHopTo(peer: AuthorKey): AuthorKey | undefined;
  /** The offer of this file; undefined if no event here offers it, or it was retracted. */
  offer(root: FileRoot): FileOffer | undefined;
  /** Whether this device may carry files for others, which costs battery and perhaps money. */
  mayCarry(): boolean;
  /** The held blocks or the blocked reason of a file changed. */
  onChange(root: FileRoot): void;
  log(line: string): void;
}

/** Why a download does not continue. */
export type BlockedReason =
  /** No linked phone holds a missing block. */
  | "no_holder"
  /** The file does not match its event, so no phone can have it. */
  | "false_offer"
  /** This device has no space for it. */
  | "full"
  /** This device's storage failed. */
  | "not_stored";
