/** The `list` of MemoryKv. */
import { encodeRange, KV_LIMITS } from "./kv_encoding.ts";

/** A row of a range, with its encoded key. */
export interface FoundRow {
  encoded: string;
  entry: Deno.KvEntry<unknown>;
}

/** Reads one batch: up to `limit` rows whose encoded keys are from `start` on and before `end`. */
export type ReadRange = (start: string, end: string, limit: number, reverse: boolean) => Promise<FoundRow[]>;

/** The result of `list`: reads batch after batch, as the real one does, each at its own moment. */
export class MemoryList<T> implements Deno.KvListIterator<T> {
  readonly #selector: Deno.KvListSelector;
  readonly #readRange: ReadRange;
  readonly #reverse: boolean;
  readonly #batchSize: number;
  #left: number;
  #batch: FoundRow[] = [];
  #complete = false;
  /** Encoded key of the last entry read; "" before there is one. */
  #last: string;
  #cursor: string | undefined;

  constructor(selector: Deno.KvListSelector, options: Deno.KvListOptions, readRange: ReadRange) {
    const { limit, reverse = false, cursor = "" } = options;
    const batchSize = options.batchSize ?? Math.min(limit ?? 100, 500);
    for (const [name, value] of [["Limit", limit], ["batchSize", batchSize]] as const) {
      if (value !== undefined && !(value > 0)) throw new Error(`${name} must be a positive integer: received ${value}`);
    }
    this.#selector = selector;
    this.#readRange = readRange;
    this.#reverse = reverse;
    this.#batchSize = batchSize;
    this.#left = limit ?? Infinity;
    this.#last = atob(cursor);
  }

  get cursor(): string {
    if (this.#cursor === undefined) throw new Error("Cannot get cursor before first iteration");
    return this.#cursor;
  }

  async next(): Promise<IteratorResult<Deno.KvEntry<T>, undefined>> {
    if (this.#batch.length === 0 && this.#left > 0 && !this.#complete) await this.#read();
    if (this.#left === 0) return { done: true, value: undefined };
    const next = this.#batch.shift();
    this.#cursor = next ? btoa(next.encoded) : "";
    if (!next) return { done: true, value: undefined };
    this.#left--;
    return { done: false, value: next.entry as Deno.KvEntry<T> };
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Deno.KvEntry<T>> {
    return this;
  }

  async #read(): Promise<void> {
    if (this.#batchSize > KV_LIMITS.batchEntries) {
      throw new TypeError(`Too many entries (max ${KV_LIMITS.batchEntries})`);
    }
    let { start, end } = encodeRange(this.#selector);
    if (this.#last !== "" && this.#reverse) end = this.#last;
    else if (this.#last !== "") start = this.#last + "\x00";
    this.#batch = await this.#readRange(start, end, this.#batchSize, this.#reverse);
    this.#complete = this.#batch.length < this.#batchSize;
    this.#last = this.#batch.at(-1)?.encoded ?? this.#last;
  }
}
