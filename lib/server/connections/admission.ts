/** Whether a new connection may join its room, and when those who may not should come back. */
import type { RoomId } from "../../protocol/event.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { Store } from "../../store/store.ts";
import type { RuntimeSettings } from "../admin/runtime_settings.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment } from "../environment.ts";
import type { Overload } from "../limits/overload.ts";
import { Places } from "../limits/places.ts";
import { RetryScheduler } from "../limits/retry_scheduler.ts";
import { errorText } from "../logger.ts";
import type { Hub } from "../rooms/hub.ts";
import type { OpenRooms } from "../rooms/open_rooms.ts";
import type { Visitor } from "./connection.ts";

/** Whether a connection may join its room; the hub is held for it until `release`. */
export type JoinDecision =
  | { ok: true; hub: Hub }
  | { ok: false; reason: CloseReason; retryAfterMs?: number };

export interface AdmissionDeps {
  store: Pick<Store, "limits" | "rooms">;
  config: ServerConfig;
  environment: Environment;
  settings: Pick<RuntimeSettings, "bansDevice">;
  overload: Pick<Overload, "takesJoins">;
  rooms: Pick<OpenRooms, "hasPlaceFor" | "open">;
  onFailure(error: StorageUnavailable): void;
}

/** A connection as far as places need it. */
export interface Guest {
  end(reason: CloseReason, retryAfterMs?: number): void;
}

export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #returns: RetryScheduler;
  readonly #places: Places<Guest>;
  #closing = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#returns = new RetryScheduler(deps.config.closing);
    this.#places = new Places(deps.config.limits);
  }

  /** Connections of this instance, those that are being admitted included. */
  get connections(): number {
    return this.#places.size;
  }

  get isFull(): boolean {
    return this.#places.isFull || !this.#deps.overload.takesJoins;
  }

  /** From now on every connection is turned away as `going_away`. */
  close(): void {
    this.#closing = true;
  }

  /** When a client sent away now should come back, ms: each one at another time. */
  returnAfterMs(): number {
    const { clock, random } = this.#deps.environment;
    return this.#returns.next(clock.now(), random.fraction());
  }

  /** Counts a connection until `left`, and decides on it. Never rejects. */
  async admit(guest: Guest, room: RoomId, visitor: Visitor): Promise<JoinDecision> {
    this.#displace(this.#places.enter(guest, visitor.address));
    if (!this.#deps.overload.takesJoins) return this.#turnAway("overloaded");
    if (this.#closing) return this.#turnAway("going_away");
    try {
      return await this.#decide(room, visitor);
    } catch (error) {
      if (error instanceof StorageUnavailable) this.#deps.onFailure(error);
      else this.#deps.environment.log(`admitting a connection failed: ${errorText(error)}`);
      return this.#turnAway("overloaded");
    }
  }

  /** Gives a place to a connection whose hello was right, unless all are taken. `isKnown`: the room has events of the person. */
  takePlace(guest: Guest, isKnown: boolean): boolean {
    const seated = this.#places.sit(guest, isKnown);
    if (seated.ok) this.#displace(seated.displaced);
    return seated.ok;
  }

  /** The person has said something. */
  spoke(guest: Guest): void {
    this.#places.spoke(guest);
  }

  /** A connection has ended. */
  left(guest: Guest): void {
    this.#places.leave(guest);
  }

  #displace(guest: Guest | undefined): void {
    guest?.end("overloaded", this.returnAfterMs());
  }

  async #decide(room: RoomId, { device, address }: Visitor): Promise<JoinDecision> {
    const { store, config, environment: { clock }, rooms, settings } = this.#deps;
    const now = clock.now();
    const { deviceConnections, addressConnections } = config.limits;
    const [deviceWaitMs, addressWaitMs] = await Promise.all([
      store.limits.take("connect device", device, deviceConnections, now),
      store.limits.take("connect address", address, addressConnections, now),
    ]);
    if (deviceWaitMs !== undefined || addressWaitMs !== undefined) {
      const waitMs = Math.max(deviceWaitMs ?? 0, addressWaitMs ?? 0);
      // Thousands may share the address and get the same wait, so their returns are spread.
      const retryAfterMs = addressWaitMs === undefined ? waitMs : waitMs + this.returnAfterMs();
      return { ok: false, reason: "rate_limited", retryAfterMs };
    }
    if (!isBase64UrlOf(room, 16)) return { ok: false, reason: "no_such_room" };
    if (settings.bansDevice(device, room) !== undefined) return { ok: false, reason: "banned" };
    if (!rooms.hasPlaceFor(room)) return this.#turnAway("overloaded");
    const hub = await rooms.open(room);
    if (this.#closing) return this.#turnAway("going_away");
    if (hub === undefined) {
      return { ok: false, reason: await store.rooms.wasDeleted(room) ? "room_deleted" : "no_such_room" };
    }
    hub.hold();
    return { ok: true, hub };
  }

  #turnAway(reason: "overloaded" | "going_away"): JoinDecision {
    return { ok: false, reason, retryAfterMs: this.returnAfterMs() };
  }
}
