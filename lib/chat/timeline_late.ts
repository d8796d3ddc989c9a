// Runs in browser and server.
/** Which messages came late: written without a network, or carried by a phone, and now above what was read already. */
import type { EventId } from "../protocol/event.ts";
import { compareOrder, type OrderKey } from "./timeline_order.ts";

/** Less than this between two messages is the way of the world: slow transports, and clocks that differ a little. */
export const LATE_AFTER_MS = 60_000;

/** A message of the log. `position`: when it arrived, compared with others. */
export interface LogArrival {
  place: OrderKey;
  position: number;
}

/**
 * Whether `message` came late because of `other`: that one stands below it, arrived before it, and was written
 * LATE_AFTER_MS later, as the clocks of both authors say. The last line never came late, so a phone whose clock is
 * wrong does not mark what it says now. A clock that is ahead by as much may mark what another phone said in the same
 * moment.
 */
export function cameLate(message: LogArrival, other: LogArrival): boolean {
  return other.position < message.position && other.place.at - message.place.at >= LATE_AFTER_MS &&
    compareOrder(other.place, message.place) > 0;
}

/**
 * Finds late messages while they come in any order. The same set of arrivals gives the same answer, and one that arrives
 * last and stands last, as nearly all do, costs the same however many there are.
 */
export class LateMessages {
  /** In the order of the screen. */
  readonly #arrivals: LogArrival[] = [];
  readonly #late = new Set<EventId>();
  #newest = 0;
  #oldest = Infinity;

  has(id: EventId): boolean {
    return this.#late.has(id);
  }

  /** Adds one that was not added before; answers with those that are late since then. */
  add(arrival: LogArrival): EventId[] {
    const all = this.#arrivals;
    let low = 0, high = all.length;
    // Most come last: looked at there first.
    if (high > 0 && compareOrder(all[high - 1]!.place, arrival.place) < 0) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareOrder(all[middle]!.place, arrival.place) < 0) low = middle + 1;
      else high = middle;
    }
    const late: EventId[] = [];
    // Only what arrived before it makes it late, and it only makes late what arrived after it.
    if (arrival.position > this.#oldest) {
      for (let at = all.length - 1; at >= low; at--) {
        if (!cameLate(arrival, all[at]!)) continue;
        late.push(arrival.place.id);
        break;
      }
    }
    if (arrival.position < this.#newest) {
      for (let at = 0; at < low; at++) {
        const { id } = all[at]!.place;
        if (!this.#late.has(id) && cameLate(all[at]!, arrival)) late.push(id);
      }
    }
    if (low === all.length) all.push(arrival);
    else all.splice(low, 0, arrival);
    this.#newest = Math.max(this.#newest, arrival.position);
    this.#oldest = Math.min(this.#oldest, arrival.position);
    for (const id of late) this.#late.add(id);
    return late;
  }

  clear(): void {
    this.#arrivals.length = 0;
    this.#late.clear();
    this.#newest = 0;
    this.#oldest = Infinity;
  }
}
