// Runs in browser and server.
/** Lines of a conversation in their one order, kept while events come in any order. */
import { compareEvents, type SignedEvent } from "../protocol/event.ts";

/** The fields that place a line. */
export type OrderKey = Omit<SignedEvent, "wire">;

/** The order of compareEvents; two events of one author with one `n`, which only a cheat writes, stand by their ids. */
export function compareOrder(a: OrderKey, b: OrderKey): number {
  return compareEvents(a, b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The rows at one place: the event's own line, right above it a gap of missing events, on top the events that are lost. */
export type TimelineRowRole = "line" | "gap" | "lost";
const RANKS: Readonly<Record<TimelineRowRole, number>> = { lost: 0, gap: 1, line: 2 };

/** Something that is shown at a place. */
export interface TimelineRow<Item> {
  place: OrderKey;
  role: TimelineRowRole;
  item: Item;
}
type RowKey = Pick<TimelineRow<unknown>, "place" | "role">;

function compareRows(a: RowKey, b: RowKey): number {
  return compareOrder(a.place, b.place) || RANKS[a.role] - RANKS[b.role];
}

/** Sorted rows, and their items as one array. Appending costs the same however many there are. */
export class TimelineRows<Item> {
  readonly #rows: TimelineRow<Item>[] = [];
  readonly #items: Item[] = [];

  /** Puts the row at its place, in place of the one that stood there. */
  put(row: TimelineRow<Item>): void {
    const at = this.#find(row);
    const there = this.#rows[at];
    const replaces = there !== undefined && compareRows(there, row) === 0;
    if (at === this.#rows.length) {
      this.#rows.push(row);
      this.#items.push(row.item);
    } else {
      this.#rows.splice(at, replaces ? 1 : 0, row);
      this.#items.splice(at, replaces ? 1 : 0, row.item);
    }
  }

  /** Takes away what stands at this place, if anything does. */
  delete(row: RowKey): void {
    const at = this.#find(row);
    const there = this.#rows[at];
    if (there === undefined || compareRows(there, row) !== 0) return;
    this.#rows.splice(at, 1);
    this.#items.splice(at, 1);
  }

  clear(): void {
    this.#rows.length = 0;
    this.#items.length = 0;
  }

  /** The items in order, as a new array; `after` comes behind them. */
  items(after: readonly Item[] = []): Item[] {
    return this.#items.concat(after);
  }

  /** Index of the first row that does not stand before `row`. Most come last: looked at there first. */
  #find(row: RowKey): number {
    const rows = this.#rows;
    if (rows.length === 0 || compareRows(rows.at(-1)!, row) < 0) return rows.length;
    let low = 0, high = rows.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareRows(rows[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
