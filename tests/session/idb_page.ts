/** What runs in the browser page of idb_storage_test.ts. */
import { idbStorage } from "../../lib/session/idb_storage.ts";
import { enqueue } from "../../lib/session/outbox_book.ts";
import { STORAGE_RULES } from "./storage_contract.ts";

/** What the test calls by `evaluate`. */
export interface StoragePage {
  /** Runs one rule on a database of its own: "ok", or what went wrong. */
  runRule(name: string): Promise<string>;
  /** Puts `count` entries into an outbox that other pages write at the same time. */
  write(database: string, count: number): Promise<number[]>;
  /** Opens the database under another version, as a newer page would: resolves when the older ones have let go. */
  upgrade(database: string): Promise<string>;
}

const page: StoragePage = {
  async runRule(name) {
    const rule = STORAGE_RULES.find((rule) => rule.name === name)!;
    const tabs: ReturnType<typeof idbStorage>[] = [];
    const database = `rule ${name}`;
    try {
      await rule.run(() => {
        const tab = idbStorage(database);
        tabs.push(tab);
        return tab;
      });
      return "ok";
    } catch (error) {
      return String(error instanceof Error ? error.stack : error);
    } finally {
      for (const tab of tabs) await tab.close();
      indexedDB.deleteDatabase(database);
    }
  },
  async write(database, count) {
    const storage = idbStorage(database);
    const content = { kind: "message" as const, body: { name: "Ada", text: "x" } };
    const books = await Promise.all(
      Array.from(
        { length: count },
        () => storage.changeOutbox("room", (book) => enqueue(book, { at: 1, content }, { n: 0, clock: 0 })),
      ),
    );
    return books.at(-1)!.entries.map(({ n }) => n);
  },
  upgrade(database) {
    return new Promise((resolve) => {
      const request = indexedDB.open(database, 99);
      request.onblocked = () => resolve("blocked");
      request.onsuccess = () => {
        request.result.close();
        resolve("ok");
      };
    });
  },
};

Object.assign(globalThis, { storagePage: page });
