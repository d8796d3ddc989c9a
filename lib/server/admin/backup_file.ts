/** Backups as files. */
import type { Verifier } from "../../crypto/signing.ts";
import type { Store } from "../../store/store.ts";
import { type BackupCounts, backupLines, checkBackup } from "./backup.ts";

/** The end of the name of a backup that is not complete. */
export const PART = ".part";

/** There is nothing to back up: almost always another folder was meant. */
export class EmptyBackup extends Error {
  override name = "EmptyBackup";
}

/**
 * Writes a backup of the store into the new file `path`, for its owner only, and checks it. The file appears complete or
 * not at all; an abort of `signal` ends it. Throws Deno.errors.AlreadyExists, EmptyBackup, StorageUnavailable, ArchiveError and errors of the disk.
 */
export async function writeBackupFile(
  store: Store,
  path: string,
  verifier: Verifier,
  nowMs: number,
  signal?: AbortSignal,
): Promise<BackupCounts> {
  if (await exists(path)) throw new Deno.errors.AlreadyExists(`${path} already exists`);
  if (await isEmpty(store)) throw new EmptyBackup("the database is empty: there is nothing to back up");
  const part = path + PART;
  const file = await Deno.open(part, { write: true, createNew: true, mode: 0o600 });
  const writer = file.writable.getWriter();
  const utf8 = new TextEncoder();
  try {
    for await (const line of backupLines(store, nowMs)) {
      signal?.throwIfAborted();
      await writer.write(utf8.encode(line));
    }
    await file.syncData();
    await writer.close();
    const counts = await checkBackupFile(part, verifier);
    await Deno.rename(part, path);
    return counts;
  } catch (error) {
    await writer.abort().catch(() => {}); // The error that led here is reported.
    await Deno.remove(part);
    throw error;
  }
}

/** Checks the backup in a file. Throws ArchiveError. */
export async function checkBackupFile(path: string, verifier: Verifier): Promise<BackupCounts> {
  return await checkBackup((await Deno.open(path)).readable, verifier);
}

/** Whether there is nothing that a backup holds. */
async function isEmpty({ rooms, audit }: Store): Promise<boolean> {
  return (await rooms.page(undefined, 1)).length === 0 && await audit.newest() === undefined;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });
}
