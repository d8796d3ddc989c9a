/** A page's access to a database of its origin. Only this file opens databases and begins transactions. */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import { TransactionGate } from "./transaction_gate.ts";

/** One for all databases, because a page freezes as a whole: it is suspended and resumed with the page (page_storage.ts). */
export const freezeGate = new TransactionGate();

/** A database. The first transaction opens it, and rejects where there is no IndexedDB. */
export class PageDatabase<Schema extends DBSchema> {
  readonly #name: string;
  readonly #version: number;
  readonly #upgrade: (db: IDBPDatabase<Schema>, from: number) => void;
  readonly #onLost: () => void;
  #opening: Promise<IDBPDatabase<Schema>> | undefined;
  /** This page has opened it before. */
  #opened = false;

  /**
   * `upgrade`: from any earlier version, 0 for none, as one transaction. `onLost`: the database that this page had open
   * is being deleted, was deleted while closed, or was taken away by the browser.
   */
  constructor(
    name: string,
    version: number,
    upgrade: (db: IDBPDatabase<Schema>, from: number) => void,
    onLost: () => void = () => {},
  ) {
    this.#name = name;
    this.#version = version;
    this.#upgrade = upgrade;
    this.#onLost = onLost;
    // A frozen page would block an upgrade by a newer version of the app.
    freezeGate.onSuspend(() => void this.close());
  }

  /**
   * Runs one transaction and resolves when it is committed. `run` may run more than once, each time in a new
   * transaction; an error in it aborts the transaction. Rejects when the database fails.
   */
  transact<Names extends [StoreNames<Schema>, ...StoreNames<Schema>[]], Mode extends "readonly" | "readwrite", Result>(
    names: Names,
    mode: Mode,
    run: (transaction: IDBPTransaction<Schema, Names, Mode>) => Promise<Result>,
    options?: IDBTransactionOptions,
  ): Promise<Result> {
    return freezeGate.run(() => this.#open(), (db) => db.transaction(names, mode, options), run);
  }

  /** Closes the database; the next transaction opens it again. */
  async close(): Promise<void> {
    const closing = this.#opening;
    this.#opening = undefined;
    (await closing?.catch(() => undefined))?.close();
  }

  #open(): Promise<IDBPDatabase<Schema>> {
    if (this.#opening !== undefined) return this.#opening;
    const forget = () => {
      if (this.#opening === opened) this.#opening = undefined;
    };
    const lost = () => {
      this.#opened = false; // Reported once.
      this.#onLost();
    };
    const opened = openDB<Schema>(this.#name, this.#version, {
      upgrade: (db, from, _to, transaction) => {
        freezeGate.watch(transaction);
        this.#upgrade(db, from);
        if (from === 0 && this.#opened) lost();
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
    opened.then(() => this.#opened = true, forget);
    return this.#opening = opened;
  }
}
