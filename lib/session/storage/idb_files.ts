/**
 * Files of one room in IndexedDB (lib/files/file_store.ts). They have a database of their own, so that their size and
 * their failures never touch the outbox, and pages without files never wait for it.
 */
import type { DBSchema } from "idb";
import { bytesOf } from "../../files/blocks.ts";
import { evictionOrder, type FileStore, type HeldFile, StoreFull } from "../../files/file_store.ts";
import type { Bytes } from "../../protocol/peer/file_frames.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { FileRoot } from "../../protocol/file_info.ts";
import { pageDatabase } from "./page_database.ts";

const DATABASE = "festival-chat-files";
/** Limit for the files of all rooms on one device. */
export const FILES_MAX_BYTES = 200_000_000;

interface Entry extends Omit<HeldFile, "blocks" | "root"> {
  /** Indexes of the blocks that are here. */
  blocks: readonly number[];
  /** Ms since 1970. */
  usedAt: number;
}

interface Schema extends DBSchema {
  files: { key: [RoomId, FileRoot]; value: Entry };
  blocks: { key: [RoomId, FileRoot, number]; value: Bytes };
  /** The epoch that a room's files were last cleared for. */
  cleared: { key: RoomId; value: string };
}

const databases = new Map<string, ReturnType<typeof pageDatabase<Schema>>>();

/** The database with this name, for all rooms of the page. */
function database(name: string) {
  let there = databases.get(name);
  if (there !== undefined) return there;
  there = pageDatabase<Schema>(name, 2, (db, from) => {
    if (from < 1) {
      db.createObjectStore("files");
      db.createObjectStore("blocks");
    }
    db.createObjectStore("cleared");
  });
  databases.set(name, there);
  return there;
}

/** Calls reject where there is no IndexedDB. `maxBytes`: of all rooms together. */
export function idbFileStore(
  room: RoomId,
  { name = DATABASE, maxBytes = FILES_MAX_BYTES, now = Date.now }: {
    name?: string;
    maxBytes?: number;
    now?: () => number;
  } = {},
): FileStore {
  const view = (root: FileRoot, { blocks, usedAt: _, ...entry }: Entry): HeldFile => (
    { ...entry, root, blocks: new Set(blocks) }
  );
  const db = database(name);
  return {
    all: () =>
      db.transact(["files"], "readonly", async ({ store }) => {
        const [keys, entries] = await Promise.all([store.getAllKeys(ofRoom(room)), store.getAll(ofRoom(room))]);
        return keys.map(([, root], at) => view(root, entries[at]!));
      }),
    async find(root) {
      const entry = await db.transact(["files"], "readonly", ({ store }) => store.get([room, root]));
      return entry && view(root, entry);
    },
    note: (root, change) =>
      db.transact(["files"], "readwrite", async ({ store }) => {
        const before = await store.get([room, root]);
        const fresh: Entry = { bytes: 0, reason: "carried", shared: false, blocks: [], usedAt: 0 };
        await store.put({ ...fresh, ...before, ...change, usedAt: now() }, [room, root]);
      }),
    block: (root, index) => db.transact(["blocks"], "readonly", ({ store }) => store.get([room, root, index])),
    putBlock: (root, index, bytes) =>
      db.transact(["files", "blocks"], "readwrite", async (transaction) => {
        const files = transaction.objectStore("files"), blocks = transaction.objectStore("blocks");
        const [keys, entries] = await Promise.all([files.getAllKeys(), files.getAll()]);
        const all = keys.map((key, at) => {
          const entry = entries[at]!, held = bytesOf(entry.blocks, entry.bytes);
          return { ...view(key[1], entry), key, held, usedAt: entry.usedAt, complete: held === entry.bytes, entry };
        });
        const file = all.find(({ key }) => key[0] === room && key[1] === root);
        if (file === undefined) return;
        let held = all.reduce((sum, { held }) => sum + held, 0);
        for (const other of evictionOrder(all.filter((other) => other !== file), now())) {
          if (held + bytes.length <= maxBytes) break;
          held -= other.held;
          await Promise.all([files.delete(other.key), blocks.delete(ofFile(...other.key))]);
        }
        if (held + bytes.length > maxBytes) throw new StoreFull(`no place for ${bytes.length} bytes of a file`);
        const { entry } = file;
        await Promise.all([
          blocks.put(bytes, [room, root, index]),
          files.put({ ...entry, blocks: [...new Set([...entry.blocks, index])], usedAt: now() }, [room, root]),
        ]);
      }).catch((error) => {
        // The browser grants no more space.
        if (error instanceof DOMException && error.name === "QuotaExceededError") {
          throw new StoreFull("the browser has no place for more", { cause: error });
        }
        throw error;
      }),
    delete: (root) =>
      db.transact(["files", "blocks"], "readwrite", async (transaction) => {
        await Promise.all([
          transaction.objectStore("files").delete([room, root]),
          transaction.objectStore("blocks").delete(ofFile(room, root)),
        ]);
      }),
    clear: (epoch, stays) =>
      db.transact(["files", "blocks", "cleared"], "readwrite", async (transaction) => {
        const files = transaction.objectStore("files"), cleared = transaction.objectStore("cleared");
        if (await cleared.get(room) === epoch) return [];
        const [keys, entries] = await Promise.all([files.getAllKeys(ofRoom(room)), files.getAll(ofRoom(room))]);
        const gone = keys.map(([, root]) => root).filter((root, at) => !stays(view(root, entries[at]!)));
        await Promise.all([
          ...gone.flatMap((root) => [
            files.delete([room, root]),
            transaction.objectStore("blocks").delete(ofFile(room, root)),
          ]),
          cleared.put(epoch, room),
        ]);
        return gone;
      }),
  };
}

/** Deletes the files of a room. */
export async function forgetFiles(room: RoomId, name = DATABASE): Promise<void> {
  await database(name).transact(["files", "blocks", "cleared"], "readwrite", async (transaction) => {
    await Promise.all([
      transaction.objectStore("files").delete(ofRoom(room)),
      transaction.objectStore("blocks").delete(ofRoom(room)),
      transaction.objectStore("cleared").delete(room),
    ]);
  });
}

function ofRoom(room: RoomId): IDBKeyRange {
  return IDBKeyRange.bound([room], [room, []], true, true);
}

function ofFile(room: RoomId, root: FileRoot): IDBKeyRange {
  return IDBKeyRange.bound([room, root], [room, root, []], true, true);
}
