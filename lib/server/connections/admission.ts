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

export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #returns: RetryScheduler;
  #connections = 0;
  #closing = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#returns = new RetryScheduler(deps.config.closing);
  }

  /** Connections of this instance, those that are being admitted included. */
  get connections(): number {
    return this.#connections;
  }

  get isFull(): boolean {
    return this.#connections >= this.#deps.config.limits.connections || !this.#deps.overload.takesJoins;
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
  async admit(room: RoomId, visitor: Visitor): Promise<JoinDecision> {
    const { isFull } = this;
    this.#connections++;
    if (isFull) return this.#turnAway("overloaded");
    if (this.#closing) return this.#turnAway("going_away");
    try {
      return await this.#decide(room, visitor);
    } catch (error) {
      if (error instanceof StorageUnavailable) this.#deps.onFailure(error);
      else this.#deps.environment.log(`admitting a connection failed: ${errorText(error)}`);
      return this.#turnAway("overloaded");
    }
  }

  /** A connection has ended. */
  left(): void {
    this.#connections--;
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
      // Thousands may share the address and get the same wait: they are told to come one after the other.
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
