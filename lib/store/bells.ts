/** Bells: how an instance learns that others changed something. Ten keys, one watch, whatever the number of rooms. */
import type { RoomId } from "../protocol/event.ts";
import type { Database } from "./database.ts";
import { BELL_COUNT, bellOf, keys } from "./keys.ts";
import type { BellStore } from "./store.ts";
import { watchVersions } from "./watching.ts";

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
    const bells = Array.from({ length: BELL_COUNT }, (_, bell) => keys.bell(bell));
    const heard: (string | null | undefined)[] = Array.from({ length: BELL_COUNT });
    for await (const versions of watchVersions(this.#database, bells, ended)) {
      for (let bell = 0; bell < BELL_COUNT && !ended.aborted; bell++) {
        if (versions[bell] === heard[bell]) continue;
        heard[bell] = versions[bell];
        yield bell;
      }
    }
  }
}
