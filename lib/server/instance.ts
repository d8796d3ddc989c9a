/** The server of this process, started by main.ts before the first request. Routes call it; tests start their own. */
import { cpuUsage, memoryUsage } from "node:process";
import { ed25519 } from "../crypto/ed25519.ts";
import { openKv } from "../store/open_kv.ts";
import { openStore } from "../store/store.ts";
import { DatabaseRefused, StorageUnavailable } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { Admin } from "./admin/admin.ts";
import { readOperatorCookie } from "./admin/pages.ts";
import { readConfig } from "./config/read_config.ts";
import type { ServerConfig } from "./config/server_config.ts";
import type { RequestState } from "./http/route_helpers.ts";
import { LoadMeter } from "./limits/load_meter.ts";
import { memoryLimit } from "./limits/memory_limit.ts";
import { createLogger, logFormatOf, type Logger, writeToConsole } from "./logger.ts";
import { Polling } from "./connections/poll_endpoint.ts";
import { endProcess, listenForEnd } from "./process_end.ts";
import { ChatServer } from "./server.ts";
import { workerChannel, WorkerGroup } from "./worker_group.ts";
import { Monitor } from "./stats/monitor.ts";
import { FigureReaders } from "./stats/reader.ts";
import { ServerStats } from "./stats/server_stats.ts";
import { exportFigures } from "./stats/telemetry.ts";
import { type Environment, realEnvironment } from "./environment.ts";
import { nodeVerifier } from "./rooms/verifier.ts";
import { DiskSpace, measureDisk } from "./upkeep/disk_space.ts";
import { Upkeep } from "./upkeep/upkeep.ts";

let config: ServerConfig | undefined;
let starting: Promise<ChatServer> | undefined;
let store: Store | undefined;
let polling: Polling | undefined;
let admin: Admin | undefined;
let upkeep: Upkeep | undefined;
let workers: WorkerGroup | undefined;
/** The server once it has started. */
let running: ChatServer | undefined;
let monitor: Monitor | undefined;
/** Ends the watch for signals. */
let stopListening: (() => void) | undefined;
let endTelemetry: (() => void) | undefined;
let stats: ServerStats | undefined;
let logger: Logger | undefined;
let readers: FigureReaders | undefined;

/**
 * The settings of this process, read once from its environment. Throws ConfigError. main.ts asks for them first:
 * from then on this process handles signals, before `deno serve` does (see `exit`).
 */
export function ownConfig(): ServerConfig {
  if (config !== undefined) return config;
  config = readConfig((name) =>
    Deno.env.get(name) ?? (name === "FESTIVAL_ENVIRONMENT" && isDevelopment() ? "development" : undefined)
  );
  if (config.overload.memoryBytes === Infinity) config.overload.memoryBytes = memoryLimit();
  stopListening = listenForEnd(exit);
  return config;
}

/** `deno task dev` starts dev.ts, which alone implies development. */
function isDevelopment(): boolean {
  return Deno.mainModule.endsWith("/dev.ts");
}

/** The running server. Throws StorageUnavailable when the database cannot be opened; the next call tries again. */
export function ownServer(): Promise<ChatServer> {
  starting ??= start().catch((error) => {
    starting = undefined;
    store?.close();
    throw error;
  });
  return starting;
}

/** EX_CONFIG of sysexits(3): another start changes nothing, somebody has to act first. */
const REFUSED_EXIT = 78;
/** EX_TEMPFAIL: a later start may work. */
const PASSING_EXIT = 75;

/** Starts the server; a database that cannot be opened ends the process with one line that says what to do. */
export async function startOrExit(): Promise<void> {
  try {
    await ownServer();
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) throw error;
    console.error(error.message);
    Deno.exit(error instanceof DatabaseRefused && !error.passing ? REFUSED_EXIT : PASSING_EXIT);
  }
}

/** The polling connections of the running server. */
export async function ownPolling(): Promise<Polling> {
  await ownServer();
  return polling!;
}

/** The monitor of the running server. */
export async function ownMonitor(): Promise<Monitor> {
  await ownServer();
  return monitor!;
}

/** This process's statistics. */
export function ownStats(): ServerStats {
  return stats ??= new ServerStats();
}

/** This process's log. */
export function ownLogger(): Logger {
  const { environment, monitoring } = ownConfig();
  return logger ??= createLogger({
    level: monitoring.logLevel,
    format: logFormatOf(environment),
    clock: realEnvironment.clock,
    write: writeToConsole,
    onLine: (level) => ownStats().count("log_lines", level),
  });
}

