/** The newest events of an open room, already encoded, so that joins and short absences need no database. */
import type { LogEntry, Stub } from "../../protocol/stub.ts";
import { PAGE_MAX_BYTES, PAGE_MAX_EVENTS } from "../../protocol/limits.ts";

/** An `events` frame, and the position of its last event. */
export interface EncodedPage {
  text: string;
  to: number;
}

/** Encodes events that follow one another as one frame. */
export function encodeEvents(from: number, encoded: readonly string[]): EncodedPage {
  return { text: `{"type":"events","from":${from},"events":[${encoded.join(",")}]}`, to: from + encoded.length - 1 };
}

/** Holds the events at `first` … `last`. Bounded in events and characters; the oldest are dropped first. */
export class RecentEvents {
  #encoded: string[] = [];
  #first: number;
  #chars = 0;

  /** `next`: the position of the first event that will be added. */
  constructor(next: number, readonly maxEvents: number, readonly maxChars: number) {
    this.#first = next;
  }

  get first(): number {
    return this.#first;
  }

  /** The position of the newest event; `first` - 1 when empty. */
  get last(): number {
    return this.#first + this.#encoded.length - 1;
  }

  /** Adds the events at `last` + 1, `last` + 2, … */
  push(events: readonly LogEntry[]): void {
    for (const event of events) {
      const text = JSON.stringify(event);
      this.#encoded.push(text);
      this.#chars += text.length;
    }
  }

  /** Replaces the held events at these positions by stubs. */
  erase(stubs: ReadonlyMap<number, Stub>): void {
    for (const [position, stub] of stubs) {
      const at = position - this.#first;
      const before = this.#encoded[at];
      if (before === undefined) continue;
      const after = this.#encoded[at] = JSON.stringify(stub);
      this.#chars += after.length - before.length;
    }
  }

  /** Drops events over the bounds, but none after `keepAfter`, which some members still lack. */
  shrink(keepAfter: number): void {
    let drop = 0;
    let chars = this.#chars;
    const mayDrop = Math.min(this.#encoded.length, keepAfter - this.#first + 1);
    while (drop < mayDrop && (this.#encoded.length - drop > this.maxEvents || chars > this.maxChars)) {
      chars -= this.#encoded[drop++]!.length;
    }
    this.#drop(drop);
  }

  /** Drops everything before `position`, because the log deleted it. */
  dropBefore(position: number): void {
    this.#drop(Math.min(Math.max(0, position - this.#first), this.#encoded.length));
  }

  /** The events from `from` on, up to `to` and the size of a page, at least one; undefined if `from` is not held. */
  page(from: number, to: number, maxChars = PAGE_MAX_BYTES): EncodedPage | undefined {
    if (from < this.#first || from > to || to > this.last) return undefined;
    const start = from - this.#first;
    const longest = Math.min(to - this.#first + 1, start + PAGE_MAX_EVENTS);
    let end = start;
    for (let chars = 0; end < longest; end++) {
      chars += this.#encoded[end]!.length;
      if (end > start && chars > Math.min(maxChars, PAGE_MAX_BYTES)) break;
    }
    return encodeEvents(from, this.#encoded.slice(start, end));
  }

  #drop(count: number): void {
    if (count === 0) return;
    for (const text of this.#encoded.splice(0, count)) this.#chars -= text.length;
    this.#first += count;
  }
}
