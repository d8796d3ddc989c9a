/** The chat server, without HTTP: rooms, connections, and what keeps them going. One per process. */
import { type Cancel, type Clock, pause } from "../shared/environment.ts";
import type { RoomId, WireEvent } from "../protocol/event.ts";
import { isBase64UrlOf, toBase64Url } from "../shared/base64url.ts";
import type { RoomInfo } from "../protocol/frames.ts";
import type { Verifier } from "../crypto/signing.ts";
import type { Store } from "../store/store.ts";
import { RuntimeSettings } from "./admin/runtime_settings.ts";
import type { ServerConfig } from "./config/server_config.ts";
import { Admission } from "./connections/admission.ts";
import { ClientSession } from "./connections/client_session.ts";
import type { ClientConnection, ConnectionHandle, Visitor } from "./connections/connection.ts";
import { type ProcessMemory, SocketWatch } from "./connections/socket_watch.ts";
import { type Environment, onStorageFailure } from "./environment.ts";
import type { LoadMeter } from "./limits/load_meter.ts";
import { FloodLog } from "./limits/flood_log.ts";
import { EventBudgets } from "./limits/event_budgets.ts";
import { Overload } from "./limits/overload.ts";
import { ChangeFeed } from "./rooms/change_feed.ts";
import type { HubDeps } from "./rooms/hub.ts";
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
  /** Measures this process's memory. Absent: no client is asked for a sign of life. */
  memory?(): ProcessMemory;
  /** Unlike any other instance's name, also that of an earlier run. Default: random. */
  instance?: string;
  /** The disk of the embedded database, as measured last. */
  disk?: () => DiskMeasure | undefined;
  /** Why nothing can be stored, and what else operators have to know. */
  upkeepProblems?: () => UpkeepProblems;
  /** Where to count. Default: its own. */
  stats?: ServerStats;
}

/** Runs from its construction until `close`. */
export class ChatServer {
  readonly instance: string;
  readonly config: ServerConfig;
  readonly stats: ServerStats;
  /** The disk of the embedded database, as measured last; undefined where that is unknown. */
  readonly disk: () => DiskMeasure | undefined;
  /** Its WebSockets as far as they hold memory. */
  readonly sockets: SocketWatch;
  /** The operators' settings, as this instance applies them. */
  readonly settings: RuntimeSettings;
  /** All that several parts of the server need. */
  readonly #parts: Omit<HubDeps, "onEmpty" | "onOverfull"> & Pick<ServerDeps, "verifier">;
  readonly #rooms: Rooms;
  readonly #open: OpenRooms;
  readonly #admission: Admission;
  readonly #health: HealthCheck;
  readonly #feed: ChangeFeed;
  readonly #sweep: Sweep;
  readonly #time: TimeKeeper;
  readonly #signaling: Signaling;
  readonly #overload: Overload;
  readonly #budgets: EventBudgets;
  readonly #floods: FloodLog;
  #closing: Promise<void> | undefined;

  constructor({ store, verifier, meter, memory, clock, steady, timers, random, log, ...deps }: ServerDeps) {
    // A copy of its own: operators change it at run time.
    const config = this.config = structuredClone(deps.config);
    this.disk = deps.disk ?? (() => undefined);
    const stats = this.stats = deps.stats ?? new ServerStats();
    const instance = this.instance = deps.instance ?? toBase64Url(random.bytes(8));
    const environment = { clock, timers, random, log };
    const onFailure = onStorageFailure((error) => this.#health.storageFailed(error));
    const parts = this.#parts = { store, config, environment, instance, stats, verifier, onFailure };
    const floods = this.#floods = new FloodLog(environment);
    this.#rooms = new Rooms({ ...parts, clock, floods });
    this.#budgets = new EventBudgets(config.limits);
    const time = this.#time = new TimeKeeper({ store: store.time, clock, steady, log, stepMs: COUNTED_AT_ONCE_MS });
    this.#sweep = new Sweep({ ...parts, time });
    const open = this.#open = new OpenRooms({ ...parts, onOverfull: (room) => this.#sweep.trimSoon(room) });
    const overload = this.#overload = new Overload({
      config: config.overload,
      environment,
      ...meter && { measure: (delays) => meter.measure(delays, open.storeLoad()) },
    });
    this.sockets = new SocketWatch({
      settings: config.memory,
      memoryBytes: config.overload.memoryBytes,
      steady,
      timers,
      log,
      ...memory && { memory },
    });
    this.#health = new HealthCheck({
      ...parts,
      ...environment,
      counts: () => this.counts(),
      load: () => overload.load,
      clockProblem: () => time.problem,
      disk: this.disk,
      ...deps.upkeepProblems && { upkeepProblems: deps.upkeepProblems },
      uncountedRooms: () => open.leftOutCount(),
    });
    this.#signaling = new Signaling({ ...parts, hubOf: (room) => open.hub(room) });
    const settings = this.settings = new RuntimeSettings({
      ...parts,
      onNotices: () => this.#tellNotices(),
      onBans: () => this.#enforceBans(),
    });
    this.#admission = new Admission({ ...parts, floods, settings, overload, rooms: open });
    this.#feed = new ChangeFeed({ ...parts, openHubs: () => open.hubs() });
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
    return isBase64UrlOf(room, 16) ? this.#parts.store.rooms.byId(room) : Promise.resolve(undefined);
  }

  /** Listed rooms, newest activity first, with the people in them now. */
  listedRooms(): Promise<readonly ListedRoomCount[]> {
    return this.#rooms.listed();
  }

  /** Rooms that operators suggest, with the people in them now. */
  suggestedRooms(): Promise<readonly SuggestedEntry[]> {
    return this.#rooms.suggested(this.settings.suggested);
  }

  /** An operator changed the room's log or removed it: this instance reads it now, others by their channel. */
  async roomChanged(room: RoomId): Promise<void> {
    await this.#open.hub(room)?.refresh();
    this.#rooms.forgetListed();
  }

  /** Takes a new connection to a room. Everything else, refusals too, happens in frames. */
  connect(room: RoomId, connection: ClientConnection, visitor: Visitor): ConnectionHandle {
    return new ClientSession({
      ...this.#parts,
      room,
      connection,
      admission: this.#admission,
      visitor,
      signaling: this.#signaling,
      settings: this.settings,
      budgets: this.#budgets,
      floods: this.#floods,
      overload: this.#overload,
      stats: this.#open.statsOf(room),
      onDeviceTime: (atMs) => this.#time.hear(visitor.device, atMs),
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
  close({ graceMs = this.config.closing.graceMs, goodbyesFirst = false } = {}): Promise<void> {
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
    const { timers } = this.#parts.environment;
    let cancelGrace: Cancel | undefined;
    const graceIsOver = new Promise<void>((resolve) => cancelGrace = timers.after(graceMs, resolve));
    this.#admission.close();
    const sweeping = this.#sweep.close();
    this.#overload.close();
    this.#floods.close();
    await this.#open.beginClosing();
    // Acks first, so that clients do not all send stored events again a second later.
    await Promise.race([graceIsOver, this.#open.settled()]);
    this.#sendAllAway();
    await Promise.race([
      graceIsOver,
      Promise.all([this.#open.close(), this.#feed.close(), this.#signaling.close(), this.settings.close(), sweeping]),
    ]);
    cancelGrace?.();
    this.sockets.close();
    // A turn of the event loop, in which goodbyes reach the sockets.
    await pause(timers, 0);
  }
}
