/** Opens the database, wherever it is. */
import { openKv as openAnyKv } from "@deno/kv";
import { DatabaseRefused, type Kv } from "./database.ts";
import { findDamage, lockOf, makeFolder, restrictFiles } from "./embedded/database_file.ts";
import { lockForProcess } from "./embedded/process_lock.ts";

/** Where the database is. */
export interface KvAddress {
  /** File of the embedded database; its folder is made. `:memory:` keeps nothing. Only one process may use a file. */
  path?: string;
  /** KV Connect URL of a shared database (a denokv server, Deno Deploy); its token is in DENO_KV_ACCESS_TOKEN. */
  url?: string;
}

/**
 * The database at `url`, else in the file `path`, else the one the platform has for this app (Deno Deploy). Under Deno,
 * @deno/kv's `openKv` is Deno's own. Throws DatabaseRefused, which says what to do: a folder that cannot be written, a
 * damaged file, another process that uses it.
 */
export async function openKv({ path, url }: KvAddress): Promise<Kv> {
  if (url !== undefined) {
    return await open(url).catch((cause) => {
      const what = `${
        new URL(url).origin
      } does not answer: start it, or correct FESTIVAL_KV_URL or DENO_KV_ACCESS_TOKEN`;
      throw new DatabaseRefused(`${what} (${cause.message})`, true, { cause });
    });
  }
  if (path === undefined || path === ":memory:") return await open(path);
  try {
    await makeFolder(path);
    const lock = await lockForProcess(lockOf(path), async () => {
      await restrictFiles(path);
      const damage = findDamage(path);
      if (damage !== undefined) throw damaged(path, damage);
    });
    if (lock === undefined) {
      throw new DatabaseRefused(`${path} is in use by another process: stop that one first`, true);
    }
    try {
      const kv = await open(path);
      const close = kv.close.bind(kv);
      return Object.assign(kv, {
        close: () => {
          close();
          lock.release();
        },
      });
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (cause) {
    throw cause instanceof DatabaseRefused ? cause : refusalOf(cause, path);
  }
}

async function open(address: string | undefined): Promise<Deno.Kv> {
  const kv: unknown = await openAnyKv(address);
  // The package types its own classes, although it hands out Deno's.
  if (!(kv instanceof Deno.Kv)) throw new TypeError("@deno/kv opened something other than Deno's own database");
  return kv;
}

const damaged = (path: string, damage: string) =>
  new DatabaseRefused(`${path} is damaged (${damage.split("\n")[0]}): see "Repair" in docs/OPERATING.md`, false);

/** The failure in words that say what to do. */
function refusalOf(cause: unknown, place: string): DatabaseRefused {
  const why = cause instanceof Error ? cause.message : String(cause);
  const refused = (what: string, passing = false) => new DatabaseRefused(`${place} ${what}`, passing, { cause });
  if (cause instanceof Deno.errors.NotCapable) {
    return refused(`may not be used (${why.split(",")[0]}): start with --allow-read and --allow-write for its folder`);
  }
  if (/read-?only/i.test(why)) return refused("is read-only: mount it writable, or set FESTIVAL_DATA_DIR");
  if (/no space|full/i.test(why)) return refused("is on a full disk: make space", true);
  if (cause instanceof Deno.errors.PermissionDenied || /unable to open/.test(why)) {
    return refused("cannot be written: give its folder to the user that runs the server, or set FESTIVAL_DATA_DIR");
  }
  if (/malformed|not a database|disk image/.test(why)) return damaged(place, why);
  if (/locked/.test(why)) return refused("is in use by another process: stop that one first", true);
  if (cause instanceof Deno.errors.AlreadyExists || /not a directory/i.test(why)) {
    return refused("needs a folder where a file is: set FESTIVAL_DATA_DIR to a folder");
  }
  return refused(`cannot be opened: ${why}`, true);
}
