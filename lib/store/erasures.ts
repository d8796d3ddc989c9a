/** Deleted words that are still in the database's file. */
import type { Database } from "./database.ts";
import { type Erasable, keys } from "./keys.ts";

/** The versions of the marks, by urgency; null where nothing waits to be erased. */
export type PendingErasures = Record<Erasable, string | null>;

export class ErasureStore {
  constructor(private readonly database: Database) {}

  async pending(): Promise<PendingErasures> {
    const [soon, later] = await this.database.getMany([keys.erasable("soon"), keys.erasable("later")]);
    return { soon: soon!.versionstamp, later: later!.versionstamp };
  }

  /** Everything that was pending is erased; marks that were set since stay. */
  async done(pending: PendingErasures): Promise<void> {
    for (const when of ["soon", "later"] as const) {
      const check = { key: keys.erasable(when), versionstamp: pending[when] };
      if (check.versionstamp !== null) {
        await this.database.commit((atomic) => void atomic.check(check).delete(check.key));
      }
    }
  }
}
