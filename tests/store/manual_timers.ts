/** Timers that a test runs, and a store on them. */
import type { StoreTimers } from "../../lib/store/database.ts";
import { openStore } from "../../lib/store/store.ts";
import type { KvHooks, MemoryDatabase } from "../support/memory_kv.ts";

export class ManualTimers implements StoreTimers {
  /** Virtual time, ms. */
  now = 0;
  readonly #due = new Map<number, { at: number; run: () => void }>();
  #last = 0;

  /** How many timers wait. */
  get waiting(): number {
    return this.#due.size;
  }

  setTimeout(run: () => void, afterMs: number): number {
    this.#due.set(++this.#last, { at: this.now + afterMs, run });
    return this.#last;
  }

  clearTimeout(timer: number): void {
    this.#due.delete(timer);
  }

  /** Runs all pending work, then moves time on, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const [timer, next] = [...this.#due].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!next || timer === undefined || next.at > end) break;
      this.now = next.at;
      this.#due.delete(timer);
      next.run();
    }
    this.now = end;
    await settle();
  }
}

/** Runs microtasks, many rounds of them. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 500; round++) await Promise.resolve();
}

/** A store with a handle of its own, whose time is the returned timers'. */
export function storeOn(database: MemoryDatabase, hooks: KvHooks) {
  const timers = new ManualTimers();
  return { timers, store: openStore({ kv: database.open(hooks), timers, clock: { now: () => timers.now } }) };
}