/** The answer to a reader whom this process's figures are not open to; undefined: may read. Operators always may. */
export async function figuresRefusal(
  request: Request,
  { visitor, source }: RequestState,
): Promise<Response | undefined> {
  readers ??= new FigureReaders(ownConfig().monitoring);
  const refusal = readers.refusal(request.headers, visitor.address, realEnvironment.clock.now());
  const cookie = readOperatorCookie(request.headers, "operator", source.secure);
  if (refusal === undefined || cookie === undefined) return refusal;
  try {
    const operator = await (await ownAdmin()).login?.operatorOf(cookie, { used: false });
    return operator === undefined ? refusal : undefined;
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) throw error;
    return refusal;
  }
}

/** The operators' side of the running server. */
export async function ownAdmin(): Promise<Admin> {
  const server = await ownServer();
  // Its lines are the audit log's witness: neither a flood nor the log level may hold one back.
  const environment: Environment = { ...realEnvironment, log: ownLogger().record };
  return admin ??= new Admin({ server, store: store!, verifier: nodeVerifier(), environment });
}

async function start(): Promise<ChatServer> {
  const config = ownConfig();
  const stats = ownStats();
  const environment: Environment = { ...realEnvironment, log: ownLogger().warn };
  if (config.monitoring.tracing) {
    environment.log("Deno exports traces, which contain the addresses of rooms: OTEL_DENO_TRACING=false stops that");
  }
  const onDeploy = config.platform === "deno-deploy";
  const path = config.kvUrl !== undefined || onDeploy ? undefined : `${config.dataDir}/festival.kv`;
  const kv = await openKv({
    ...config.kvUrl !== undefined && { url: config.kvUrl },
    ...path !== undefined && { path },
  });
  const disk = path === undefined ? undefined : new DiskSpace({
    read: () => measureDisk(path),
    reserveBytes: config.limits.freeDiskBytes,
    timers: environment.timers,
    log: environment.log,
  });
  store = openStore({
    kv,
    diskProblem: () => disk?.problem,
    onCall: (kind, ms, worked) => {
      stats.count("kv_operations", kind);
      stats.observe("kv", ms, kind);
      if (!worked) stats.count("kv_failures", kind);
    },
  });
  await store.migrate();
  await disk?.start();
  const meter = new LoadMeter(config.overload.memoryBytes);
  const server = running = new ChatServer({
    ...environment,
    steady: performance,
    store,
    config,
    stats,
    verifier: nodeVerifier(),
    meter,
    disk: () => disk?.measure,
    upkeepProblems: () => ({ full: disk?.problem, others: upkeep?.problems ?? [] }),
    memory: () => {
      const { rss, heapTotal } = Deno.memoryUsage();
      return { residentBytes: rss, heapBytes: heapTotal };
    },
  });
  const { instance } = server;
  upkeep = new Upkeep({ store, config, environment, instance, ...path !== undefined && { path }, ...disk && { disk } });
  await upkeep.start();
  polling = new Polling({ ...environment, server, stats, settings: config.polling });
  const watching = monitor = new Monitor({
    server,
    store,
    environment,
    ed25519: await ed25519(),
    process: {
      memory: memoryUsage,
      cpuMs: () => {
        const { user, system } = cpuUsage();
        return (user + system) / 1_000;
      },
    },
  });
  endTelemetry = exportFigures({
    totals: () => stats.totals(),
    current: () => watching.history.current,
    gauges: () => watching.gauges(),
  });
  // Deploy runs one worker per instance.
  if (!onDeploy) workers = new WorkerGroup(await workerChannel(), server.instance);
  return server;
}

/** Stops the server of this process if it runs: sends everybody away, stores the events it took, closes the database. */
export async function stopOwnServer(): Promise<void> {
  const stopping = starting;
  if (stopping === undefined) return;
  const server = await stopping;
  endTelemetry?.();
  await Promise.all([monitor?.close(), server.close()]);
  await polling?.close();
  await workers?.done(realEnvironment.timers, WORKERS_GRACE_MS);
  await upkeep?.close();
  stopListening?.();
  store?.close();
  config =
    store =
    starting =
    polling =
    admin =
    workers =
    upkeep =
    running =
    monitor =
    stopListening =
    endTelemetry =
    stats =
    logger =
    readers =
      undefined;
}

/** How long a stopped worker waits for the others of its process: together with `closing.graceMs` less than 5 s. */
const WORKERS_GRACE_MS = 1_500;

async function exit(signal: Deno.Signal): Promise<void> {
  // `deno serve` gets the signal right after us and closes all sockets (1001): goodbyes go now or never.
  void running?.close({ goodbyesFirst: true });
  try {
    await stopOwnServer();
  } finally {
    stopListening?.();
    endProcess(signal, isDevelopment());
  }
}
