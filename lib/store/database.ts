/** All calls to Deno KV: every failure becomes StorageUnavailable, and no call waits for ever. */

/** The part of Deno KV that the store uses: the real one, and the one in memory for tests and simulations. */
export type Kv = Pick<Deno.Kv, "get" | "getMany" | "list" | "set" | "delete" | "atomic" | "watch" | "close">;

/** The database did not answer, or answered with an error; `cause` holds it. */
export class StorageUnavailable extends Error {
  override name = "StorageUnavailable";
}

/**
 * The database cannot be used as it is; the message says what to do. `passing`: a later start may work without that.
 */
export class DatabaseRefused extends StorageUnavailable {
  constructor(what: string, readonly passing: boolean, options?: ErrorOptions) {
    super(`the database could not be opened: ${what}`, options);
  }
}

/** Nothing was written, because the disk is nearly full. */
export class DiskFull extends StorageUnavailable {}

/** The timers that the store needs; `globalThis` has them. */
export interface StoreTimers {
  setTimeout(run: () => void, afterMs: number): number;
  clearTimeout(timer: number): void;
}

/** The kind of a call; a `list` may be several round trips. */
export type CallKind = "read" | "list" | "commit";
/** A call ended, `ms` after it began; every retry counts as a call. */
export type OnCall = (kind: CallKind, ms: number, worked: boolean) => void;

/** Longest time for one operation; after that the database counts as not answering. */
export const OPERATION_TIMEOUT_MS = 5_000;
/** Retries of an operation that found the SQLite file locked by another process, and the first delay. */
export const LOCKED_RETRIES = 5;
const LOCKED_RETRY_MS = 10;

/** Most keys of one `getMany`. */
const GET_MANY_MAX_KEYS = 10;

/** Options of a `list`. `limit` is required: no read is unbounded. */
export interface ListOptions {
  limit: number;
  reverse?: boolean;
  /** Entries per round trip, at most 500. */
  batchSize?: number;
  consistency?: Deno.KvConsistencyLevel;
}

export class Database {
  constructor(
    readonly kv: Kv,
    private readonly timers: StoreTimers,
    private readonly random: (byteLength: number) => Uint8Array,
    private readonly watched?: { clock: { now(): number }; onCall: OnCall },
  ) {}

  get<T>(key: Deno.KvKey, consistency?: Deno.KvConsistencyLevel): Promise<Deno.KvEntryMaybe<T>> {
    return this.#run("read", "read a key", () => this.kv.get<T>(key, consistency && { consistency }));
  }

  /** The entries of any number of keys, in their order. Ten at a time are read at the same moment. */
  async getMany<T>(
    keys: readonly Deno.KvKey[],
    consistency?: Deno.KvConsistencyLevel,
  ): Promise<Deno.KvEntryMaybe<T>[]> {
    const parts: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
    for (let from = 0; from < keys.length; from += GET_MANY_MAX_KEYS) {
      const part = keys.slice(from, from + GET_MANY_MAX_KEYS);
      parts.push(this.#run("read", "read keys", () => this.kv.getMany<T[]>(part, consistency && { consistency })));
    }
    return (await Promise.all(parts)).flat();
  }

  /** Up to `limit` entries. One that needs several batches is not read at one moment. */
  list<T>(selector: Deno.KvListSelector, options: ListOptions): Promise<Deno.KvEntry<T>[]> {
    return this.#run("list", "list keys", async () => {
      const entries: Deno.KvEntry<T>[] = [];
      for await (const entry of this.kv.list<T>(selector, options)) entries.push(entry);
      return entries;
    });
  }

  /** All entries, in steps of `step`; a change between two steps shows in the later ones. */
  async *all<T>(selector: Deno.KvListSelector, step: number): AsyncGenerator<Deno.KvEntry<T>> {
    for (let from = selector;;) {
      const entries = await this.list<T>(from, { limit: step });
      yield* entries;
      if (entries.length < step) return;
      from = { ...selector, start: [...entries.at(-1)!.key, 0] } as Deno.KvListSelector;
    }
  }

  /** Deletes all keys with this prefix, `step` in a commit. Returns how many, or undefined as soon as `check` fails. */
  async deleteAll(prefix: Deno.KvKey, step: number, check?: Deno.AtomicCheck): Promise<number | undefined> {
    for (let deleted = 0;;) {
      const entries = await this.list({ prefix }, { limit: step });
      if (entries.length === 0) return deleted;
      const done = await this.commit((atomic) => {
        if (check !== undefined) atomic.check(check);
        for (const { key } of entries) atomic.delete(key);
      });
      if (done === undefined) return undefined;
      deleted += entries.length;
    }
  }

  /** The versionstamp of the commit that `build` describes, on disk by then; undefined when one of its checks failed. */
  async commit(build: (atomic: Deno.AtomicOperation) => void): Promise<string | undefined> {
    const result = await this.#run("commit", "commit", () => {
      const atomic = this.kv.atomic();
      build(atomic);
      return atomic.commit();
    });
    return result.ok ? result.versionstamp : undefined;
  }

  /** Waits between half of `ms` and all of it, so that writers that collided do not collide again; an abort ends it early. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    const share = 0.5 + this.random(1)[0]! / 512;
    return new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        this.timers.clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.timers.setTimeout(end, Math.ceil(ms * share));
      signal?.addEventListener("abort", end);
    });
  }

  async #run<T>(kind: CallKind, what: string, operation: () => Promise<T>): Promise<T> {
    for (let retry = 0;; retry++) {
      const { clock, onCall } = this.watched ?? {};
      const startedAt = clock?.now() ?? 0;
      const ended = (worked: boolean) => onCall?.(kind, clock!.now() - startedAt, worked);
      try {
        const result = await this.#inTime(operation());
        ended(true);
        return result;
      } catch (cause) {
        ended(false);
        // Nothing was done while the file was locked, so a retry repeats nothing.
        if (retry < LOCKED_RETRIES && isLocked(cause)) {
          await this.pause(LOCKED_RETRY_MS * 2 ** retry);
          continue;
        }
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new StorageUnavailable(`the database could not ${what}: ${why}`, { cause });
      }
    }
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = this.timers.setTimeout(
        () => reject(new Error(`no answer within ${OPERATION_TIMEOUT_MS} ms`)),
        OPERATION_TIMEOUT_MS,
      );
      answer.then(resolve, reject).finally(() => this.timers.clearTimeout(timer));
    });
  }
}

/** SQLITE_BUSY arrives only as this text, without a class or code. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("database is locked");
}
