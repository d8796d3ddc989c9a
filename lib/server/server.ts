/** The chat server, without HTTP: rooms, connections, and what keeps them going. One per process. */
import { type Cancel, type Clock, pause } from "../shared/environment.ts";
import type { RoomId, WireEvent } from "../protocol/event.ts";
import { isBase64UrlOf, toBase64Url } from "../shared/base64url.ts";
import type { RoomInfo } from "../protocol/frames.ts";
import type { Verifier } from "../crypto/signing.ts";
import type { StorageUnavailable } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { Broadcasts } from "./admin/broadcasts.ts";
import { publicKeyOf } from "./admin/operator_key.ts";
import { RuntimeSettings } from "./admin/runtime_settings.ts";
import type { ServerConfig } from "./config/server_config.ts";
import { Admission } from "./connections/admission.ts";
import { ClientSession } from "./connections/client_session.ts";
import type { ClientConnection, ConnectionHandle, Visitor } from "./connections/connection.ts";
import type { Environment } from "./environment.ts";
import type { LoadMeter } from "./limits/load_meter.ts";
import { Overload } from "./limits/overload.ts";
import { ChangeFeed } from "./rooms/change_feed.ts";
import { OpenRooms } from "./rooms/open_rooms.ts";
import { type CodeAnswer, type ListedRoomCount, type RoomAnswer, Rooms, type SuggestedEntry } from "./rooms/rooms.ts";
import { Signaling } from "./rooms/signaling.ts";
import { Sweep } from "./rooms/sweep.ts";
import { TimeKeeper } from "./rooms/time_keeper.ts";
import { type HealthAnswer, HealthCheck, type UpkeepProblems } from "./stats/health.ts";
import { ServerStats } from "./stats/server_stats.ts";
import type { DiskMeasure } from "./upkeep/disk_space.ts";

/** Most that one sweep counts as running time: with `retention.heldMs` of 25 hours, aged events are at least 24 hours old. */
const COUNTED_AT_ONCE_MS = 3_600_000;

export interface ServerDeps extends Environment {
  /** A clock that never jumps, ms; from any moment on. */
  steady: Clock;
  store: Store;
  config: ServerConfig;
  verifier: Verifier;
  /** Measures this process. Absent: nothing is ever refused for load. */
  meter?: Pick<LoadMeter, "measure">;
  /** Unlike any other instance's name, also that of an earlier run. Default: random. */
  instance?: string;
  /** The disk of the embedded database, as measured last. */
  disk?: () => DiskMeasure | undefined;
  /** Why nothing can be stored, and what else operators have to know. */
  upkeepProblems?: () => UpkeepProblems;
  /** Where to count. Default: its own. */
  stats?: ServerStats;
}

export interface CloseOptions {
  graceMs?: number;
  goodbyesFirst?: boolean;
}

/** Runs from its construction until `close`. */
export class ChatServer {
  readonly instance: string;
  readonly config: ServerConfig;
  readonly stats: ServerStats;
  /** The disk of the embedded database, as measured last; undefined where that is unknown. */
  readonly disk: () => DiskMeasure | undefined;
  /** The operators' settings, as this instance applies them. */
  readonly settings: RuntimeSettings;
  readonly #store: Store;
  readonly #verifier: Verifier;
  readonly #environment: Environment;
  readonly #rooms: Rooms;
  readonly #open: OpenRooms;
  readonly #admission: Admission;
  readonly #health: HealthCheck;
  readonly #feed: ChangeFeed;
  readonly #sweep: Sweep;
  readonly #time: TimeKeeper;
  readonly #signaling: Signaling;
  readonly #overload: Overload;
  readonly #broadcasts: Broadcasts;
  #closing: Promise<void> | undefined;

