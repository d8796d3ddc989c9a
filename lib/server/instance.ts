/** The server of this process, made when the first request needs it. Routes call it; tests make their own. */
import { openKv } from "../store/open_kv.ts";
import { openStore } from "../store/deno_store.ts";
import type { Store } from "../store/store.ts";
import { Admin } from "./admin/admin.ts";
import { readConfig, type ServerConfig } from "./config.ts";
import { LoadMeter } from "./load_meter.ts";
import { Polling } from "./polling.ts";
import { type ChatServer, createServer } from "./server.ts";
import { siblingChannel, Siblings } from "./siblings.ts";
import { realSurroundings } from "./surroundings.ts";
import { nodeVerifier } from "./verifier.ts";

const SIGNALS: Deno.Signal[] = ["SIGINT", "SIGTERM"];

let config: ServerConfig | undefined;
let starting: Promise<ChatServer> | undefined;
let store: Store | undefined;
let polling: Polling | undefined;
let admin: Admin | undefined;
let siblings: Siblings | undefined;
/** The server once it has started. */
let running: ChatServer | undefined;

/**
 * The settings of this process, read once from its environment. Throws ConfigError. main.ts asks for them first of all:
 * from then on signals are heard, before `deno serve` listens to them (see `exit`).
 */
export function ownConfig(): ServerConfig {
  if (config !== undefined) return config;
  config = readConfig((name) => Deno.env.get(name) ?? (name === "FESTIVAL_ENVIRONMENT" ? fromStart() : undefined));
  for (const signal of SIGNALS) Deno.addSignalListener(signal, exit);
  return config;
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

/** What operators do with the running server. */
export async function ownAdmin(): Promise<Admin> {
  const server = await ownServer();
  return admin ??= new Admin({ server, store: store!, verifier: nodeVerifier(), surroundings: realSurroundings });
}

async function start(): Promise<ChatServer> {
  const config = ownConfig();
  const onDeploy = config.platform === "deno-deploy";
  const kv = await openKv({
    ...(config.kvUrl === undefined ? {} : { url: config.kvUrl }),
    ...(config.kvUrl !== undefined || onDeploy ? {} : { path: `${config.dataDir}/festival.kv` }),
  });
  store = openStore({ kv });
  const meter = new LoadMeter(config.overload.memoryBytes);
  running = createServer({ ...realSurroundings, store, config, verifier: nodeVerifier(), meter });
  // Deploy runs one worker per instance.
  if (!onDeploy) siblings = new Siblings(await siblingChannel(), running.instance);
  return running;
}

/** Stops the server of this process, when it runs: all are sent away, what was taken is stored, the database closed. */
export async function stopOwnServer(): Promise<void> {
  const stopping = starting;
  if (stopping === undefined) return;
  await (await stopping).close();
  await polling?.close();
  await siblings?.done(realSurroundings.timers, SIBLINGS_GRACE_MS);
  for (const signal of SIGNALS) Deno.removeSignalListener(signal, exit);
  store?.close();
  config =
    store =
    starting =
    polling =
    admin =
    siblings =
    running =
      undefined;
}

/** How long a worker that has stopped waits for the others of its process: with `closing.graceMs` less than 5 s. */
const SIBLINGS_GRACE_MS = 1_500;

async function exit(): Promise<void> {
  // `deno serve` closes all sockets itself (1001) when it hears of the signal, right after us: goodbyes go now or never.
  void running?.close({ goodbyesFirst: true });
  try {
    await stopOwnServer();
  } finally {
    Deno.exit(0);
  }
}
