/** For how long servers have run on this database, and the last time they believed. */
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";
import type { TimeRecord, TimeStore } from "../store.ts";

export class KvTime implements TimeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async read(): Promise<{ record: TimeRecord | undefined; version: string | null }> {
    const { value, versionstamp } = await this.#database.get<TimeRecord>(keys.time);
    return { record: value ?? undefined, version: versionstamp };
  }

  async write(record: TimeRecord, version: string | null): Promise<boolean> {
    const done = await this.#database.commit((atomic) =>
      void atomic.check({ key: keys.time, versionstamp: version }).set(keys.time, record)
    );
    return done !== undefined;
  }
}
