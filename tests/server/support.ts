/** Servers for tests: on a database in memory, with real or virtual time, joined in process or over real sockets. */
import type { Clock, Timers } from "../../lib/shared/environment.ts";
import { DEFAULT_CONFIG, type ServerConfig } from "../../lib/server/config/server_config.ts";
import { ChatServer, type ServerDeps } from "../../lib/server/server.ts";
import type { Visitor } from "../../lib/server/connections/connection.ts";

import { realEnvironment } from "../../lib/server/environment.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { serveSocket, SOCKET_IDLE_TIMEOUT_S } from "../../lib/server/connections/websocket.ts";
import { openStore } from "../../lib/store/store.ts";
import type { Kv } from "../../lib/store/database.ts";
import type { Store } from "../../lib/store/store.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import type { RoomId, RoomKind } from "../../lib/protocol/event.ts";
import { newFounding, type OpenWire, webSocketWire } from "../support/client.ts";
import { type KvHooks, MemoryDatabase } from "../support/memory_kv.ts";

export type PartialConfig = { [Part in keyof ServerConfig]?: Partial<ServerConfig[Part]> | ServerConfig[Part] };

/** The defaults with other values in some places. */
export function configWith(changes: PartialConfig = {}): ServerConfig {
  const config: Record<string, unknown> = { ...DEFAULT_CONFIG };
  for (const [name, value] of Object.entries(changes)) {
    const before = config[name];
    config[name] = typeof value === "object" && !Array.isArray(value) ? { ...before as object, ...value } : value;
  }
  return config as unknown as ServerConfig;
}

export interface TestServer {
  server: ChatServer;
  store: Store;
  log: string[];
  /** Opens connections in this process; they carry frames at once. */
  wire(room: string, visitor?: Partial<Visitor>): PipeControl & { open: OpenWire };
  /** A new room. */
  newRoom(options?: { name?: string; roomKind?: RoomKind; room?: RoomId }): Promise<RoomInfo>;
  close(): Promise<void>;
}

/** A test's control of a connection in process. */
export interface PipeControl {
  /** Bytes that the client has not read, as the server sees it. */
  buffered: number;
}

export interface TestServerOptions {
  database?: MemoryDatabase;
  hooks?: KvHooks;
  /** An open handle instead of one on `database`. */
  kv?: Kv;
  config?: PartialConfig;
  time?: Clock & Timers;
  /** Default: `time`. */
  steady?: Clock;
  instance?: string;
  meter?: ServerDeps["meter"];
  verifier?: ServerDeps["verifier"];
}

let devices = 0;

/** One instance. Several on one `database` are several instances. */
export function startTestServer(options: TestServerOptions = {}): TestServer {
  const { time = { ...realEnvironment.clock, ...realEnvironment.timers }, hooks } = options;
  const database = options.database ?? new MemoryDatabase({ now: () => time.now() });
  const store = openStore({ kv: options.kv ?? database.open(hooks) });
  const log: string[] = [];
  const server = new ChatServer({
    store,
    config: configWith(options.config),
    clock: time,
    steady: options.steady ?? time,
    timers: time,
    random: realEnvironment.random,
    log: (line) => log.push(line),
    verifier: options.verifier ?? nodeVerifier(),
    ...(options.instance === undefined ? {} : { instance: options.instance }),
    ...(options.meter === undefined ? {} : { meter: options.meter }),
  });
  return {
    server,
    store,
    log,
    wire(room, visitor = {}) {
      const who = { device: `device ${++devices}`, address: "192.0.2.1", ...visitor };
      const control: PipeControl & { open: OpenWire } = {
        buffered: 0,
        open: ({ onFrame, onClose }) => {
          let open = true;
          const end = (code: number) => {
            if (!open) return;
            open = false;
            queueMicrotask(() => onClose(code));
          };
          const handle = server.connect(room, {
            send: (text) => void (open && queueMicrotask(() => onFrame(text))),
            close: (code) => end(code),
            bufferedBytes: () => control.buffered,
          }, who);
          return {
            send: (text) => handle.receive(text),
            close() {
              handle.closed();
              end(1000);
            },
          };
        },
      };
      return control;
    },
    async newRoom(founding) {
      const { wire } = await newFounding(founding);
      const answer = await server.createRoom(wire, { device: `device ${++devices}`, address: "192.0.2.1" });
      if ("problem" in answer) throw new Error(`no room: ${answer.problem}`);
      return answer.room;
    },
    async close() {
      await server.close();
      store.close();
    },
  };
}

/** Serves real WebSockets of an instance on a port of its own. */
export function listen(
  server: ChatServer,
): { port: number; open(room: string, device?: string): OpenWire; close(): Promise<void> } {
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: SOCKET_IDLE_TIMEOUT_S });
    serveSocket(socket, server, pathname.slice(1), { device: searchParams.get("device")!, address: "127.0.0.1" });
    return response;
  });
  return {
    port: http.addr.port,
    open: (room, device = `device ${++devices}`) =>
      webSocketWire(`ws://127.0.0.1:${http.addr.port}/${room}?device=${encodeURIComponent(device)}`),
    close: () => http.shutdown(),
  };
}
