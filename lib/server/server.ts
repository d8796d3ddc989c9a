/** The chat server, without HTTP: rooms, connections, and what keeps them going. One per process. */
import { type Cancel, pause } from "../shared/environment.ts";
import type { WireEvent } from "../protocol/event.ts";
import { isBase64UrlOf, toBase64Url } from "../shared/base64url.ts";
import type { RoomId } from "../protocol/event.ts";
import type { RoomInfo } from "../protocol/frames.ts";
import type { Verifier } from "../crypto/signing.ts";
import { StorageUnavailable } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { publicKeyOf } from "./admin/operator_key.ts";
import { Broadcasts } from "./admin/broadcasts.ts";
import type { ServerConfig } from "./config/server_config.ts";
import { ChangeFeed } from "./rooms/change_feed.ts";
import { type HealthAnswer, HealthCheck } from "./stats/health.ts";
import { Hub } from "./rooms/hub.ts";
import type { LoadMeter } from "./limits/load_meter.ts";
import { errorText } from "./logger.ts";
import { Overload } from "./limits/overload.ts";
import { RetryScheduler } from "./limits/retry_scheduler.ts";
import { type CodeAnswer, type ListedRoomCount, type RoomAnswer, Rooms, type SuggestedEntry } from "./rooms/rooms.ts";
import { type ClientConnection, ClientSession, type JoinDecision } from "./connections/client_session.ts";
import { Signaling } from "./rooms/signaling.ts";
import { RuntimeSettings } from "./admin/runtime_settings.ts";
import { ServerStats } from "./stats/server_stats.ts";
import { Sweep } from "./rooms/sweep.ts";
import { type Environment } from "./environment.ts";

export interface ServerDeps extends Environment {
  store: Store;
  config: ServerConfig;
  verifier: Verifier;
  /** Measures this process. Absent: nothing is ever refused for load. */
  meter?: Pick<LoadMeter, "measure">;
  /** Unlike any other instance's name, also that of an earlier run. Default: random. */
  instance?: string;
  /** Where to count. Default: its own. */
  stats?: ServerStats;
}

/** Who asks, as far as limits need to know: the device's cookie and the network address. */
export interface Visitor {
  device: string;
  address: string;
}

/** What the transport tells of one connection. */
export interface ConnectionHandle {
  /** Something arrived: text, or whatever else a client may send. */
  receive(data: unknown): void;
  /** The client is gone. */
  closed(): void;
}

export interface CloseOptions {
  graceMs?: number;
  goodbyesFirst?: boolean;
}

export interface ChatServer {
  readonly instance: string;
  readonly config: ServerConfig;
  readonly stats: ServerStats;
  /** Makes the room of this founding event. The same one again returns the same room. */
  createRoom(founding: WireEvent, visitor: Visitor): Promise<RoomAnswer>;
  /** Finds a room by a code as somebody typed it. */
  findRoomByCode(typed: string, visitor: Visitor): Promise<CodeAnswer>;
  roomById(room: RoomId): Promise<RoomInfo | undefined>;
  /** Listed rooms, newest activity first, with the people in them now. */
  listedRooms(): Promise<readonly ListedRoomCount[]>;
  /** Rooms that operators suggest, with the people in them now. */
  suggestedRooms(): Promise<readonly SuggestedEntry[]>;
  /** What the operator says to everybody, as signed. */
  broadcasts(): Promise<readonly WireEvent[]>;
  /** What operators set, as it holds here. */
  readonly settings: RuntimeSettings;
  /** An operator changed the room's log or removed it: this instance looks now, others by their channel. */
  roomChanged(room: RoomId): Promise<void>;
  /** Takes a new connection to a room. Everything else, refusals too, happens in frames. */
  connect(room: RoomId, connection: ClientConnection, visitor: Visitor): ConnectionHandle;
  /** On this instance now. */
  counts(): { users: number; connections: number; openRooms: number };
  /** What is open here: for developers. */
  openRooms(): { room: RoomInfo; people: number; connections: number; head: number }[];
  /** Leaves a room out of all figures: that of the instance's own probes. */
  leaveOut(room: RoomId): void;
  health(): Promise<HealthAnswer>;
  /** Whether new visitors should come here. */
  ready(): Promise<boolean>;
  /**
   * Sends everybody away, finishes what was taken, and leaves nothing running. The store stays open. `goodbyesFirst`: they
   * are said before this returns, and acks of what is being stored are left out: clients send that again and are acked then.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** Starts a server. It runs until `close`. */
export function createServer(deps: ServerDeps): ChatServer {
  return new RunningServer(deps);
}

class RunningServer implements ChatServer {
  readonly instance: string;
  readonly config: ServerConfig;
  readonly stats: ServerStats;
  readonly #deps: ServerDeps;
  readonly #rooms: Rooms;
  readonly #health: HealthCheck;
  readonly #feed: ChangeFeed;
  readonly #sweep: Sweep;
  readonly #signaling: Signaling;
  readonly settings: RuntimeSettings;
  readonly #overload: Overload;
  readonly #broadcasts: Broadcasts;
  /** Open rooms, and rooms that are being opened. */
  readonly #hubs = new Map<RoomId, { opening: Promise<Hub | undefined>; hub?: Hub; cancelDrop?: Cancel }>();
  /** Hubs that tell the other instances, in the background, that they are empty. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #returns: RetryScheduler;
  #connections = 0;
  /** The room of the probes, and where is counted what nobody shall see. */
  #leftOut: RoomId | undefined;
  readonly #unseen: ServerStats;
  #closing: Promise<void> | undefined;

