/** The answer of /health: measured on request, and never more than was measured. */
import project from "../../../deno.json" with { type: "json" };
import type { Clock, Timers } from "../../shared/environment.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { Store } from "../../store/store.ts";
import type { EnvironmentName, Platform, ServerConfig } from "../config/server_config.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Load } from "../limits/overload.ts";
import type { Log } from "../environment.ts";
import type { DiskMeasure } from "../upkeep/disk_space.ts";

export type HealthStatus = "ok" | "degraded" | "down";

export interface HealthAnswer {
  status: HealthStatus;
  /** One line each; empty when all is well. */
  reasons: string[];
  /** Version of the app, and of the frames it speaks. */
  version: string;
  protocol: number;
  environment: EnvironmentName;
  platform: Platform;
  /** `embedded`: this process alone has the database. `shared`: other instances may use the same one. */
  mode: "embedded" | "shared";
  /** ISO 8601. */
  timestamp: string;
  /** Rooms in the database; null when it did not answer. */
  rooms: number | null;
  /** On this instance: rooms open now, people in them, connections. */
  openRooms: number;
  users: number;
  connections: number;
  /** Duration of one small read from the database; null when it did not answer. */
  kvLatencyMs: number | null;
  /** Free space on the embedded database's disk, and its size with its log, bytes; null where that is unknown. */
  diskFreeBytes: number | null;
  databaseBytes: number | null;
  build: string;
}

/** Problems of the database's upkeep, one line each. */
export interface UpkeepProblems {
  /** Why no message can be stored. */
  full: string | undefined;
  others: readonly string[];
}

/** Version of the app: that of deno.json. */
export const APP_VERSION: string = project.version;

/** The HTTP status of an answer: 200 when degraded, so that a load balancer keeps sending people. */
export function httpStatusOf({ status }: Pick<HealthAnswer, "status">): 200 | 503 {
  return status === "down" ? 503 : 200;
}

/** The instance's identity, independent of its status. */
function identityOf(config: ServerConfig, nowMs: number) {
  return {
    version: APP_VERSION,
    protocol: PROTOCOL_VERSION,
    environment: config.environment,
    platform: config.platform,
    mode: config.kvUrl !== undefined || config.platform === "deno-deploy" ? "shared" : "embedded",
    timestamp: new Date(nowMs).toISOString(),
    build: config.build,
  } as const;
}

export interface HealthDeps {
  store: Pick<Store, "ping"> & { rooms: Pick<Store["rooms"], "count"> };
  config: ServerConfig;
  clock: Clock;
  timers: Timers;
  log: Log;
  counts(): { users: number; connections: number; openRooms: number };
  load(): Load;
  /** Why the clock cannot be right; undefined when nothing speaks against it. */
  clockProblem(): string | undefined;
  disk(): DiskMeasure | undefined;
  upkeepProblems?(): UpkeepProblems;
  /** Rooms of the database that are not counted: the probes' room. */
  uncountedRooms?(): Promise<number>;
}

/** Failures of the database are written to the log this often at most. */
const LOG_GAP_MS = 1_000;

export class HealthCheck {
  readonly #deps: HealthDeps;
  #failedAt = -Infinity;
  #loggedAt = -Infinity;
  /** The last measurement and its time, so that frequent requests do not load the database. */
  #measured: { at: number; result: Promise<{ kvLatencyMs: number | null; rooms: number | null }> } | undefined;

  constructor(deps: HealthDeps) {
    this.#deps = deps;
  }

  /** A part of the server found the database failing. */
  storageFailed(error: StorageUnavailable): void {
    const { clock, log } = this.#deps;
    this.#failedAt = clock.now();
    if (this.#failedAt - this.#loggedAt < LOG_GAP_MS) return;
    this.#loggedAt = this.#failedAt;
    log(error.message);
  }

  async answer(closing: boolean): Promise<HealthAnswer> {
    const { config, clock, counts } = this.#deps;
    const { health, limits } = config;
    const { kvLatencyMs, rooms } = await this.#measure();
    const { users, connections, openRooms } = counts();
    const disk = this.#deps.disk();
    const now = clock.now();
    const down: string[] = [];
    const degraded: string[] = [];
    if (closing) down.push("this instance is stopping");
    if (kvLatencyMs === null) down.push(`the database did not answer within ${health.deadStoreMs} ms`);
    else if (kvLatencyMs > health.slowStoreMs) degraded.push(`the database takes ${Math.round(kvLatencyMs)} ms`);
    if (now - this.#failedAt < health.recentFailureMs) degraded.push("the database failed recently");
    const { full, others } = this.#deps.upkeepProblems?.() ?? { full: undefined, others: [] };
    if (full !== undefined) down.push(full);
    degraded.push(...others);
    const clockProblem = this.#deps.clockProblem();
    if (clockProblem !== undefined) degraded.push(clockProblem);
    const { level, signal } = this.#deps.load();
    if (level !== "normal") degraded.push(`overloaded: ${level} (${signal})`);
    if (connections >= limits.connections * health.fullShare) {
      degraded.push(`${connections} of ${limits.connections} connections are in use`);
    }
    if (openRooms >= limits.openRooms * health.fullShare) {
      degraded.push(`${openRooms} of ${limits.openRooms} rooms are open`);
    }
    return {
      status: down.length > 0 ? "down" : degraded.length > 0 ? "degraded" : "ok",
      reasons: [...down, ...degraded],
      ...identityOf(config, now),
      rooms,
      openRooms,
      users,
      connections,
      kvLatencyMs: kvLatencyMs === null ? null : Math.round(kvLatencyMs * 100) / 100,
      diskFreeBytes: disk?.free ?? null,
      databaseBytes: disk?.database ?? null,
    };
  }

  #measure(): Promise<{ kvLatencyMs: number | null; rooms: number | null }> {
    const { config: { health }, clock } = this.#deps;
    const now = clock.now();
    if (this.#measured !== undefined && now - this.#measured.at < health.cacheMs) return this.#measured.result;
    const result = this.#ask();
    this.#measured = { at: now, result };
    return result;
  }

  async #ask(): Promise<{ kvLatencyMs: number | null; rooms: number | null }> {
    const { store, config: { health }, timers } = this.#deps;
    const nothing = { kvLatencyMs: null, rooms: null };
    const { promise: tooLate, resolve } = Promise.withResolvers<typeof nothing>();
    const cancel = timers.after(health.deadStoreMs, () => resolve(nothing));
    const asked = Promise.all([store.ping(), store.rooms.count(), this.#deps.uncountedRooms?.() ?? 0]).then(
      ([kvLatencyMs, rooms, uncounted]) => ({ kvLatencyMs, rooms: Math.max(0, rooms - uncounted) }),
      (error) => {
        if (!(error instanceof StorageUnavailable)) throw error;
        this.storageFailed(error);
        return nothing;
      },
    );
    try {
      return await Promise.race([asked, tooLate]);
    } finally {
      cancel();
    }
  }
}
