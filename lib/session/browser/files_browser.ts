/** Opens the files of a room in a real browser. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Hash } from "../../files/blocks.ts";
import { memoryFileStore } from "../../files/memory_file_store.ts";
import type { FileStore } from "../../files/file_store.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { Bytes } from "../../protocol/peer/file_frames.ts";
import { idbFileStore } from "../storage/idb_files.ts";
import { pageChannel } from "./tabs_browser.ts";
import { type FileNews, RoomFiles, type RoomFilesDeps } from "../files/room_files.ts";

/** Memory for files in a page that cannot store them. */
const MEMORY_MAX_BYTES = 50_000_000;

/** The browser's own SHA-256; plain http pages lack it. */
const hash: Hash = crypto.subtle === undefined
  ? (bytes) => Promise.resolve(sha256(bytes) as Bytes)
  : async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export async function openRoomFiles(
  deps: Omit<RoomFilesDeps, "store" | "hash" | "tabs"> & { room: RoomId },
): Promise<RoomFiles> {
  const { room, log } = deps;
  const tabs = pageChannel<FileNews>(`festival-chat files ${room}`);
  return new RoomFiles({ ...deps, hash, store: await fileStore(room, log), ...(tabs && { tabs }) });
}

async function fileStore(room: RoomId, log: (line: string) => void): Promise<FileStore> {
  const store = idbFileStore(room);
  try {
    await store.all();
    return store;
  } catch (error) {
    log(`files: the storage is not usable: ${error}`);
    return memoryFileStore(new Map(), MEMORY_MAX_BYTES, Date.now);
  }
}
