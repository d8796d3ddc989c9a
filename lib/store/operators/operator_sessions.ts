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

const lasting = (lifeMs: number) => ({ expireIn: Math.max(1, Math.ceil(lifeMs)) });

export class OperatorStore {
  constructor(private readonly database: Database) {}

  async put(session: string, record: OperatorSession, lifeMs: number): Promise<void> {
    await this.database.commit((atomic) => void atomic.set(keys.operator(session), record, lasting(lifeMs)));
  }

  async get(session: string): Promise<OperatorSession | undefined> {
    return (await this.database.get<OperatorSession>(keys.operator(session))).value ?? undefined;
  }

  /** Records that the session was used. A session that was deleted meanwhile stays deleted. */
  async touch(session: string, seenAt: number, lifeMs: number): Promise<void> {
    const key = keys.operator(session);
    const { value, versionstamp } = await this.database.get<OperatorSession>(key);
    if (value === null) return;
    const used = { ...value, seenAt };
    // A lost race means another use of the session, or its end.
    await this.database.commit((atomic) => void atomic.check({ key, versionstamp }).set(key, used, lasting(lifeMs)));
  }

  async delete(session: string): Promise<void> {
    await this.database.commit((atomic) => void atomic.delete(keys.operator(session)));
  }

  /** Deletes all sessions. Returns how many there were. */
  async deleteAll(): Promise<number> {
    return await this.database.deleteAll(keys.operators, STEP) ?? 0;
  }
}
