/** The files of an embedded database: who may read them, whether they are sound, and how deleted words leave them. */
import { DatabaseSync } from "node:sqlite";
import { StorageUnavailable } from "../database.ts";

/** Larger files are not checked at the start: that takes 1.5 s per GB on a fast disk. */
const CHECKED_MAX_BYTES = 2 * 1_073_741_824;

/** The database and the files that SQLite keeps beside it. */
export const filesOf = (path: string): string[] => [path, `${path}-wal`, `${path}-shm`];

/** The file whose lock says that a process uses the database. */
export const lockOf = (path: string): string => `${path}.lock`;

/** Makes the folder of the file `path`, if there is none, for its owner only. */
export async function makeFolder(path: string): Promise<void> {
  const folder = path.match(/^(.*)[/\\][^/\\]+$/)?.[1];
  if (folder) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
}

/**
 * Makes the database's file for its owner only, and takes others' rights from existing files; SQLite gives its files the
 * rights of the database's. Must run before this process opens the database: closing a file ends SQLite's locks on it.
 */
export async function restrictFiles(path: string): Promise<void> {
  (await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 })).close();
  if (Deno.build.os === "windows") return;
  for (const file of [...filesOf(path), lockOf(path)]) {
    await Deno.chmod(file, 0o600).catch((error) => {
      // Another owner's file stays as it is: the folder's owner decides about it.
      const expected = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied;
      if (!expected) throw error;
    });
  }
}

/** The first damage in the database, in SQLite's words; undefined when it is sound, or too large to look at every page. */
export function findDamage(path: string): string | undefined {
  const database = new DatabaseSync(path);
  try {
    const check = Deno.statSync(path).size <= CHECKED_MAX_BYTES ? "quick_check(1)" : "schema_version";
    const found = Object.values(database.prepare(`PRAGMA ${check}`).get() ?? {})[0];
    return typeof found !== "string" || found === "ok" ? undefined : found;
  } catch (error) {
    if (error instanceof Error && /malformed|not a database|disk image/.test(error.message)) return error.message;
    throw error;
  } finally {
    database.close();
  }
}

/**
 * Writes all rows anew into pages without any remains: VACUUM would do it, but needs ATTACH, which Deno only allows with all
 * permissions. All in one transaction: whatever ends it, no row is lost. Free pages are filled and freed again, because
 * `secure_delete` overwrites a page when it is freed. Runs in a worker, because SQLite's calls block; it shares the
 * process, and so SQLite's locks.
 */
const ERASE = `
import { DatabaseSync } from "node:sqlite";
onmessage = ({ data: path }) => {
  let problem = null;
  try {
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON; BEGIN IMMEDIATE");
      const one = (name) => Object.values(database.prepare("PRAGMA " + name).get())[0];
      const pageBytes = one("page_size") - 4, pages = one("freelist_count");
      database.exec("CREATE TABLE filler (bytes)");
      for (let filled = 0; filled < pages; filled += 10000) {
        database.exec("INSERT INTO filler VALUES (zeroblob(" + Math.min(10000, pages - filled) * pageBytes + "))");
      }
      database.exec("DROP TABLE filler");
      database.exec("CREATE TEMP TABLE held AS SELECT * FROM kv");
      database.exec("DELETE FROM kv; INSERT INTO kv SELECT * FROM held; COMMIT");
      // The pages before are in the log until it is emptied, which waits for a moment without a reader.
      for (let tries = 0; database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get().busy !== 0; tries++) {
        if (tries === 50) throw new Error("the log was in use");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      }
    } finally {
      database.close();
    }
  } catch (error) {
    problem = error.message;
  }
  postMessage(problem);
};`;

/**
 * Removes the bytes of everything that was deleted from the database and its log; the process may have it open. Other
 * calls wait meanwhile: 7 ms per MB on a fast disk. Needs three times its size on the disk meanwhile. Throws
 * StorageUnavailable with SQLite's message when that did not work; then nothing is lost.
 */
export async function eraseDeleted(path: string): Promise<void> {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(ERASE)}`, { type: "module" });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<string | null>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(path);
    const problem = await promise;
    if (problem !== null) throw new StorageUnavailable(problem);
  } finally {
    worker.terminate();
  }
}
