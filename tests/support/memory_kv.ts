/**
 * Deno KV in memory, with the real one's semantics: versionstamps, atomic checks, ordering, limits, batches of `list`
 * that are not one snapshot, a `watch` that tells the newest state only. tests/store/memory_kv_test.ts compares the two.
 *
 * Everything runs on microtasks, so a simulation with virtual time stays deterministic; hooks add delays and failures.
 * The database and its handles are two things: a handle is closed or crashes, and what was committed stays.
 */
import type { Kv } from "../../lib/store/database.ts";
import { checkCommitSize, encodeKey, encodeKeyToRead, KV_LIMITS, type Mutation } from "./kv_encoding.ts";
import { combine, fromStoredValue, type StoredValue, toStoredValue } from "./kv_values.ts";
import { type FoundRow, MemoryList } from "./memory_kv_list.ts";

/** What a handle does around each operation. */
export interface KvHooks {
  /** Awaited before an operation takes effect, and again before its result is returned. */
  delay?: () => Promise<void>;
  /**
   * Asked at the same two moments; the error it returns is thrown. `before`: the operation had no effect.
   * `after`: it had, and its caller does not know.
   */
  fail?: (moment: "before" | "after") => Error | undefined;
}

interface Row {
  key: Deno.KvKey;
  value: StoredValue;
  versionstamp: string;
  /** By the database's clock, ms; Infinity for rows that stay. */
  expiresAt: number;
}

/** Commits between two sweeps of expired rows; until then they are only hidden. */
const SWEEP_EVERY_COMMITS = 1_000;

/** One database; `open` it as often as there are instances. */
export class MemoryDatabase {
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  /** The encoded keys of the rows, in order. */
  #order: string[] = [];
  readonly #watchers = new Set<() => void>();
  #version = 0;

  /** `now` is the clock that expiry goes by, ms; without one nothing expires. */
  constructor({ now = () => 0 }: { now?: () => number } = {}) {
    this.#now = now;
  }

  /** A new handle. */
  open(hooks: KvHooks = {}): MemoryKv {
    return new MemoryKv(this, hooks);
  }

  /** How many watches are open. */
  get watching(): number {
    return this.#watchers.size;
  }

  /** Every key and value, in order: for tests that look at what is really there. */
  dump(): { key: Deno.KvKey; value: unknown }[] {
    return this.range("", "\xff", Infinity, false).map(({ entry: { key, value } }) => ({ key, value }));
  }

  /** The entry of one key. */
  read(key: Deno.KvKey): Deno.KvEntryMaybe<unknown> {
    const row = this.#live(encodeKeyToRead(key));
    return row ? toEntry(row) : { key, value: null, versionstamp: null };
  }

  /** Up to `limit` entries whose encoded keys are from `start` on and before `end`. */
  range(start: string, end: string, limit: number, reverse: boolean): FoundRow[] {
    const from = this.#place(start), to = this.#place(end);
    const found: FoundRow[] = [];
    for (let step = 0; step < to - from && found.length < limit; step++) {
      const encoded = this.#order[reverse ? to - 1 - step : from + step]!;
      const row = this.#live(encoded);
      if (row) found.push({ encoded, entry: toEntry(row) });
    }
    return found;
  }

