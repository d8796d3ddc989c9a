/** The rooms that are open on this instance: opened for the first connection, closed some time after the last one. */
import type { Cancel } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { StoreLoad } from "../limits/overload.ts";
import { ServerStats } from "../stats/server_stats.ts";
import { Hub, type HubDeps } from "./hub.ts";

type OpenRoomsDeps = Omit<HubDeps, "onEmpty">;

interface OpenRoom {
  opening: Promise<Hub | undefined>;
  /** Once it is open. */
  hub?: Hub;
  cancelDrop?: Cancel;
}

export class OpenRooms {
  readonly #deps: OpenRoomsDeps;
  readonly #rooms = new Map<RoomId, OpenRoom>();
  /** Empty hubs that are removing their presence in the background. */
  readonly #leaving = new Set<Promise<void>>();
  /** The probes' room; its figures go to separate statistics that nobody reads. */
  #leftOut: RoomId | undefined;
  readonly #unseen: ServerStats;
  #closing = false;

  constructor(deps: OpenRoomsDeps) {
    this.#deps = deps;
    this.#unseen = new ServerStats(deps.stats.clock);
  }

  /** Open rooms, without those that are being opened. */
  *hubs(): Generator<Hub, void, void> {
    for (const { hub } of this.#rooms.values()) if (hub !== undefined) yield hub;
  }

  /** The room if it is open. */
  hub(room: RoomId): Hub | undefined {
    return this.#rooms.get(room)?.hub;
  }

  /** Whether this instance may open the room. */
  hasPlaceFor(room: RoomId): boolean {
    return this.#rooms.has(room) || this.#rooms.size < this.#deps.config.limits.openRooms;
  }

  /** Leaves the room of the probes out of all figures. */
  leaveOut(room: RoomId): void {
    this.#leftOut = room;
  }

  /** The number of rooms that the figures leave out; another instance may have created the probes' room. */
  async leftOutCount(): Promise<number> {
    this.#leftOut ??= await this.#deps.store.stats.probeRoom();
    return this.#leftOut === undefined ? 0 : 1;
  }

  /** The statistics that count a room's figures. */
  statsOf(room: RoomId): ServerStats {
    return room === this.#leftOut ? this.#unseen : this.#deps.stats;
  }

  counts(): { users: number; openRooms: number } {
    let users = 0;
    for (const hub of this.hubs()) if (hub.room.id !== this.#leftOut) users += hub.presence.here;
    const probing = this.#leftOut !== undefined && this.#rooms.has(this.#leftOut) ? 1 : 0;
    return { users, openRooms: this.#rooms.size - probing };
  }

  /** The fill of the fullest room's queue, and the wait in the slowest room. */
  storeLoad(): StoreLoad {
    let queueShare = 0, storeMs = 0;
    for (const { committer: { load } } of this.hubs()) {
      queueShare = Math.max(queueShare, load.queueShare);
      storeMs = Math.max(storeMs, load.storeMs);
    }
    return { queueShare, storeMs };
  }

  /** Opens the room unless it is open; undefined when there is no such room. Throws StorageUnavailable. */
  open(room: RoomId): Promise<Hub | undefined> {
    const open = this.#rooms.get(room);
    if (open !== undefined) {
      open.cancelDrop?.();
      delete open.cancelDrop;
      return open.opening;
    }
    const opening = Hub.open(room, {
      ...this.#deps,
      stats: this.statsOf(room),
      onEmpty: (hub) => this.#dropLater(hub),
    });
    const entry: OpenRoom = { opening };
    this.#rooms.set(room, entry);
    opening.then((hub) => {
      if (hub === undefined) this.#rooms.delete(room);
      else entry.hub = hub;
    }, () => this.#rooms.delete(room));
    return opening;
  }

  /** Keeps an empty room open for a while, for people who reload. */
  #dropLater(hub: Hub): void {
    const entry = this.#rooms.get(hub.room.id);
    if (entry === undefined || entry.hub !== hub) return;
    entry.cancelDrop?.();
    // Nobody returns to the probes' room; kept open it would only cost reads.
    if (hub.closed || hub.room.id === this.#leftOut) return this.#drop(hub);
    if (this.#closing) return;
    entry.cancelDrop = this.#deps.environment.timers.after(this.#deps.config.rooms.graceMs, () => {
      if (hub.unused) this.#drop(hub);
    });
  }

  #drop(hub: Hub): void {
    this.#rooms.delete(hub.room.id);
    const leaving = hub.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  /** From now on empty rooms are not scheduled to close. Resolves when no room is being opened any more. */
  async beginClosing(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled([...this.#rooms.values()].map(({ opening }) => opening));
  }

  /** Resolves when every accepted event has its answer. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.hubs(), (hub) => hub.committer.idle()));
  }

  /** Disconnects everybody; `returnAfterMs` gives each one's time to return. */
  sendAllAway(returnAfterMs: () => number): void {
    for (const hub of this.hubs()) {
      hub.flush();
      hub.sendAway(returnAfterMs);
    }
  }

  /** Closes all rooms; resolves when their presence is removed. */
  async close(): Promise<void> {
    const hubs = [...this.hubs()];
    for (const { cancelDrop } of this.#rooms.values()) cancelDrop?.();
    this.#rooms.clear();
    await Promise.all([...hubs.map((hub) => hub.close()), ...this.#leaving]);
  }
}
