/** Log-ins of operators: a cookie is good only as long as its record is here, on every instance. */
import type { Database } from "./database.ts";
import { keys } from "./keys.ts";
import type { OperatorSession, OperatorStore } from "./store.ts";

export class KvOperators implements OperatorStore {
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

  async delete(session: string): Promise<void> {
    await this.#database.commit((atomic) => void atomic.delete(keys.operator(session)));
  }
}
