/**
 * Lets transactions run only while their page is shown. A page in the back-forward cache is frozen as it is; in WebKit
 * a transaction that was open then blocks the database for all other pages of the origin, for good. So a page that is
 * about to freeze aborts its transactions and begins none. Each runs again, as a whole, once the page is shown.
 */

/** A transaction, as idb gives it. */
export interface GatedTransaction {
  /** Rejects when it was aborted. */
  readonly done: Promise<void>;
  /** Aborts it. Throws a DOMException when it has ended or is being committed. */
  abort(): void;
}

const SUSPENDED = Symbol("suspended");

export class TransactionGate {
  /** Open transactions, each with a function that releases its waiting operation. */
  readonly #live = new Map<GatedTransaction, () => void>();
  readonly #onSuspend = new Set<() => void>();
  #suspended: { resumed: Promise<void>; resume: () => void } | undefined;
  #suspensions = 0;

  /** The page is about to freeze: aborts open transactions and lets none begin. */
  suspend(): void {
    if (this.#suspended !== undefined) return;
    let resume = () => {};
    const resumed = new Promise<void>((resolve) => resume = resolve);
    this.#suspended = { resumed, resume };
    this.#suspensions++;
    // A transaction that is being committed ends without the page.
    for (const [transaction, free] of this.#live) if (abort(transaction)) free();
    for (const hear of this.#onSuspend) hear();
  }

  /** The page is shown: operations that were aborted or waited run in the order in which they were requested. */
  resume(): void {
    const suspended = this.#suspended;
    this.#suspended = undefined;
    suspended?.resume();
  }

  /** Calls `hear` at each suspension, when no transaction is open. */
  onSuspend(hear: () => void): void {
    this.#onSuspend.add(hear);
  }

  /** Also aborts this transaction, which upgrades a database, if the page freezes before it is done. */
  watch(transaction: GatedTransaction): void {
    this.#live.set(transaction, () => {});
    const ended = () => void this.#live.delete(transaction);
    transaction.done.then(ended, ended);
  }

  /**
   * Runs one operation in a transaction of its own and resolves when it is committed. An error in it aborts the
   * transaction. All three functions may run more than once, so side effects of `use` have to allow that.
   */
  async run<Opened, Transaction extends GatedTransaction, Result>(
    open: () => Promise<Opened>,
    begin: (opened: Opened) => Transaction,
    use: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    for (;;) {
      while (this.#suspended !== undefined) await this.#suspended.resumed;
      const suspensions = this.#suspensions;
      let opened;
      try {
        opened = await open();
      } catch (error) {
        if (suspensions === this.#suspensions) throw error;
        continue; // The suspension ended the opening.
      }
      if (suspensions !== this.#suspensions) continue;
      const result = await this.#hold(begin(opened), use);
      if (result !== SUSPENDED) return result;
    }
  }

  async #hold<Transaction extends GatedTransaction, Result>(
    transaction: Transaction,
    use: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result | typeof SUSPENDED> {
    // Browsers may report the abort late: the operation does not wait for it.
    const suspended = new Promise<typeof SUSPENDED>((resolve) => {
      this.#live.set(transaction, () => resolve(SUSPENDED));
    });
    try {
      return await Promise.race([complete(transaction, use), suspended]);
    } finally {
      this.#live.delete(transaction);
    }
  }
}

async function complete<Transaction extends GatedTransaction, Result>(
  transaction: Transaction,
  use: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const ended = transaction.done.catch(() => {});
  try {
    const result = await use(transaction);
    await transaction.done;
    return result;
  } catch (error) {
    // Undoes the partial changes; `done` rejects with the same cause.
    abort(transaction);
    await ended;
    throw error;
  }
}

/** Returns false when the transaction has ended by itself, or will. */
function abort(transaction: GatedTransaction): boolean {
  try {
    transaction.abort();
    return true;
  } catch (error) {
    // InvalidStateError.
    if (!(error instanceof DOMException)) throw error;
    return false;
  }
}
