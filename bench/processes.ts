/** Starts the servers, each as an empty process of its own, and the load generator. */
import { ed25519 } from "../lib/crypto/ed25519.ts";
import { signEvent } from "../lib/crypto/signing.ts";
import { toBase64Url } from "../lib/shared/base64url.ts";
import type { RoomId } from "../lib/protocol/event.ts";
import type { ServerName } from "./dialects.ts";
import type { LoadOrder, LoadReport } from "./load.ts";

/** A running server. */
export interface RunningServer extends AsyncDisposable {
  pid: number;
  port: number;
  /** The room to fill; servers without rooms accept any. */
  room: string;
}

/** Cores for the server and the load; undefined if processes cannot be pinned. */
export interface Cores {
  server: number;
  load: number;
}

const here = import.meta.dirname!;
const project = `${here}/..`;
const START_AT_MOST_MS = 20_000;
/** Limits raised for the load; all others are as in production. */
const RAISED_LIMITS = {
  // Authors are drawn at random, so some write more than one message a second for a while.
  FESTIVAL_MESSAGE_BURST: "1000",
  // All sockets come from one address within seconds.
  FESTIVAL_ADDRESS_CONNECTIONS_PER_MINUTE: "100000",
};

/** The command that pins a process to a core, if available. */
export async function findCores(): Promise<Cores | undefined> {
  if (navigator.hardwareConcurrency < 2 || !(await works("taskset", "-c", "0,1", "true"))) return undefined;
  return { server: 1, load: 0 };
}

/** Whether the other servers run under Node instead of Deno. */
export function hasNode(): Promise<boolean> {
  return works("node", "--version");
}

/** Builds our server for production, and fetches the others' packages, which Node then finds in node_modules. */
export async function prepareServers(): Promise<void> {
  await succeed("run", "-A", "dev.ts", "build");
  await succeed("cache", "--quiet", `${here}/other_servers.mjs`);
}

async function succeed(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: project }).output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}

export async function startServer(name: ServerName, cores: Cores | undefined, node: boolean): Promise<RunningServer> {
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "festival-chat-bench-" });
  const own = name === "festival-chat";
  const command = own
    ? [
      Deno.execPath(),
      "serve",
      "--quiet",
      "-A",
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      `${project}/_fresh/server.js`,
    ]
    : [...(node ? ["node"] : [Deno.execPath(), "run", "-A"]), `${here}/other_servers.mjs`, name, String(port)];
  const child = spawn(command, cores?.server, { ...RAISED_LIMITS, FESTIVAL_DATA_DIR: folder }, "null");
  const stop = async () => {
    // Killed without goodbyes: its data is not needed any more.
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await listening(port);
    const room = own ? await makeRoom(port) : "AAAAAAAAAAAAAAAAAAAAAA";
    return { pid: child.pid, port, room, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function runLoad(order: LoadOrder, cores: Cores | undefined): Promise<LoadReport> {
  const child = spawn(
    [Deno.execPath(), "run", "-A", `${here}/load.ts`, JSON.stringify(order)],
    cores?.load,
    {},
    "piped",
  );
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`the load on ${order.server} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function spawn(command: string[], core: number | undefined, env: Record<string, string>, stdout: "piped" | "null") {
  const [program, ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
  return new Deno.Command(program!, { args, env, cwd: project, stdin: "null", stdout, stderr: "inherit" }).spawn();
}

async function works(program: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function listening(port: number): Promise<void> {
  const deadline = performance.now() + START_AT_MOST_MS;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Makes an unlisted room, as the home page does. */
async function makeRoom(port: number): Promise<RoomId> {
  const host = await (await ed25519()).signer(crypto.getRandomValues(new Uint8Array(32)));
  const room = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  const { wire } = await signEvent(host, { room, n: 1, clock: 1, at: Date.now() }, {
    kind: "room",
    body: { roomKind: "unlisted", name: "Benchmark" },
  });
  const response = await fetch(`http://127.0.0.1:${port}/api/rooms`, { method: "POST", body: JSON.stringify(wire) });
  if (response.status !== 201) throw new Error(`the room was not made: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
  return room;
}
