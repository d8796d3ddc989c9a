// Runs in browser and simulator.
/**
 * Store, carry, forward: which of the held events this phone keeps for others longer than it would for itself (binary
 * spray and wait, Spyropoulos, Psounis, Raghavendra 2005). An event starts with MESH_COPIES_MAX copies at its author.
 * Whoever hands it on gives half of its copies away; with one left it keeps that one. So at most MESH_COPIES_MAX phones
 * are bound to carry an event, however many have it: a frame that is lost makes them fewer, never more. Who claims more
 * copies than it has, binds no more than this phone's own limits.
 */
import type { EventId } from "../../protocol/event.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import { CARRIED_EVENTS_MAX, CARRIED_MS } from "../mesh_limits.ts";

export class StoreAndForward {
  /** When full, the event carried longest is no longer bound to be kept. */
  readonly #carried: BoundedMap<EventId, { copies: number; until: number }>;

  constructor(max = CARRIED_EVENTS_MAX) {
    this.#carried = new BoundedMap(max);
  }

  /** This phone is asked to see `copies` copies of the event carried. */
  accept(id: EventId, copies: number, now: number): void {
    if (copies >= 1 && !this.#carried.has(id)) this.#carried.set(id, { copies, until: now + CARRIED_MS });
  }

  /** How many copies go along with an event that is handed on now: half of them, none of the last one. */
  give(id: EventId): number {
    const carried = this.#carried.get(id);
    if (carried === undefined || carried.copies < 2) return 0;
    const given = Math.floor(carried.copies / 2);
    carried.copies -= given;
    return given;
  }

  /** Whether this phone is bound to keep the event. */
  isCarried(id: EventId, now: number): boolean {
    return (this.#carried.get(id)?.until ?? 0) > now;
  }

  drop(id: EventId): void {
    this.#carried.delete(id);
  }

  get size(): number {
    return this.#carried.size;
  }
}
