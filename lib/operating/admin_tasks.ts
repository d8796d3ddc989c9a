/**
 * The operators' commands: `deno task admin:hash`, `admin:key`, `backup FILE`, `restore FILE`, `repair`. They read the same
 * environment as the server.
 */
import { toBase64Url } from "../shared/base64url.ts";
import { openStore } from "../store/store.ts";
import { findDamage, lockOf } from "../store/embedded/database_file.ts";
import { lockForProcess } from "../store/embedded/process_lock.ts";
import { salvage } from "../store/embedded/salvage.ts";
import { openKv } from "../store/open_kv.ts";
import { StorageUnavailable } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { ConfigError, readConfig } from "../server/config/read_config.ts";
import { nodeVerifier } from "../server/rooms/verifier.ts";
import { restoreBackup, RestoreError } from "../server/admin/backup.ts";
import { checkBackupFile, EmptyBackup, writeBackupFile } from "../server/admin/backup_file.ts";
import { publicKeyOf } from "../server/admin/operator_key.ts";
import { hashPassword, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS } from "../server/admin/password.ts";
import { ArchiveError } from "../server/admin/room_archive.ts";

/** Rooms that are read at a time. */
const PAGE_ROOMS = 100;

/** An expected failure, in one line. */
class TaskError extends Error {}

/** Ctrl-C where a password is typed. */
const CANCELLED_EXIT = 130;
class Cancelled extends Error {}

async function hash(): Promise<void> {
  const password = await typed("Password: ");
  if (password.length < PASSWORD_MIN_CHARS || password.length > PASSWORD_MAX_CHARS) {
    throw new TaskError(`the password must have ${PASSWORD_MIN_CHARS} to ${PASSWORD_MAX_CHARS} characters`);
  }
  // A browser's field accepts none of these, so nobody could ever log in.
  if (/\p{Cc}/u.test(password)) throw new TaskError("the password contains a control character: try again");
  if (await typed("Repeat it: ") !== password) throw new TaskError("the passwords differ");
  const text = await hashPassword(password, crypto.getRandomValues(new Uint8Array(16)));
  console.log(`FESTIVAL_ADMIN_PASSWORD_HASH=${text}`);
}

function key(): void {
  const seed = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  console.error(
    `The public key is ${publicKeyOf(seed)}. Keep the line below secret: its owner can speak to every phone.`,
  );
  console.log(`FESTIVAL_OPERATOR_KEY=${seed}`);
}

async function backup(path: string): Promise<void> {
  const { rooms, events } = await withStore(async (store) => {
    return await writeBackupFile(store, path, nodeVerifier(), Date.now());
  }, { made: true });
  console.log(`${path}: ${rooms} rooms, ${events} events, checked`);
}

/** Puts a new database in the place of a damaged one, with all that can be read: "Repair" in docs/OPERATING.md. */
async function repair(): Promise<void> {
  const { dataDir } = readConfig((name) => Deno.env.get(name));
  const path = `${dataDir}/festival.kv`, aside = `${path}.damaged`;
  if (!await isFile(path)) throw new TaskError(`there is no database ${path}`);
  if (await isFile(aside)) throw new TaskError(`there is ${aside} from an earlier repair: put it elsewhere`);
  const lock = await lockForProcess(lockOf(path), () => Promise.resolve());
  if (lock === undefined) throw new TaskError(`${path} is in use by another process: stop that one first`);
  try {
    if (findDamage(path) === undefined) throw new TaskError(`${path} is not damaged`);
    for (const end of ["", "-wal"]) if (await isFile(path + end)) await Deno.rename(path + end, aside + end);
    await Deno.remove(`${path}-shm`).catch(() => {}); // Only an index of the log.
    (await openKv({ path })).close();
    const { rows, lost } = salvage(aside, path);
    console.log(`${rows} entries saved, ${lost} known to be lost; the damaged file is ${aside}`);
  } finally {
    lock.release();
  }
  await withStore(mendRooms);
}

