/**
 * One server instance: the production server and store on a handle of the shared database. It can be killed between any
 * two steps; then its timers never fire, its lines are cut, and of its database operations under way some still land.
 */
import type { RoomId } from "../../lib/protocol/event.ts";
import type { ServerConfig } from "../../lib/server/config/server_config.ts";
import { Polling } from "../../lib/server/connections/poll_endpoint.ts";
import { ChatServer } from "../../lib/server/server.ts";
import type { ConnectionHandle, Visitor } from "../../lib/server/connections/connection.ts";
import type { ClientConnection } from "../../lib/server/connections/connection.ts";
import { openStore } from "../../lib/store/store.ts";
import type { Store } from "../../lib/store/store.ts";
import type { KvHooks, MemoryDatabase } from "../support/memory_kv.ts";
import { fakeVerifier } from "./fake_ed25519.ts";
import { Lines } from "./pipe.ts";
import type { SeededRandom } from "./random.ts";
import { Life, type Scheduler } from "./scheduler.ts";

/** What the database is doing to everybody at the moment. */
export interface Weather {
  /** Share of operations that fail, before or after they took effect. */
  failShare: number;
  /** Share of operations that take longer than any caller waits, and take effect all the same. */
  hangShare: number;
  /** Longest usual time for one way to the database or back, ms; 0: none ever waits. */
  maxDelayMs: number;
}

/** Longer than OPERATION_TIMEOUT_MS of the store, so that the caller has given up when it happens. */
const HANG_MS = 7_000;

/** Sees the frames of one connection: each when a server sends it, each when it arrives at one. */
export interface FrameWatch {
  serverSends(text: string): void;
  serverReceives(text: string): void;
}

export class Instance {
  readonly name: string;
  readonly life: Life;
  readonly store: Store;
  readonly server: ChatServer;
  readonly polling: Polling;
  readonly lines = new Lines();
  readonly #watch: (room: RoomId, visitor: Visitor) => FrameWatch;
  /** Whether new connections may come here. */
  open = true;

  constructor(parts: {
    name: string;
    scheduler: Scheduler;
    random: SeededRandom;
    database: MemoryDatabase;
    weather: Weather;
    config: ServerConfig;
    /** What the server writes into its log. */
    log(line: string): void;
    /** Called for each new connection, whatever transport it is of. */
    watch(room: RoomId, visitor: Visitor): FrameWatch;
  }) {
    const { name, scheduler, random, database, weather, config } = parts;
    this.name = name;
    // Servers keep their clocks by NTP: never quite the same.
    const clockOffsetMs = random.between(-40, 40);
    this.life = new Life(scheduler, () => clockOffsetMs);
    const kv = database.open(databaseHooks(this.life, random, weather, scheduler));
    const bytes = (count: number) => random.bytes(count);
    this.store = openStore({ kv, clock: this.life.clock, random: bytes, timers: this.life.timeouts });
    this.server = new ChatServer({
      store: this.store,
      config,
      verifier: fakeVerifier,
      clock: this.life.clock,
      timers: this.life.timers,
      random: { bytes, fraction: () => random.fraction() },
      log: parts.log,
      instance: name,
    });
    this.#watch = parts.watch;
    this.polling = new Polling({
      server: { connect: (room, connection, visitor) => this.connect(room, connection, visitor) },
      settings: config.polling,
      timers: this.life.timers,
      random: { bytes, fraction: () => random.fraction() },
    });
  }

  /** A new connection, over either transport. */
  connect(room: RoomId, connection: ClientConnection, visitor: Visitor): ConnectionHandle {
    const watch = this.#watch(room, visitor);
    const handle = this.server.connect(room, {
      send: (text) => {
        if (this.life.dead) return;
        watch.serverSends(text);
        connection.send(text);
      },
      close: (code, reason) => connection.close(code, reason),
      bufferedBytes: () => connection.bufferedBytes(),
    }, visitor);
    return {
      receive: (data) => {
        watch.serverReceives(String(data));
        handle.receive(data);
      },
      closed: () => handle.closed(),
    };
  }

  /** As an operator stops it: everybody is sent away first. */
  async stop(): Promise<void> {
    this.open = false;
    await this.server.close();
    await this.polling.close();
    this.store.close();
    this.kill();
  }

  /** The process is gone from one instruction to the next. */
  kill(): void {
    this.open = false;
    this.life.kill();
    this.lines.cut();
  }
}

/**
 * The way to the database and back. A dead process begins nothing new; what it had begun happens or not, and where it
 * happens, nobody is there to hear of it.
 */
function databaseHooks(life: Life, random: SeededRandom, weather: Weather, scheduler: Scheduler): KvHooks {
  const never = new Promise<void>(() => {});
  return {
    delay: () => {
      if (life.dead) return never;
      const { maxDelayMs, hangShare } = weather;
      const hangs = hangShare > 0 && random.chance(hangShare);
      if (!hangs && (maxDelayMs === 0 || random.chance(0.4))) return Promise.resolve();
      const delayMs = hangs ? random.between(HANG_MS, 2 * HANG_MS) : random.between(1, maxDelayMs);
      const survives = random.chance(0.5);
      return new Promise((resolve) => {
        scheduler.after(delayMs, () => {
          if (!life.dead || survives) resolve();
        });
      });
    },
    fail: (moment) => {
      if (!random.chance(weather.failShare)) return undefined;
      return new Error(moment === "before" ? "the database is away" : "the database went away");
    },
  };
}
