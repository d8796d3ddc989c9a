/** Opens the database, wherever it is. */
import { openKv as openAnyKv } from "@deno/kv";
import { type Kv, StorageUnavailable } from "./database.ts";

/** Where the database is. */
export interface KvAddress {
  /** File of the embedded database; its folder is made. `:memory:` keeps nothing. Only one process may use a file. */
  path?: string;
  /** KV Connect URL of a shared database (a denokv server, Deno Deploy); its token is in DENO_KV_ACCESS_TOKEN. */
  url?: string;
}

/**
 * The database at `url`, else in the file `path`, else the one the platform has for this app (Deno Deploy). Under Deno,
 * @deno/kv's `openKv` is Deno's own. Throws StorageUnavailable with the reason: a server that does not answer, a folder
 * that cannot be written.
 */
export async function openKv(address: KvAddress): Promise<Kv> {
  try {
    return await open(address);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StorageUnavailable(`the database could not be opened: ${why}`, { cause });
  }
}

async function open({ path, url }: KvAddress): Promise<Kv> {
  const folder = path?.match(/^(.*)[/\\][^/\\]+$/)?.[1];
  if (url === undefined && folder) await Deno.mkdir(folder, { recursive: true });
  const kv: unknown = await openAnyKv(url ?? path);
  // The package types its own classes, although it hands out Deno's.
  if (!(kv instanceof Deno.Kv)) throw new TypeError("@deno/kv opened something other than Deno's own database");
  return kv;
}
