/** Whether a new connection may join its room, and when those who may not should come back. */
import type { RoomId } from "../../protocol/event.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { Store } from "../../store/store.ts";
import type { RuntimeSettings } from "../admin/runtime_settings.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment } from "../environment.ts";
import type { FloodLog } from "../limits/flood_log.ts";
import { Places } from "../limits/places.ts";
import type { Overload } from "../limits/overload.ts";
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
  floods: Pick<FloodLog, "refused">;
  rooms: Pick<OpenRooms, "hasPlaceFor" | "open">;
  onFailure(error: StorageUnavailable): void;
}

/** A connection that may have to go for another one. */
export interface Arrival {
  end(reason: CloseReason, retryAfterMs?: number): void;
}

export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #returns: RetryScheduler;
  readonly #places: Places<Arrival>;
  #closing = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#returns = new RetryScheduler(deps.config.closing);
    this.#places = new Places(() => deps.config.limits);
  }

  /** Connections of this instance, those before their hello included. */
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

  /** A connection opens and counts until `left`. In memory: the database is not asked before a right hello. */
  arrive(arrival: Arrival, room: RoomId, { address, device }: Visitor): void {
    this.#places.arrive(arrival, address)?.end("overloaded", this.returnAfterMs());
    const { overload, settings } = this.#deps;
    if (this.#closing) arrival.end("going_away", this.returnAfterMs());
    else if (!overload.takesJoins) arrival.end("overloaded", this.returnAfterMs());
    else if (!isBase64UrlOf(room, 16)) arrival.end("no_such_room");
    else if (settings.bansDevice(device, room) !== undefined) arrival.end("banned");
  }

  /**
   * Decides on a connection with a right hello; `returns`: its client says that it was in the room before. Never rejects.
   */
  async admit(room: RoomId, visitor: Visitor, returns: boolean): Promise<JoinDecision> {
    // A refusal must charge nothing to an address that others share.
    if (!this.#places.mightSit(visitor.address, returns)) return this.#turnAway("overloaded");
    try {
      return await this.#decide(room, visitor);
    } catch (error) {
      if (error instanceof StorageUnavailable) this.#deps.onFailure(error);
      else this.#deps.environment.log(`admitting a connection failed: ${errorText(error)}`);
      return this.#turnAway("overloaded");
    }
  }

  /** Gives an admitted connection its place; `known`: its person has spoken in the room. False: there is none. */
  sit(arrival: Arrival, known: boolean): boolean {
    const { ok, displaced } = this.#places.sit(arrival, known);
    displaced?.end("overloaded", this.returnAfterMs());
    return ok;
  }

  /** The connection's person has spoken. */
  spoke(arrival: Arrival): void {
    this.#places.spoke(arrival);
  }

  /** A connection has ended. */
  left(arrival: Arrival): void {
    this.#places.leave(arrival);
  }

  async #decide(room: RoomId, { device, address }: Visitor): Promise<JoinDecision> {
    const { store, config, environment: { clock }, rooms, floods } = this.#deps;
    const now = clock.now();
    const { deviceConnections, addressConnections } = config.limits;
    const [deviceWaitMs, addressWaitMs] = await Promise.all([
      store.limits.take("connect device", device, deviceConnections, now),
      store.limits.take("connect address", address, addressConnections, now),
    ]);
    if (deviceWaitMs !== undefined || addressWaitMs !== undefined) {
      floods.refused("connections", address);
      const waitMs = Math.max(deviceWaitMs ?? 0, addressWaitMs ?? 0);
      // Thousands may share the address and get the same wait, so their returns are spread.
      const retryAfterMs = addressWaitMs === undefined ? waitMs : waitMs + this.returnAfterMs();
      return { ok: false, reason: "rate_limited", retryAfterMs };
    }
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
