/** For how long servers have run on this database, and the last time they believed. */
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";

/** The time that the servers on this database agree on. */
export interface TimeRecord {
  /** For how long any of them has run, ms, by clocks that never jump. */
  runningMs: number;
  /** The last time that one of them believed, ms since 1970. */
  wallMs?: number;
}

export class TimeStore {
  constructor(private readonly database: Database) {}

  async read(): Promise<{ record: TimeRecord | undefined; version: string | null }> {
    const { value, versionstamp } = await this.database.get<TimeRecord>(keys.time);
    return { record: value ?? undefined, version: versionstamp };
  }

  /** False when somebody else wrote since `version` was read. */
  async write(record: TimeRecord, version: string | null): Promise<boolean> {
    const check = { key: keys.time, versionstamp: version };
    return await this.database.commit((atomic) => void atomic.check(check).set(keys.time, record)) !== undefined;
  }
}