  constructor(deps: ServerDeps) {
    // Its own copy: operators change it while it runs.
    this.#deps = { ...deps, config: structuredClone(deps.config) };
    const { store, config, clock, timers, random, log } = this.#deps;
    this.config = config;
    this.stats = deps.stats ?? new ServerStats();
    this.#unseen = new ServerStats(this.stats.clock);
    this.instance = deps.instance ?? toBase64Url(random.bytes(8));
    const environment: Environment = { clock, timers, random, log };
    this.#returns = new RetryScheduler(config.closing);
    const onFailure = (error: StorageUnavailable) => this.#health.storageFailed(error);
    this.#rooms = new Rooms({ store, config, clock, verifier: deps.verifier });
    this.#health = new HealthCheck({
      store,
      config,
      clock,
      timers,
      log,
      counts: () => this.counts(),
      load: () => this.#overload.load,
      uncountedRooms: async () => {
        // Another instance may have made it.
        this.#leftOut ??= await store.stats.probeRoom();
        return this.#leftOut === undefined ? 0 : 1;
      },
    });
    this.#sweep = new Sweep({ store, config, environment, instance: this.instance, onFailure });
    const { meter } = deps;
    this.#overload = new Overload({
      config: config.overload,
      environment,
      ...(meter && {
        measure: (delays) => {
          let queueShare = 0, storeMs = 0;
          for (const { storeLoad } of this.#openHubs()) {
            queueShare = Math.max(queueShare, storeLoad.queueShare);
            storeMs = Math.max(storeMs, storeLoad.storeMs);
          }
          return meter.measure(delays, { queueShare, storeMs });
        },
      }),
    });
    this.#signaling = new Signaling({
      mailboxes: store.mailboxes,
      config: config.signaling,
      clock,
      instance: this.instance,
      hubOf: (room) => this.#hubs.get(room)?.hub,
      onFailure,
    });
    this.settings = new RuntimeSettings({
      store,
      config,
      environment,
      onNotices: () => this.#tellNotices(),
      onBans: () => this.#sendBannedAway(),
      onFailure,
    });
    const { operatorKey } = config.admin;
    this.#broadcasts = new Broadcasts({
      notices: () => this.settings.notices,
      operator: operatorKey === undefined ? undefined : publicKeyOf(operatorKey),
      verifier: deps.verifier,
    });
    this.#feed = new ChangeFeed({
      store,
      config: config.feed,
      environment,
      openHubs: () => this.#openHubs(),
      onFailure,
    });
  }

  async createRoom(founding: WireEvent, visitor: Visitor): Promise<RoomAnswer> {
    // Who comes back has a room.
    if (!this.#overload.takesNewcomers) return { problem: "overloaded", retryAfterMs: this.#returnAfterMs() };
    return await this.#rooms.create(founding, visitor);
  }

  findRoomByCode(typed: string, visitor: Visitor): Promise<CodeAnswer> {
    return this.#rooms.findByCode(typed, visitor, this.#overload.takesNewcomers);
  }

  roomById(room: RoomId): Promise<RoomInfo | undefined> {
    return isBase64UrlOf(room, 16) ? this.#deps.store.rooms.byId(room) : Promise.resolve(undefined);
  }

  listedRooms(): Promise<readonly ListedRoomCount[]> {
    return this.#rooms.listed();
  }

  connect(room: RoomId, connection: ClientConnection, visitor: Visitor): ConnectionHandle {
    const { config, clock, timers, random, log, verifier } = this.#deps;
    const full = this.#connections >= config.limits.connections || !this.#overload.takesJoins;
    this.#connections++;
    const admission = full || this.#closing !== undefined
      ? Promise.resolve<JoinDecision>(this.#turnAway(full ? "overloaded" : "going_away"))
      : this.#admit(room, visitor).catch((error): JoinDecision => {
        if (error instanceof StorageUnavailable) this.#health.storageFailed(error);
        else log(`admitting a connection failed: ${errorText(error)}`);
        return this.#turnAway("overloaded");
      });
    return new ClientSession({
      room,
      connection,
      admission,
      verifier,
      config,
      environment: { clock, timers, random, log },
      signaling: this.#signaling,
      settings: this.settings,
      device: visitor.device,
      overload: this.#overload,
      stats: this.#statsOf(room),
      returnAfterMs: () => this.#returnAfterMs(),
      onClosed: () => void this.#connections--,
      onFailure: (error) => this.#health.storageFailed(error),
    });
  }

  counts(): { users: number; connections: number; openRooms: number } {
    let users = 0;
    for (const hub of this.#openHubs()) if (hub.room.id !== this.#leftOut) users += hub.presence.here;
    const probing = this.#leftOut !== undefined && this.#hubs.has(this.#leftOut) ? 1 : 0;
    return { users, connections: this.#connections, openRooms: this.#hubs.size - probing };
  }

  openRooms(): { room: RoomInfo; people: number; connections: number; head: number }[] {
    return Array.from(this.#openHubs(), ({ room, presence, connections, newest }) => {
      return { room, people: presence.count, connections, head: newest };
    });
  }

  leaveOut(room: RoomId): void {
    this.#leftOut = room;
  }

  #statsOf(room: RoomId): ServerStats {
    return room === this.#leftOut ? this.#unseen : this.stats;
  }

  health(): Promise<HealthAnswer> {
    return this.#health.answer(this.#closing !== undefined);
  }

  async ready(): Promise<boolean> {
    const full = this.#connections >= this.config.limits.connections;
    return this.#closing === undefined && !full && this.#overload.takesJoins &&
      (await this.#health.answer(false)).status !== "down";
  }

  close({ graceMs = this.config.closing.graceMs, goodbyesFirst = false }: CloseOptions = {}): Promise<void> {
    if (goodbyesFirst && this.#closing === undefined) this.#sendAllAway();
    return this.#closing ??= this.#close(graceMs);
  }

  suggestedRooms(): Promise<readonly SuggestedEntry[]> {
    return this.#rooms.suggested(this.settings.suggested);
  }

  broadcasts(): Promise<readonly WireEvent[]> {
    return this.#broadcasts.wires();
  }

  async roomChanged(room: RoomId): Promise<void> {
    await this.#hubs.get(room)?.hub?.refresh();
    this.#rooms.forgetListed();
  }

  // ---- what operators set ----

  #tellNotices(): void {
    const text = this.settings.noticesFrame ?? JSON.stringify({ type: "notices", notices: [] });
    for (const hub of this.#openHubs()) hub.tell(text);
  }

  #sendBannedAway(): void {
    for (const hub of this.#openHubs()) {
      for (const member of hub.members()) member.enforceBan();
    }
  }

  // ---- connections ----

  async #admit(room: RoomId, { device, address }: Visitor): Promise<JoinDecision> {
    const { store, config, clock } = this.#deps;
    const now = clock.now();
    const { deviceConnections, addressConnections } = config.limits;
    const [deviceWaitMs, addressWaitMs] = await Promise.all([
      store.limits.take("connect device", device, deviceConnections, now),
      store.limits.take("connect address", address, addressConnections, now),
    ]);
    if (deviceWaitMs !== undefined || addressWaitMs !== undefined) {
      const waitMs = Math.max(deviceWaitMs ?? 0, addressWaitMs ?? 0);
      // Thousands may share the address, and all of them would be told the same wait: they come one after the other.
      const retryAfterMs = addressWaitMs === undefined ? waitMs : waitMs + this.#returnAfterMs();
      return { ok: false, reason: "rate_limited", retryAfterMs };
    }
    if (!isBase64UrlOf(room, 16)) return { ok: false, reason: "no_such_room" };
    if (this.settings.bansDevice(device, room) !== undefined) return { ok: false, reason: "banned" };
    if (!this.#hubs.has(room) && this.#hubs.size >= config.limits.openRooms) return this.#turnAway("overloaded");
    const hub = await this.#hubOf(room);
    if (this.#closing !== undefined) return this.#turnAway("going_away");
    if (hub === undefined) {
      return { ok: false, reason: await store.rooms.wasDeleted(room) ? "room_deleted" : "no_such_room" };
    }
    hub.hold();
    return { ok: true, hub };
  }

  #turnAway(reason: "overloaded" | "going_away"): JoinDecision {
    return { ok: false, reason, retryAfterMs: this.#returnAfterMs() };
  }

  #returnAfterMs(): number {
    const { clock, random } = this.#deps;
    return this.#returns.next(clock.now(), random.fraction());
  }

  // ---- open rooms ----

  *#openHubs(): Iterable<Hub> {
    for (const { hub } of this.#hubs.values()) if (hub !== undefined) yield hub;
  }

  #hubOf(room: RoomId): Promise<Hub | undefined> {
    const open = this.#hubs.get(room);
    if (open !== undefined) {
      open.cancelDrop?.();
      open.cancelDrop = undefined;
      return open.opening;
    }
    const { store, config, clock, timers, random, log } = this.#deps;
    const opening = Hub.open(room, {
      store,
      config,
      environment: { clock, timers, random, log },
      stats: this.#statsOf(room),
      instance: this.instance,
      onEmpty: (hub) => this.#dropLater(hub),
      onFailure: (error) => this.#health.storageFailed(error),
      onOverfull: (id) => this.#sweep.trimSoon(id),
    });
    const entry: { opening: Promise<Hub | undefined>; hub?: Hub } = { opening };
    this.#hubs.set(room, entry);
    opening.then((hub) => {
      if (hub === undefined) this.#hubs.delete(room);
      else entry.hub = hub;
    }, () => this.#hubs.delete(room));
    return opening;
  }

  /** An empty room stays for a while: people who reload come back. */
  #dropLater(hub: Hub): void {
    const entry = this.#hubs.get(hub.room.id);
    if (entry === undefined || entry.hub !== hub) return;
    entry.cancelDrop?.();
    // Nobody comes back to a probe's room within a moment: kept open it would only be looked at.
    if (hub.closed || hub.room.id === this.#leftOut) return this.#drop(hub);
    if (this.#closing !== undefined) return;
    entry.cancelDrop = this.#deps.timers.after(this.config.rooms.graceMs, () => {
      if (hub.unused) this.#drop(hub);
    });
  }

  #drop(hub: Hub): void {
    this.#hubs.delete(hub.room.id);
    const leaving = hub.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  // ---- the end ----

  #sendAllAway(): void {
    for (const hub of this.#openHubs()) {
      hub.flush();
      hub.sendAway(() => this.#returnAfterMs());
    }
  }

  async #close(graceMs: number): Promise<void> {
    const { timers } = this.#deps;
    let cancelGrace: Cancel | undefined;
    const graceIsOver = new Promise<void>((resolve) => cancelGrace = timers.after(graceMs, resolve));
    const sweeping = this.#sweep.close();
    this.#overload.close();
    await Promise.allSettled([...this.#hubs.values()].map(({ opening }) => opening));
    const hubs = [...this.#openHubs()];
    // Acks first: what was stored should not be sent again by everybody a second later.
    await Promise.race([graceIsOver, Promise.all(hubs.map((hub) => hub.settled()))]);
    this.#sendAllAway();
    for (const { cancelDrop } of this.#hubs.values()) cancelDrop?.();
    this.#hubs.clear();
    await Promise.race([
      graceIsOver,
      Promise.all([
        ...hubs.map((hub) => hub.close()),
        ...this.#leaving,
        this.#feed.close(),
        this.#signaling.close(),
        this.settings.close(),
        sweeping,
      ]),
    ]);
    cancelGrace?.();
    // A turn of the event loop, in which goodbyes reach the sockets.
    await pause(timers, 0);
  }
}
