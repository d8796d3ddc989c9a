// Runs in browser and server.
/** Finds late messages: written offline or carried by a phone, and now above messages that were read already. */
import type { EventId } from "../protocol/event.ts";
import { compareOrder, type OrderKey } from "./timeline_order.ts";

/** Shorter differences are normal: slow transports, and clocks that differ slightly. */
export const LATE_AFTER_MS = 60_000;

/** A message of the log. `position`: when it arrived, compared with others. */
export interface LogArrival {
  place: OrderKey;
  position: number;
}

/**
 * Whether `message` is late because of `other`: `other` is below it, arrived before it, and was written LATE_AFTER_MS later
 * by the clocks of both authors. The last line is never late, so a phone with a wrong clock does not mark its own new
 * messages. A clock that is ahead by as much may mark another phone's message of the same moment.
 */
export function cameLate(message: LogArrival, other: LogArrival): boolean {
  return other.position < message.position && other.place.at - message.place.at >= LATE_AFTER_MS &&
    compareOrder(other.place, message.place) > 0;
}

/**
 * Finds late messages among arrivals in any order. The same set of arrivals gives the same result. An arrival at the end
 * of both orders, as nearly all are, has a constant cost.
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

  /** Adds a new arrival and returns the messages that are late because of it. */
  add(arrival: LogArrival): EventId[] {
    const all = this.#arrivals;
    let low = 0, high = all.length;
    // Most arrivals come last, so the end is checked first.
    if (high > 0 && compareOrder(all[high - 1]!.place, arrival.place) < 0) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareOrder(all[middle]!.place, arrival.place) < 0) low = middle + 1;
      else high = middle;
    }
    const late: EventId[] = [];
    // Only earlier arrivals make it late, and it makes only later arrivals late.
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
