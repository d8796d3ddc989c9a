/** The version of the database's content: what it is as, and the steps from older ones. */
import { type Database, DatabaseRefused } from "./database.ts";
import { keys, markErasable } from "./keys.ts";

/** The steps from each version to the next. They may run twice: workers start together, and a crash may end one. */
const MIGRATIONS: readonly ((database: Database) => Promise<unknown>)[] = [
  // From releases without a version, up to 0.2: they left deleted words in the file.
  async (database) => {
    const isEmpty = (await database.list({ prefix: [] }, { limit: 1 })).length === 0;
    if (!isEmpty) await database.commit((atomic) => markErasable(atomic, "soon"));
  },
];

/** The version that this build reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings the database to SCHEMA_VERSION. Throws DatabaseRefused for a newer one, StorageUnavailable. */
export async function migrate(database: Database): Promise<void> {
  for (;;) {
    const { key, value, versionstamp } = await database.get<number>(keys.schema);
    const version = value ?? 0;
    if (version > SCHEMA_VERSION) {
      throw new DatabaseRefused(
        `its content has version ${version} and this build knows ${SCHEMA_VERSION}: run the newer build, or restore a ` +
          `backup into an empty database`,
        false,
      );
    }
    if (version === SCHEMA_VERSION) return;
    await MIGRATIONS[version]!(database);
    await database.commit((atomic) => void atomic.check({ key, versionstamp }).set(key, version + 1));
  }
}
