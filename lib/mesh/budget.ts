// Runs in browser and simulator.
/** Allowances: some at once, then one per time (token bucket). One per key, and a bounded number of keys. */
import { BoundedMap } from "../shared/bounded.ts";

export class Budget<Key> {
  readonly #spent: BoundedMap<Key, { left: number; at: number }>;

  /** `keysMax`: keys remembered; who is forgotten begins with a full allowance. */
  constructor(readonly burst: number, readonly everyMs: number, keysMax: number) {
    this.#spent = new BoundedMap(keysMax);
  }

  /** Takes one of the key's allowance; false when there is none left. */
  take(key: Key, now: number): boolean {
    const spent = this.#spent.get(key);
    if (spent === undefined) {
      this.#spent.set(key, { left: this.burst - 1, at: now });
      return this.burst >= 1;
    }
    spent.left = Math.min(this.burst, spent.left + Math.max(0, now - spent.at) / this.everyMs);
    spent.at = now;
    if (spent.left < 1) return false;
    spent.left--;
    return true;
  }

  /** How many can be taken now. */
  left(key: Key, now: number): number {
    const spent = this.#spent.get(key);
    if (spent === undefined) return this.burst;
    return Math.floor(Math.min(this.burst, spent.left + Math.max(0, now - spent.at) / this.everyMs));
  }

  /** Forgets a key. */
  delete(key: Key): void {
    this.#spent.delete(key);
  }
}
