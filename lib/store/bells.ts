/** Bells: how an instance learns that others changed something. Ten keys, one watch, whatever the number of rooms. */
import type { RoomId } from "../protocol/event.ts";
import type { Database } from "./database.ts";
import { BELL_COUNT, bellOf, keys } from "./keys.ts";
import type { BellStore } from "./store.ts";

/** Wait before watching again after the watch failed: doubled each time up to the longest, from the start after a success. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

export class KvBells implements BellStore {
  readonly #database: Database;
  readonly #closed: AbortSignal;

  /** `closed` ends every listening. */
  constructor(database: Database, closed: AbortSignal) {
    this.#database = database;
    this.#closed = closed;
  }

  bellOf(room: RoomId): number {
    return bellOf(room);
  }

  /** The first thing it yields is every bell once: what rang while nobody listened is not known. */
  async *listen(signal: AbortSignal): AsyncGenerator<number, void, void> {
    const ended = AbortSignal.any([signal, this.#closed]);
    const heard: (string | null | undefined)[] = Array.from({ length: BELL_COUNT });
    let waitMs = FIRST_WAIT_MS;
    while (!ended.aborted) {
      const watch = this.#watch(ended);
      try {
        for (let versions = await watch.next(); versions; versions = await watch.next()) {
          waitMs = FIRST_WAIT_MS;
          for (let bell = 0; bell < BELL_COUNT && !ended.aborted; bell++) {
            if (versions[bell] === heard[bell]) continue;
            heard[bell] = versions[bell];
            yield bell;
          }
        }
      } finally {
        watch.end();
      }
      if (ended.aborted) return;
      // The watch failed. Nothing is lost: the next one begins with what the bells are then.
      await this.#database.pause(waitMs, ended);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  /** One watch stream: `next` is the bells' versions when one changed, or undefined when the stream ended or failed. */
  #watch(ended: AbortSignal) {
    const bells = Array.from({ length: BELL_COUNT }, (_, bell) => keys.bell(bell));
    let reader: ReadableStreamDefaultReader<Deno.KvEntryMaybe<unknown>[]> | undefined;
    try {
      reader = this.#database.kv.watch<unknown[]>(bells).getReader();
    } catch {
      // A closed database throws here; `next` then says that there is nothing to hear.
    }
    // Cancelling a stream that has failed already rejects with that failure, which `next` has told.
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
}
