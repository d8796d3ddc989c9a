/** A page's access to a database of its origin. Only this file opens databases and begins transactions. */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import { TransactionGate } from "./transaction_gate.ts";

/** One for all databases, because a page freezes as a whole: it is suspended and resumed with the page (page_storage.ts). */
export const freezeGate = new TransactionGate();

/**
 * A database. The first transaction opens it, and rejects where there is no IndexedDB. `upgrade`: from any earlier version,
 * 0 for none, as one transaction. `onLost`: the database that this page had open is being deleted, was deleted while closed,
 * or was taken away by the browser.
 */
export function pageDatabase<Schema extends DBSchema>(
  name: string,
  version: number,
  upgrade: (db: IDBPDatabase<Schema>, from: number) => void,
  onLost: () => void = () => {},
) {
  let opening: Promise<IDBPDatabase<Schema>> | undefined;
  let openedBefore = false;

  function open(): Promise<IDBPDatabase<Schema>> {
    if (opening !== undefined) return opening;
    const forget = () => {
      if (opening === opened) opening = undefined;
    };
    const lost = () => {
      openedBefore = false; // Reported once.
      onLost();
    };
    const opened = openDB<Schema>(name, version, {
      upgrade: (db, from, _to, transaction) => {
        freezeGate.watch(transaction);
        upgrade(db, from);
        if (from === 0 && openedBefore) lost();
      },
      // A tab with a newer version of the app upgrades: it must not wait for this one.
      blocking: (_current, wanted, event) => {
        (event.target as IDBDatabase).close();
        forget();
        if (wanted === null) lost();
      },
      // The browser took the database away; the next call opens it again, or learns that it cannot be.
      terminated: () => {
        forget();
        lost();
      },
    });
    opened.then(() => openedBefore = true, forget);
    return opening = opened;
  }

  /** Closes the database; the next transaction opens it again. */
  async function close(): Promise<void> {
    const closing = opening;
    opening = undefined;
    (await closing?.catch(() => undefined))?.close();
  }

  /**
   * Runs one transaction and resolves when it is committed. `run` may run more than once, each time in a new
   * transaction; an error in it aborts the transaction. Rejects when the database fails.
   */
  function transact<
    Names extends [StoreNames<Schema>, ...StoreNames<Schema>[]],
    Mode extends "readonly" | "readwrite",
    Result,
  >(
    names: Names,
    mode: Mode,
    run: (transaction: IDBPTransaction<Schema, Names, Mode>) => Promise<Result>,
    options?: IDBTransactionOptions,
  ): Promise<Result> {
    return freezeGate.run(open, (db) => db.transaction(names, mode, options), run);
  }

  // A frozen page would block an upgrade by a newer version of the app.
  freezeGate.onSuspend(() => void close());
  return { transact, close };
}
