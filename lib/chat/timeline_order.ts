// Runs in browser and server.
/** Keeps the lines of a conversation sorted while events arrive in any order. */
import { compareEvents, type SignedEvent } from "../protocol/event.ts";

/** The fields that order a line. */
export type OrderKey = Omit<SignedEvent, "wire">;

/** The order of compareEvents, then by id: a dishonest author may write two events with the same `n`. */
export function compareOrder(a: OrderKey, b: OrderKey): number {
  return compareEvents(a, b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The rows at one place, from the bottom: the event's own line, a gap of missing events, and the deleted events. */
export type TimelineRowRole = "line" | "gap" | "lost";
const RANKS: Readonly<Record<TimelineRowRole, number>> = { lost: 0, gap: 1, line: 2 };

/** An item that is shown at a place. */
export interface TimelineRow<Item> {
  place: OrderKey;
  role: TimelineRowRole;
  item: Item;
}
type RowKey = Pick<TimelineRow<unknown>, "place" | "role">;

function compareRows(a: RowKey, b: RowKey): number {
  return compareOrder(a.place, b.place) || RANKS[a.role] - RANKS[b.role];
}

/** Sorted rows, and their items as one array. Appending has a constant cost. */
export class TimelineRows<Item> {
  readonly #rows: TimelineRow<Item>[] = [];
  readonly #items: Item[] = [];

  /** Inserts the row, or replaces the one at its place. */
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

  /** Deletes the row at this place, if there is one. */
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

  /** The items in order and then `after`, as a new array. */
  items(after: readonly Item[] = []): Item[] {
    return this.#items.concat(after);
  }

  /** Index of the first row that is not before `row`. Most rows come last, so the end is checked first. */
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