  /** Applies a commit whole or not at all. */
  commit(
    checks: readonly Deno.AtomicCheck[],
    mutations: readonly Mutation[],
  ): Deno.KvCommitResult | Deno.KvCommitError {
    checkCommitSize(checks, mutations);
    for (const { key, versionstamp } of checks) {
      if ((this.#live(encodeKey(key))?.versionstamp ?? null) !== (versionstamp ?? null)) return { ok: false };
    }
    const versionstamp = (this.#version + 1).toString(16).padStart(16, "0") + "0000";
    // Worked out before anything is written: a sum on a value of another type fails the whole commit.
    const changes = new Map<string, Row | undefined>();
    for (const mutation of mutations) {
      const { encoded } = mutation;
      if (mutation.type === "delete") {
        changes.set(encoded, undefined);
      } else if (mutation.type === "set") {
        const { key, value, expireIn = Infinity } = mutation;
        changes.set(encoded, { key, value, versionstamp, expiresAt: this.#now() + expireIn });
      } else {
        const before = changes.has(encoded) ? changes.get(encoded) : this.#live(encoded);
        const value = combine(mutation.type, mutation.operand, before?.value);
        changes.set(encoded, { key: mutation.key, value, versionstamp, expiresAt: Infinity });
      }
    }
    this.#version++;
    for (const [encoded, row] of changes) this.#put(encoded, row);
    if (this.#version % SWEEP_EVERY_COMMITS === 0) this.#sweep();
    for (const wake of [...this.#watchers]) wake();
    return { ok: true, versionstamp };
  }

  /** Calls `wake` after every commit, until the function it returns is called. */
  subscribe(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => void this.#watchers.delete(wake);
  }

  #live(encoded: string): Row | undefined {
    const row = this.#rows.get(encoded);
    return row && row.expiresAt > this.#now() ? row : undefined;
  }

  #put(encoded: string, row: Row | undefined): void {
    const known = this.#rows.has(encoded);
    if (row) this.#rows.set(encoded, row);
    else this.#rows.delete(encoded);
    if (row && !known) this.#order.splice(this.#place(encoded), 0, encoded);
    if (!row && known) this.#order.splice(this.#place(encoded), 1);
  }

  #sweep(): void {
    for (const encoded of this.#rows.keys()) if (!this.#live(encoded)) this.#rows.delete(encoded);
    this.#order = this.#order.filter((encoded) => this.#rows.has(encoded));
  }

  /** Index of the first key that is not before `encoded`. */
  #place(encoded: string): number {
    let low = 0, high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order[middle]! < encoded) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A handle on a MemoryDatabase. Closed, it refuses everything, also what waits in a hook, and its watches end. */
export class MemoryKv implements Kv {
  readonly #database: MemoryDatabase;
  readonly #hooks: KvHooks;
  readonly #watches = new Set<() => void>();
  #closed = false;

  constructor(database: MemoryDatabase, hooks: KvHooks) {
    this.#database = database;
    this.#hooks = hooks;
  }

  async get<T = unknown>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return await this.#run(() => this.#database.read(key)) as Deno.KvEntryMaybe<T>;
  }

  async getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
  ): Promise<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    const entries = await this.#run(() => {
      if (keys.length > KV_LIMITS.getManyKeys) throw new TypeError(`Too many ranges (max ${KV_LIMITS.getManyKeys})`);
      return keys.map((key) => this.#database.read(key));
    });
    return entries as { [K in keyof T]: Deno.KvEntryMaybe<T[K]> };
  }

  async set(key: Deno.KvKey, value: unknown, options?: { expireIn?: number }): Promise<Deno.KvCommitResult> {
    return await this.atomic().set(key, value, options).commit() as Deno.KvCommitResult;
  }

  async delete(key: Deno.KvKey): Promise<void> {
    await this.atomic().delete(key).commit();
  }

  atomic(): Deno.AtomicOperation {
    return new MemoryAtomic((checks, mutations) => this.#run(() => this.#database.commit(checks, mutations)));
  }

  list<T = unknown>(selector: Deno.KvListSelector, options: Deno.KvListOptions = {}): Deno.KvListIterator<T> {
    return new MemoryList<T>(
      selector,
      options,
      (start, end, limit, reverse) => this.#run(() => this.#database.range(start, end, limit, reverse)),
    );
  }

  watch<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
  ): ReadableStream<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    if (this.#closed) throw closedError();
    if (keys.length > KV_LIMITS.watchKeys) throw new TypeError(`Too many keys (max ${KV_LIMITS.watchKeys})`);
    let told: string | undefined, ended = false;
    let wake = () => {};
    const unsubscribe = this.#database.subscribe(() => wake());
    const end = () => {
      ended = true;
      unsubscribe();
      this.#watches.delete(end);
      wake();
    };
    this.#watches.add(end);
    return new ReadableStream({
      pull: async (controller) => {
        for (;;) {
          const changed = new Promise<void>((resolve) => wake = resolve);
          await this.#hooks.delay?.();
          const failure = ended ? undefined : this.#hooks.fail?.("before");
          if (failure) end();
          if (failure) throw failure;
          if (ended) return controller.close();
          const entries = keys.map((key) => this.#database.read(key));
          const versions = entries.map(({ versionstamp }) => versionstamp).join();
          if (versions !== told) {
            told = versions;
            return controller.enqueue(entries as { [K in keyof T]: Deno.KvEntryMaybe<T[K]> });
          }
          await changed;
        }
      },
      cancel: end,
    });
  }

  close(): void {
    if (this.#closed) throw closedError();
    this.#closed = true;
    for (const end of [...this.#watches]) end();
  }

  /** One operation: hooks, effect, hooks. */
  async #run<T>(effect: () => T): Promise<T> {
    await this.#pass("before");
    const result = effect();
    await this.#pass("after");
    return result;
  }

  async #pass(moment: "before" | "after"): Promise<void> {
    if (this.#closed) throw closedError();
    await this.#hooks.delay?.();
    if (this.#closed) throw closedError();
    const failure = this.#hooks.fail?.(moment);
    if (failure) throw failure;
  }
}

type Commit = (
  checks: readonly Deno.AtomicCheck[],
  mutations: readonly Mutation[],
) => Promise<Deno.KvCommitResult | Deno.KvCommitError>;

class MemoryAtomic implements Deno.AtomicOperation {
  readonly #checks: Deno.AtomicCheck[] = [];
  readonly #mutations: Mutation[] = [];
  readonly #commit: Commit;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  check(...checks: Deno.AtomicCheck[]): this {
    this.#checks.push(...checks);
    return this;
  }

  mutate(...mutations: Deno.KvMutation[]): this {
    for (const mutation of mutations) {
      if (mutation.type === "set") this.set(mutation.key, mutation.value, mutation);
      else if (mutation.type === "delete") this.delete(mutation.key);
      else this.#add(mutation.type, mutation.key, mutation.value.value);
    }
    return this;
  }

  sum(key: Deno.KvKey, n: bigint): this {
    return this.#add("sum", key, n);
  }

  min(key: Deno.KvKey, n: bigint): this {
    return this.#add("min", key, n);
  }

  max(key: Deno.KvKey, n: bigint): this {
    return this.#add("max", key, n);
  }

  set(key: Deno.KvKey, value: unknown, { expireIn }: { expireIn?: number } = {}): this {
    if (expireIn !== undefined && !(Number.isInteger(expireIn) && expireIn >= 0)) {
      throw new TypeError(`expireIn must be a non-negative integer: received ${expireIn}`);
    }
    this.#mutations.push({ type: "set", ...keyOf(key), value: toStoredValue(value), expireIn });
    return this;
  }

  delete(key: Deno.KvKey): this {
    this.#mutations.push({ type: "delete", ...keyOf(key) });
    return this;
  }

  enqueue(): this {
    throw new TypeError("this database has no queues");
  }

  commit(): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    return this.#commit(this.#checks, this.#mutations);
  }

  #add(type: "sum" | "min" | "max", key: Deno.KvKey, n: bigint): this {
    if (typeof n !== "bigint") throw new TypeError(`Value must be a bigint: received ${typeof n}`);
    // KvU64 refuses what is no 64-bit number.
    this.#mutations.push({ type, ...keyOf(key), operand: new Deno.KvU64(n).value });
    return this;
  }
}

/** A key of one's own, and its encoding. */
function keyOf(key: Deno.KvKey): { key: Deno.KvKey; encoded: string } {
  return { key: [...key], encoded: encodeKey(key) };
}

function toEntry({ key, value, versionstamp }: Row): Deno.KvEntry<unknown> {
  return { key: [...key], value: fromStoredValue(value), versionstamp };
}

function closedError(): Error {
  return new Deno.errors.BadResource("Bad resource ID");
}
