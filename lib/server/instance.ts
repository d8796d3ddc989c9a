/** The server of this process, made when the first request needs it. Routes call it; tests make their own. */
import { openKv } from "../store/open_kv.ts";
import { openStore } from "../store/deno_store.ts";
import type { Store } from "../store/store.ts";
import { readConfig, type ServerConfig } from "./config.ts";
import { LoadMeter } from "./load_meter.ts";
import { Polling } from "./polling.ts";
import { type ChatServer, createServer } from "./server.ts";
import { realSurroundings } from "./surroundings.ts";
import { nodeVerifier } from "./verifier.ts";

let config: ServerConfig | undefined;
let starting: Promise<ChatServer> | undefined;
let store: Store | undefined;
let polling: Polling | undefined;

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
  const server = await ownServer();
  return polling ??= new Polling({ ...realSurroundings, server, settings: server.config.polling });
}

async function start(): Promise<ChatServer> {
  const config = ownConfig();
  const onDeploy = config.platform === "deno-deploy";
  const kv = await openKv({
    ...(config.kvUrl === undefined ? {} : { url: config.kvUrl }),
    ...(config.kvUrl !== undefined || onDeploy ? {} : { path: `${config.dataDir}/festival.kv` }),
  });
  store = openStore({ kv });
  for (const signal of SIGNALS) Deno.addSignalListener(signal, exit);
  const meter = new LoadMeter(config.overload.memoryBytes);
  return createServer({ ...realSurroundings, store, config, verifier: nodeVerifier(), meter });
}

/** Stops the server of this process, when it runs: all are sent away, what was taken is stored, the database closed. */
export async function stopOwnServer(): Promise<void> {
  const stopping = starting;
  if (stopping === undefined) return;
  await (await stopping).close();
  await polling?.close();
  for (const signal of SIGNALS) Deno.removeSignalListener(signal, exit);
  store?.close();
  config =
    store =
    starting =
    polling =
      undefined;
}

const SIGNALS: Deno.Signal[] = ["SIGINT", "SIGTERM"];

async function exit(): Promise<void> {
  await stopOwnServer();
  Deno.exit(0);
}
