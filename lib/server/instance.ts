/** The server of this process, made when the first request needs it. Routes call it; tests make their own. */
import { cpuUsage, memoryUsage } from "node:process";
import { ed25519 } from "../crypto/ed25519.ts";
import { openKv } from "../store/open_kv.ts";
import { openStore } from "../store/deno_store.ts";
import type { Store } from "../store/store.ts";
import { readConfig, type ServerConfig } from "./config.ts";
import { createLogger, logFormatOf, type Logger, writeToConsole } from "./log.ts";
import { Polling } from "./polling.ts";
import { type ChatServer, createServer } from "./server.ts";
import { Monitor } from "./stats/monitor.ts";
import { FigureReaders } from "./stats/reader.ts";
import { ServerStats } from "./stats/server_stats.ts";
import { exportFigures } from "./stats/telemetry.ts";
import { realSurroundings, type Surroundings } from "./surroundings.ts";
import { nodeVerifier } from "./verifier.ts";

let config: ServerConfig | undefined;
let starting: Promise<ChatServer> | undefined;
let store: Store | undefined;
let polling: Polling | undefined;
let monitor: Monitor | undefined;
let endTelemetry: (() => void) | undefined;
let stats: ServerStats | undefined;
let logger: Logger | undefined;
let readers: FigureReaders | undefined;

/** The settings of this process, read once from its environment. Throws ConfigError. */
export function ownConfig(): ServerConfig {
  return config ??= readConfig((name) =>
    Deno.env.get(name) ?? (name === "FESTIVAL_ENVIRONMENT" ? fromStart() : undefined)
  );
}

/** `deno task dev` starts dev.ts: then this is development, without anybody saying so. */
function fromStart(): string | undefined {
  return Deno.mainModule.endsWith("/dev.ts") ? "development" : undefined;
}

/** The running server. Throws what opening the database throws; the next call tries again. */
export function ownServer(): Promise<ChatServer> {
  starting ??= start().catch((error) => {
    starting = undefined;
    throw error;
  });
  return starting;
}

/** The polling connections of the running server. */
export async function ownPolling(): Promise<Polling> {
  await ownServer();
  return polling!;
}

/** What watches the running server. */
export async function ownMonitor(): Promise<Monitor> {
  await ownServer();
  return monitor!;
}

/** Where this process counts. */
export function ownStats(): ServerStats {
  return stats ??= new ServerStats();
}

/** This process's notes for its operator. */
export function ownLogger(): Logger {
  const { environment, monitoring } = ownConfig();
  return logger ??= createLogger({
    level: monitoring.logLevel,
    format: logFormatOf(environment),
    clock: realSurroundings.clock,
    write: writeToConsole,
    onLine: (level) => ownStats().count("log_lines", level),
  });
}

/** Who may read this process's figures. */
export function ownReaders(): FigureReaders {
  return readers ??= new FigureReaders(ownConfig().monitoring.token);
}

async function start(): Promise<ChatServer> {
  const config = ownConfig();
  const stats = ownStats();
  const surroundings: Surroundings = { ...realSurroundings, log: ownLogger().warn };
  if (config.monitoring.tracing) {
    surroundings.log("Deno exports traces, which hold the addresses of rooms: OTEL_DENO_TRACING=false ends that");
  }
  const onDeploy = config.platform === "deno-deploy";
  const kv = await openKv({
    ...(config.kvUrl === undefined ? {} : { url: config.kvUrl }),
    ...(config.kvUrl !== undefined || onDeploy ? {} : { path: `${config.dataDir}/festival.kv` }),
  });
  store = openStore({
    kv,
    onCall: (kind, ms, worked) => {
      stats.count("kv_operations", kind);
      stats.observe("kv", ms, kind);
      if (!worked) stats.count("kv_failures", kind);
    },
  });
  for (const signal of SIGNALS) Deno.addSignalListener(signal, exit);
  const server = createServer({ ...surroundings, store, config, stats, verifier: nodeVerifier() });
  polling = new Polling({ ...surroundings, server, stats, settings: config.polling });
  const watching = monitor = new Monitor({
    server,
    store,
    surroundings,
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
  return server;
}

/** Stops the server of this process, when it runs: all are sent away, what was taken is stored, the database closed. */
export async function stopOwnServer(): Promise<void> {
  const stopping = starting;
  if (stopping === undefined) return;
  const server = await stopping;
  endTelemetry?.();
  await Promise.all([monitor?.close(), server.close()]);
  await polling?.close();
  for (const signal of SIGNALS) Deno.removeSignalListener(signal, exit);
  store?.close();
  config =
    store =
    starting =
    polling =
    monitor =
    endTelemetry =
    stats =
    logger =
    readers =
      undefined;
}

const SIGNALS: Deno.Signal[] = ["SIGINT", "SIGTERM"];

async function exit(): Promise<void> {
  await stopOwnServer();
  Deno.exit(0);
}
