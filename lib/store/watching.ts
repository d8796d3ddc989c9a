/** Watches keys. A failed watch starts again by itself, so that listeners never have to. */
import type { Database } from "./database.ts";

/** Wait before watching again after the watch failed: doubled each time up to the longest, from the start after a success. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Yields the versionstamps of up to 10 keys: first the current ones, then whenever one may have changed, until `ended`.
 * After a failure it yields the current ones again, so only overwritten values are missed.
 */
export async function* watchVersions(
  database: Database,
  keys: readonly Deno.KvKey[],
  ended: AbortSignal,
): AsyncGenerator<(string | null)[], void, void> {
  let waitMs = FIRST_WAIT_MS;
  while (!ended.aborted) {
    const watch = watchOnce(database, keys, ended);
    try {
      for (let versions = await watch.next(); versions; versions = await watch.next()) {
        waitMs = FIRST_WAIT_MS;
        if (ended.aborted) return;
        yield versions;
      }
    } finally {
      watch.end();
    }
    if (ended.aborted) return;
    await database.pause(waitMs, ended);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

/** One watch stream: `next` is the keys' versions when one changed, or undefined when the stream ended or failed. */
function watchOnce(database: Database, keys: readonly Deno.KvKey[], ended: AbortSignal) {
  let reader: ReadableStreamDefaultReader<Deno.KvEntryMaybe<unknown>[]> | undefined;
  try {
    reader = database.kv.watch<unknown[]>([...keys]).getReader();
  } catch {
    // A closed database throws here; `next` then reports the end.
  }
  // Cancelling a failed stream rejects with the failure that `next` has already reported.
  const cancel = () => void reader?.cancel().catch(() => {});
  ended.addEventListener("abort", cancel);
  return {
    next: async (): Promise<(string | null)[] | undefined> => {
      try {
        const result = await reader?.read();
        return result?.value?.map(({ versionstamp }) => versionstamp);
      } catch {
        return undefined;
      }
    },
    end: () => {
      ended.removeEventListener("abort", cancel);
      cancel();
    },
  };
}
