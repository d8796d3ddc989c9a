/**
 * Limits on the events of one address, beside the limit of each author: keys are free to make, so a limit per key bounds
 * nobody. All of it is checked in memory, before a signature or the database costs anything.
 */
import { KeyedRateLimiter } from "../../shared/rate_limiter.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { ServerConfig } from "../config/server_config.ts";

/** Addresses, and rooms of addresses, that are remembered; the least recently used is forgotten first. */
const OWNERS_MAX = 50_000;

/** One event that a connection sends, before its signature is checked. */
export interface EventCharge {
  room: RoomId;
  /** The address of the connection. */
  address: string;
  /** `own`: of the connection's person. `first`: the person's first one in this room. `carried`: of somebody else. */
  origin: "own" | "first" | "carried";
  /** UTF-16 length of its payload. */
  bytes: number;
}

/** The tokens that an event of this size costs: a long one weighs on the room like several. */
export function eventCost(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / EVENT_COST_BYTES));
}
const EVENT_COST_BYTES = 2_048;

/** A token of the limits that count bytes. */
const KILOBYTE = 1_024;

export class EventBudgets {
  readonly #carried: KeyedRateLimiter<string>;
  readonly #arrivals: KeyedRateLimiter<string>;
  readonly #roomBytes: KeyedRateLimiter<string>;
  readonly #addressBytes: KeyedRateLimiter<string>;

  constructor({ carriedEvents, arrivals, addressRoomKilobytes, addressKilobytes }: ServerConfig["limits"]) {
    this.#carried = new KeyedRateLimiter(carriedEvents, OWNERS_MAX);
    this.#arrivals = new KeyedRateLimiter(arrivals, OWNERS_MAX);
    this.#roomBytes = new KeyedRateLimiter(addressRoomKilobytes, OWNERS_MAX);
    this.#addressBytes = new KeyedRateLimiter(addressKilobytes, OWNERS_MAX);
  }

  /** Charges an event to its address. Returns 0, or the ms to wait; a refused event is charged nothing. */
  take({ room, address, origin, bytes }: EventCharge, nowMs: number): number {
    const inRoom = `${room} ${address}`, kilobytes = bytes / KILOBYTE;
    const lane = origin === "own" ? undefined : origin === "first" ? this.#arrivals : this.#carried;
    const cost = eventCost(bytes);
    const waitMs = Math.max(
      lane?.wait(inRoom, nowMs, cost) ?? 0,
      this.#roomBytes.wait(inRoom, nowMs, kilobytes),
      this.#addressBytes.wait(address, nowMs, kilobytes),
    );
    if (waitMs > 0) return waitMs;
    lane?.take(inRoom, nowMs, cost);
    this.#roomBytes.take(inRoom, nowMs, kilobytes);
    this.#addressBytes.take(address, nowMs, kilobytes);
    return 0;
  }
}
