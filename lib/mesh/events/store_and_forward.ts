// Runs in browser and simulator.
/**
 * Store, carry, forward: the held events that this phone protects from eviction (binary spray and wait: Spyropoulos,
 * Psounis, Raghavendra 2005). An event starts with MESH_COPIES_MAX copies at its author. Each handover gives away half
 * of the copies; the last one stays. So at most MESH_COPIES_MAX phones carry an event, however many hold it: lost
 * frames make them fewer, never more. A peer that claims too many copies gains nothing beyond this phone's own limits.
 */
import type { EventId } from "../../protocol/event.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import { CARRIED_EVENTS_MAX, CARRIED_MS } from "../mesh_limits.ts";

export class StoreAndForward {
  /** When full, the event carried longest loses its protection. */
  readonly #carried = new BoundedMap<EventId, { copies: number; until: number }>(CARRIED_EVENTS_MAX);

  /** Takes over `copies` copies of an event. */
  accept(id: EventId, copies: number, now: number): void {
    if (copies >= 1 && !this.#carried.has(id)) this.#carried.set(id, { copies, until: now + CARRIED_MS });
  }

  /** Gives away half of the copies with an event that is sent now, or 0 of the last one. Returns their number. */
  give(id: EventId): number {
    const carried = this.#carried.get(id);
    if (carried === undefined || carried.copies < 2) return 0;
    const given = Math.floor(carried.copies / 2);
    carried.copies -= given;
    return given;
  }

  /** Whether the event is protected from eviction. */
  isCarried(id: EventId, now: number): boolean {
    return (this.#carried.get(id)?.until ?? 0) > now;
  }
}
