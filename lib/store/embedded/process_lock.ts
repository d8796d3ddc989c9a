/** One process owns an embedded database: it holds a lock on a file beside it, which ends with the process. */
import { toBase64Url } from "../../shared/base64url.ts";

/**
 * The process's name, which its workers (`deno serve --parallel`) share through the environment and no other process has.
 * Process ids do not tell two containers on one volume apart. Outside FESTIVAL_*, because nobody sets it.
 */
const PROCESS_NAME = "DENO_FESTIVAL_PROCESS";

/** This process's name; undefined before it opened a database. A parent's name, which was inherited, is not its own. */
export function processName(): string | undefined {
  const name = Deno.env.get(PROCESS_NAME);
  return name?.startsWith(`${Deno.pid}.`) ? name : undefined;
}

/** A worker waits this long for the name of the worker that took the lock in the same moment. */
const TRIES = 20;
const TRY_EVERY_MS = 50;

/** A held lock; `release` gives it up. */
export interface ProcessLock {
  release(): void;
}

/**
 * Takes the lock in the file `path` for this process; undefined when another process has it. The worker that takes it
 * first runs `prepare` alone, and the others of its process wait for that. Throws the errors of the file and of `prepare`.
 */
export async function lockForProcess(path: string, prepare: () => Promise<void>): Promise<ProcessLock | undefined> {
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const first = file.tryLockSync(true);
      if (first) {
        // Without a pause until the name is in both places: others compare them.
        const name = processName() ??
          `${Deno.pid}.${toBase64Url(crypto.getRandomValues(new Uint8Array(16)))}`;
        file.truncateSync();
        file.writeSync(new TextEncoder().encode(name));
        Deno.env.set(PROCESS_NAME, name);
        await prepare();
      }
      if (first || processName() === await Deno.readTextFile(path)) {
        // Shared from now on, so that it lasts until the last worker has stopped.
        await file.lock(false);
        return { release: () => file.close() };
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}