  constructor({ store, verifier, meter, clock, steady, timers, random, log, ...deps }: ServerDeps) {
    // A copy of its own: operators change it at run time.
    const config = this.config = structuredClone(deps.config);
    this.disk = deps.disk ?? (() => undefined);
    const stats = this.stats = deps.stats ?? new ServerStats();
    const instance = this.instance = deps.instance ?? toBase64Url(random.bytes(8));
    const environment = this.#environment = { clock, timers, random, log };
    this.#store = store;
    this.#verifier = verifier;
    const onFailure = (error: StorageUnavailable) => this.#health.storageFailed(error);
    this.#rooms = new Rooms({ store, config, clock, verifier });
    const time = this.#time = new TimeKeeper({ store: store.time, clock, steady, log, stepMs: COUNTED_AT_ONCE_MS });
    this.#sweep = new Sweep({ store, config, environment, time, instance, onFailure });
    const open = this.#open = new OpenRooms({
      store,
      config,
      environment,
      instance,
      stats,
      onFailure,
      onOverfull: (room) => this.#sweep.trimSoon(room),
    });
    const overload = this.#overload = new Overload({
      config: config.overload,
      environment,
      ...meter && { measure: (delays) => meter.measure(delays, open.storeLoad()) },
    });
    this.#health = new HealthCheck({
      store,
      config,
      clock,
      timers,
      log,
      counts: () => this.counts(),
      load: () => overload.load,
      clockProblem: () => time.problem,
      disk: this.disk,
      ...deps.upkeepProblems && { upkeepProblems: deps.upkeepProblems },
      uncountedRooms: () => open.leftOutCount(),
    });
    this.#signaling = new Signaling({
      mailboxes: store.mailboxes,
      config: config.signaling,
      clock,
      instance,
      hubOf: (room) => open.hub(room),
      onFailure,
    });
    this.settings = new RuntimeSettings({
      store,
      config,
      environment,
      onNotices: () => this.#tellNotices(),
      onBans: () => this.#enforceBans(),
      onFailure,
    });
    this.#admission = new Admission({
      store,
      config,
      environment,
      settings: this.settings,
      overload,
      rooms: open,
      onFailure,
    });
    const { operatorKey } = config.admin;
    this.#broadcasts = new Broadcasts({
      notices: () => this.settings.notices,
      operator: operatorKey === undefined ? undefined : publicKeyOf(operatorKey),
      verifier,
    });
    this.#feed = new ChangeFeed({ store, config: config.feed, environment, openHubs: () => open.hubs(), onFailure });
  }

  /** Makes the room of this genesis event. The same one again returns the same room. */
  async createRoom(genesis: WireEvent, visitor: Visitor): Promise<RoomAnswer> {
    // Returning users already have a room, so only newcomers are refused.
    if (!this.#overload.takesNewcomers) {
      return { problem: "overloaded", retryAfterMs: this.#admission.returnAfterMs() };
    }
    return await this.#rooms.create(genesis, visitor);
  }

  /** Finds a room by a code as somebody typed it. */
  findRoomByCode(typed: string, visitor: Visitor): Promise<CodeAnswer> {
    return this.#rooms.findByCode(typed, visitor, this.#overload.takesNewcomers);
  }

  roomById(room: RoomId): Promise<RoomInfo | undefined> {
    return isBase64UrlOf(room, 16) ? this.#store.rooms.byId(room) : Promise.resolve(undefined);
  }

  /** Listed rooms, newest activity first, with the people in them now. */
  listedRooms(): Promise<readonly ListedRoomCount[]> {
    return this.#rooms.listed();
  }

  /** Rooms that operators suggest, with the people in them now. */
  suggestedRooms(): Promise<readonly SuggestedEntry[]> {
    return this.#rooms.suggested(this.settings.suggested);
  }

  /** The operator's notices to everybody, as signed. */
  broadcasts(): Promise<readonly WireEvent[]> {
    return this.#broadcasts.wires();
  }

  /** An operator changed the room's log or removed it: this instance reads it now, others by their channel. */
  async roomChanged(room: RoomId): Promise<void> {
    await this.#open.hub(room)?.refresh();
    this.#rooms.forgetListed();
  }

  /** Takes a new connection to a room. Everything else, refusals too, happens in frames. */
  connect(room: RoomId, connection: ClientConnection, visitor: Visitor): ConnectionHandle {
    return new ClientSession({
      room,
      connection,
      admission: this.#admission.admit(room, visitor),
      verifier: this.#verifier,
      config: this.config,
      environment: this.#environment,
      signaling: this.#signaling,
      settings: this.settings,
      device: visitor.device,
      overload: this.#overload,
      stats: this.#open.statsOf(room),
      returnAfterMs: () => this.#admission.returnAfterMs(),
      onDeviceTime: (atMs) => this.#time.hear(visitor.device, atMs),
      onClosed: () => this.#admission.left(),
      onFailure: (error) => this.#health.storageFailed(error),
    });
  }

  /** On this instance now. */
  counts(): { users: number; connections: number; openRooms: number } {
    return { ...this.#open.counts(), connections: this.#admission.connections };
  }

  /** The rooms that are open here: for developers. */
  openRooms(): { room: RoomInfo; people: number; connections: number; head: number }[] {
    return Array.from(this.#open.hubs(), ({ room, presence, connections, newest }) => {
      return { room, people: presence.count, connections, head: newest };
    });
  }

  /** Leaves a room out of all figures: that of the instance's own probes. */
  leaveOut(room: RoomId): void {
    this.#open.leaveOut(room);
  }

  health(): Promise<HealthAnswer> {
    return this.#health.answer(this.#closing !== undefined);
  }

  /** Whether new visitors should come here; why not, in the words of /health. */
  async ready(): Promise<{ ready: boolean; reasons: string[] }> {
    const { status, reasons } = await this.health();
    if (status !== "down" && !this.#admission.isFull) return { ready: true, reasons: [] };
    return { ready: false, reasons };
  }

  /**
   * Sends everybody away, finishes the work it took, and leaves nothing running. The store stays open. `goodbyesFirst`:
   * goodbyes go out before this returns, without waiting for acks; clients send those events again and are acked then.
   */
  close({ graceMs = this.config.closing.graceMs, goodbyesFirst = false }: CloseOptions = {}): Promise<void> {
    if (goodbyesFirst && this.#closing === undefined) this.#sendAllAway();
    return this.#closing ??= this.#close(graceMs);
  }

  #tellNotices(): void {
    const text = this.settings.noticesFrame ?? JSON.stringify({ type: "notices", notices: [] });
    for (const hub of this.#open.hubs()) hub.tell(text);
  }

  #enforceBans(): void {
    for (const hub of this.#open.hubs()) {
      for (const member of hub.members()) member.enforceBan();
    }
  }

  #sendAllAway(): void {
    this.#open.sendAllAway(() => this.#admission.returnAfterMs());
  }

  async #close(graceMs: number): Promise<void> {
    const { timers } = this.#environment;
    let cancelGrace: Cancel | undefined;
    const graceIsOver = new Promise<void>((resolve) => cancelGrace = timers.after(graceMs, resolve));
    this.#admission.close();
    const sweeping = this.#sweep.close();
    this.#overload.close();
    await this.#open.beginClosing();
    // Acks first, so that clients do not all send stored events again a second later.
    await Promise.race([graceIsOver, this.#open.settled()]);
    this.#sendAllAway();
    await Promise.race([
      graceIsOver,
      Promise.all([this.#open.close(), this.#feed.close(), this.#signaling.close(), this.settings.close(), sweeping]),
    ]);
    cancelGrace?.();
    // A turn of the event loop, in which goodbyes reach the sockets.
    await pause(timers, 0);
  }
}
