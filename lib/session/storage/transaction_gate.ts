/**
 * Lets transactions of a database run only while their page is shown. A page in the back-forward cache is frozen as it is:
 * in WebKit a transaction that was alive then blocks the database for every other page of the origin, for good. So a page
 * that is about to freeze aborts its transactions and begins none; each runs again, as a whole, once the page is shown.
 */

/** A transaction, as idb gives it. */
export interface GatedTransaction {
  /** Rejects when it was aborted. */
  readonly done: Promise<void>;
  /** Undoes it. Throws a DOMException where it has ended or is being committed. */
  abort(): void;
}

const SUSPENDED = Symbol("suspended");

export class TransactionGate {
  /** Transactions that are alive, each with what frees the operation that waits for it. */
  readonly #live = new Map<GatedTransaction, () => void>();
  readonly #onSuspend = new Set<() => void>();
  #suspended: { resumed: Promise<void>; resume: () => void } | undefined;
  #suspensions = 0;

  /** The page is about to freeze: aborts what is alive, and lets nothing begin. */
  suspend(): void {
    if (this.#suspended !== undefined) return;
    let resume = () => {};
    const resumed = new Promise<void>((resolve) => resume = resolve);
    this.#suspended = { resumed, resume };
    this.#suspensions++;
    // What is being committed ends without the page.
    for (const [transaction, free] of this.#live) if (abort(transaction)) free();
    for (const hear of this.#onSuspend) hear();
  }

  /** The page is shown: what was aborted, and what waited, runs in the order in which it was asked for. */
  resume(): void {
    const suspended = this.#suspended;
    this.#suspended = undefined;
    suspended?.resume();
  }

  /** Calls `hear` at each suspension, when nothing is alive any more. */
  onSuspend(hear: () => void): void {
    this.#onSuspend.add(hear);
  }

  /** Aborts this transaction too if the page freezes before it is done: one that upgrades a database. */
  watch(transaction: GatedTransaction): void {
    this.#live.set(transaction, () => {});
    const ended = () => void this.#live.delete(transaction);
    transaction.done.then(ended, ended);
  }

  /**
   * Runs one operation in a transaction of its own; resolves when that is committed. An operation that throws undoes it.
   * All three functions may run more than once, and what `use` does besides its transaction has to bear that.
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
    // A browser may tell of the abort when it likes: nobody waits for that.
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
    // What was half done is undone; `done` rejects with the same cause.
    abort(transaction);
    await ended;
    throw error;
  }
}

/** False: it has ended by itself, or will. */
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
