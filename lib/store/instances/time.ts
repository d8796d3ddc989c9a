/** For how long servers have run on this database, and the last time they believed. */
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";

/** What servers on this database know of time. */
export interface TimeRecord {
  /** For how long any of them has run, ms, by clocks that never jump. */
  runningMs: number;
  /** The last time that one of them believed, ms since 1970. */
  wallMs?: number;
}

export class TimeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async read(): Promise<{ record: TimeRecord | undefined; version: string | null }> {
    const { value, versionstamp } = await this.#database.get<TimeRecord>(keys.time);
    return { record: value ?? undefined, version: versionstamp };
  }

  /** False when somebody else wrote since `version` was read. */
  async write(record: TimeRecord, version: string | null): Promise<boolean> {
    const done = await this.#database.commit((atomic) =>
      void atomic.check({ key: keys.time, versionstamp: version }).set(keys.time, record)
    );
    return done !== undefined;
  }
}
