/** Log-ins of operators: a cookie is valid, on every instance, only while its record is here. */
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";

/** Log-ins that one commit deletes. */
const STEP = 100;

/** A log-in, valid on every instance. */
export interface OperatorSession {
  createdAt: number;
  seenAt: number;
}

export class OperatorStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put(session: string, record: OperatorSession, lifeMs: number): Promise<void> {
    await this.#database.commit((atomic) => {
      atomic.set(keys.operator(session), record, { expireIn: Math.max(1, Math.ceil(lifeMs)) });
    });
  }

  async get(session: string): Promise<OperatorSession | undefined> {
    return (await this.#database.get<OperatorSession>(keys.operator(session))).value ?? undefined;
  }

  /** Records that the session was used. A session that was deleted meanwhile stays deleted. */
  async touch(session: string, seenAt: number, lifeMs: number): Promise<void> {
    const key = keys.operator(session);
    const { value, versionstamp } = await this.#database.get<OperatorSession>(key);
    if (value === null) return;
    // A lost race means another use of the session, or its end.
    await this.#database.commit((atomic) => {
      atomic.check({ key, versionstamp });
      atomic.set(key, { ...value, seenAt }, { expireIn: Math.max(1, Math.ceil(lifeMs)) });
    });
  }

  async delete(session: string): Promise<void> {
    await this.#database.commit((atomic) => void atomic.delete(keys.operator(session)));
  }

  /** Deletes all sessions. Returns how many there were. */
  async deleteAll(): Promise<number> {
    for (let deleted = 0;;) {
      const entries = await this.#database.list({ prefix: keys.operators }, { limit: STEP });
      await this.#database.commit((atomic) => {
        for (const { key } of entries) atomic.delete(key);
      });
      deleted += entries.length;
      if (entries.length < STEP) return deleted;
    }
  }
}