async function mendRooms({ rooms, mending }: Store): Promise<void> {
  let count = 0, mended = 0, missing = 0;
  for (let page = await rooms.page(undefined, PAGE_ROOMS); page.length > 0;) {
    for (const room of page) {
      const lost = await mending.mend(room);
      count++;
      if (lost > 0) mended++;
      missing += lost;
    }
    page = await rooms.page(page.at(-1)!.id, PAGE_ROOMS);
  }
  console.log(`${count} rooms, ${mended} of them with losses: ${missing} events are missing`);
}

async function restore(path: string): Promise<void> {
  await checkBackupFile(path, nodeVerifier());
  await withStore(async (store) => {
    const { rooms, events, auditEntries } = await restoreBackup(
      (await Deno.open(path)).readable,
      nodeVerifier(),
      store,
      Date.now(),
    );
    console.log(`restored: ${rooms} rooms, ${events} events, ${auditEntries} audit entries`);
  });
}

/** Runs with the server's database. `made`: it has to exist already. */
async function withStore<T>(run: (store: Store) => Promise<T>, { made = false } = {}): Promise<T> {
  const { kvUrl, dataDir } = readConfig((name) => Deno.env.get(name));
  const path = `${dataDir}/festival.kv`;
  if (made && kvUrl === undefined && !await isFile(path)) {
    throw new TaskError(`there is no database ${path}: set FESTIVAL_DATA_DIR to the server's data folder`);
  }
  const store = openStore({ kv: await openKv(kvUrl === undefined ? { path } : { url: kvUrl }) });
  try {
    await store.migrate();
    return await run(store);
  } finally {
    store.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((found) => found.isFile, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });
}

/** Adds a typed byte (UTF-8) to `line` and does the terminal's line editing. */
export function takeKey(line: number[], byte: number): "more" | "end" | "cancel" {
  switch (byte) {
    case 3: // Ctrl-C
      return "cancel";
    case 4: // Ctrl-D
    case 10:
    case 13:
      return "end";
    case 21: // Ctrl-U
      line.length = 0;
      return "more";
    case 8:
    case 127: // Backspace: a whole character.
      while (line.length > 0 && (line.pop()! & 0xc0) === 0x80);
      return "more";
    default:
      line.push(byte);
      return "more";
  }
}

/** Reads a typed line, without echo on a terminal. */
async function typed(prompt: string): Promise<string> {
  const encoder = new TextEncoder();
  const terminal = Deno.stdin.isTerminal();
  if (terminal) {
    await Deno.stderr.write(encoder.encode(prompt));
    // Without signals: a Ctrl-C that ends the process here would leave the terminal without an echo.
    Deno.stdin.setRaw(true);
  }
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  try {
    while (await Deno.stdin.read(one) !== null) {
      const key = takeKey(bytes, one[0]!);
      if (key === "cancel") throw new Cancelled();
      if (key === "end") break;
    }
  } finally {
    if (terminal) {
      Deno.stdin.setRaw(false);
      await Deno.stderr.write(encoder.encode("\n"));
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** Runs the command that the arguments name. Returns its exit code. */
export async function runTask([task, path, ...rest]: readonly string[]): Promise<number> {
  try {
    if (task === "hash" && path === undefined) await hash();
    else if (task === "key" && path === undefined) key();
    else if (task === "backup" && path !== undefined && rest.length === 0) await backup(path);
    else if (task === "restore" && path !== undefined && rest.length === 0) await restore(path);
    else if (task === "repair" && path === undefined) await repair();
    else throw new TaskError("expected hash, key, backup FILE, restore FILE or repair");
    return 0;
  } catch (error) {
    if (error instanceof Cancelled) return CANCELLED_EXIT;
    const named = error instanceof TaskError || error instanceof ConfigError || error instanceof ArchiveError ||
      error instanceof RestoreError || error instanceof StorageUnavailable || error instanceof EmptyBackup ||
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.AlreadyExists;
    if (!named) throw error;
    const problem = error instanceof ArchiveError || error instanceof RestoreError ? `${error.problem}: ` : "";
    console.error(`${problem}${error.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await runTask(Deno.args));
