/**
 * One server instance: the production server and store on the shared database. It can be killed between any two steps.
 * Then its timers never fire, its connections break, and some of its pending database operations still commit.
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

/** The current faults of the database. */
export interface StoreFaults {
  /** Share of operations that fail, before or after they took effect. */
  failShare: number;
  /** Share of operations that take effect after the caller's timeout. */
  hangShare: number;
  /** Longest usual latency to or from the database, ms; 0: no delay. */
  maxDelayMs: number;
}

/** Longer than the store's OPERATION_TIMEOUT_MS, so that the caller has given up by then. */
const HANG_MS = 7_000;

/** Observes the frames of one connection: when a server sends one and when one arrives at it. */
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
  /** Whether it accepts new connections. */
  open = true;

  constructor(parts: {
    name: string;
    scheduler: Scheduler;
    random: SeededRandom;
    database: MemoryDatabase;
    weather: StoreFaults;
    config: ServerConfig;
    /** Receives the lines of the server's log. */
    log(line: string): void;
    /** Called for each new connection on any transport. */
    watch(room: RoomId, visitor: Visitor): FrameWatch;
  }) {
    const { name, scheduler, random, database, weather, config } = parts;
    this.name = name;
    // Server clocks are synchronised by NTP and differ slightly.
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
      steady: this.life.clock,
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
      ...connection.maxBufferedBytes !== undefined && { maxBufferedBytes: connection.maxBufferedBytes },
    }, visitor);
    return {
      receive: (data) => {
        watch.serverReceives(String(data));
        handle.receive(data);
      },
      closed: () => handle.closed(),
      check: () => handle.check(),
    };
  }

  /** Stops like an operator does: it closes all connections first. */
  async stop(): Promise<void> {
    this.open = false;
    await this.server.close();
    await this.polling.close();
    this.store.close();
    this.kill();
  }

  /** Kills the process between two instructions. */
  kill(): void {
    this.open = false;
    this.life.kill();
    this.lines.cut();
  }
}

/**
 * Access to the database. A dead process starts no operation; its pending ones may or may not take effect, and their
 * results are lost.
 */
function databaseHooks(life: Life, random: SeededRandom, weather: StoreFaults, scheduler: Scheduler): KvHooks {
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
