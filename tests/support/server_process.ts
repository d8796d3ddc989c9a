/**
 * The real server as a real process: built once into a temporary folder and started as the README says, `deno serve` on
 * the build, on a port of its own with a data folder of its own.
 */
import { dirname } from "node:path";
import { serverPermissions } from "../../lib/operating/start.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const builds = new Map<string, Promise<string>>();

/**
 * Builds the app for production, once per test process; the path of its `server.js`. Another `release` is the same app
 * with another build id and another service worker.
 */
export function builtServer(release = ""): Promise<string> {
  const built = builds.get(release) ?? build(release);
  builds.set(release, built);
  return built;
}

async function build(release: string): Promise<string> {
  const outDir = await Deno.makeTempDir({ prefix: "festival-build-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(outDir, { recursive: true }));
  // A process for each: the published Fresh names its builds once in a process, and by this variable where there is one.
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/support/build_release.ts", outDir, release],
    cwd: ROOT,
    env: { GITHUB_SHA: `${outDir} ${release}` },
  }).output();
  if (!success) throw new Error(`the build failed: ${new TextDecoder().decode(stderr)}`);
  return `${outDir}/server.js`;
}

export interface ServerProcess {
  readonly pid: number;
  /** `http://127.0.0.1:port`, or the address in its `network`. */
  readonly url: string;
  /** The lines it wrote so far, to stdout and to stderr. */
  readonly log: readonly string[];
  /** Only of an `inspected` server. */
  readonly inspectorPort: number | undefined;
  /** SIGKILL: from one instruction to the next. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM: as an operator stops it. Resolves when the process is gone. */
  stop(): Promise<void>;
}

export interface ServerProcessOptions {
  /** Folder of the database. */
  dataDir: string;
  /** Settings beside it. */
  env?: Record<string, string>;
  /** `deno serve --parallel` with this many workers. */
  workers?: number;
  /** The port, for a server that takes another one's place. Default: one that nobody uses. */
  port?: number;
  /** Which of the builds it serves; see {@linkcode builtServer}. */
  release?: string;
  /** A folder with another version of the app, built there by `deno task build`. Default: this one. */
  checkout?: string;
  /** Opens V8's inspector: its port is then `inspectorPort`. */
  inspected?: boolean;
  /** A module that runs before the server's. */
  preload?: string;
  /** Most file descriptors it may have. */
  descriptors?: number;
  /** A Linux network namespace to run in, and the address to listen at there. Default: this machine's loopback. */
  network?: { namespace: string; address: string };
}

/** The permissions of a server. Up to version 0.2 they are in the tasks of its `checkout`. */
function permissions(
  build: string,
  dataDir: string,
  kvUrl: string | undefined,
  checkout: string | undefined,
): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${checkout ?? ROOT}/deno.json`));
  if (tasks["start:kv"] === undefined) return serverPermissions({ dataDir, kvUrl }, build);
  const command: string = tasks[kvUrl === undefined ? "start" : "start:kv"].command;
  return command.replaceAll("'", "").split(" ").filter((part) => /^(-A|--allow-|--no-prompt)/.test(part))
    .map((flag) => flag.replaceAll(/(?<=[=,])(_fresh|\.data)(?=,|$)/g, (path) => path === "_fresh" ? build : dataDir));
}

/**
 * A server's start that is expected to end by itself: its exit code, and the lines that it wrote to
 * stderr. `withoutRights`: as a root who may only do what the files' rights say.
 */
export async function refusedStart(
  options: ServerProcessOptions & { withoutRights?: boolean },
): Promise<{ code: number; lines: string[] }> {
  const child = (await serverCommand(options)).command.spawn();
  // A start that works is the failure.
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  const { code, stderr } = await child.output();
  clearTimeout(timer);
  return { code, lines: new TextDecoder().decode(stderr).split("\n").filter((line) => line.trim() !== "") };
}

async function serverCommand(options: ServerProcessOptions & { withoutRights?: boolean }) {
  const { dataDir, env = {}, workers, port = freePort(), inspected = false, release, network, preload, withoutRights } =
    options;
  const checkout = options.checkout === undefined ? ROOT : `${options.checkout}/`;
  const hostname = network?.address ?? "127.0.0.1";
  const inspectorPort = inspected ? freePort() : undefined;
  const built = options.checkout === undefined ? await builtServer(release) : `${checkout}_fresh/server.js`;
  const [program, ...args] = network !== undefined
    ? ["ip", "netns", "exec", network.namespace, Deno.execPath()]
    : withoutRights
    ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all", Deno.execPath()]
    : options.descriptors !== undefined
    ? ["sh", "-c", `ulimit -n ${options.descriptors}; exec "$0" "$@"`, Deno.execPath()]
    : [];
  const command = new Deno.Command(program ?? Deno.execPath(), {
    args: [
      ...args,
      "serve",
      ...permissions(dirname(built), dataDir, env.FESTIVAL_KV_URL, options.checkout),
      `--config=${checkout}deno.json`,
      `--host=${hostname}`,
      `--port=${port}`,
      ...(workers === undefined ? [] : ["--parallel"]),
      ...(preload === undefined ? [] : [`--preload=${preload}`]),
      ...(inspectorPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectorPort}`]),
      built,
    ],
    cwd: checkout,
    env: {
      FESTIVAL_DATA_DIR: dataDir,
      // Deno's own variable for the number of workers.
      ...(workers === undefined ? {} : { DENO_JOBS: String(workers) }),
      // Tests read figures, as development does.
      ...("FESTIVAL_METRICS_TOKEN" in env ? {} : { FESTIVAL_FIGURES: "public" }),
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  return { command, url: `http://${hostname}:${port}`, inspectorPort };
}

/** Starts the server and waits until it answers. */
export async function startServer(options: ServerProcessOptions): Promise<ServerProcess> {
  const { command, url, inspectorPort } = await serverCommand(options);
  const { network } = options;
  const child = command.spawn();

  const log: string[] = [];
  const reading = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      log.push(...text.split("\n").filter((line) => line.trim() !== ""));
    }
  }));
  let gone = false;
  const ended = child.status.then(async () => {
    gone = true;
    await reading;
  });
  const send = async (signal: Deno.Signal) => {
    if (!gone) child.kill(signal);
    await ended;
  };
  try {
    // Nobody outside its network can ask it whether it is there.
    const listens = () => log.some((line) => line.includes("Listening on"));
    await until(network === undefined ? () => answers(`${url}/health`) : () => Promise.resolve(listens()), () => gone);
  } catch (error) {
    await send("SIGKILL");
    throw new Error(`the server did not start: ${log.join("\n")}`, { cause: error });
  }
  return { pid: child.pid, url, log, inspectorPort, kill: () => send("SIGKILL"), stop: () => send("SIGTERM") };
}

/** Longest time a start may take on a busy machine. */
const START_TIMEOUT_MS = 30_000;

/** Asks again and again: there is nothing to listen to before the server is there. */
async function until(isThere: () => Promise<boolean>, gone: () => boolean): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!await isThere()) {
    if (gone()) throw new Error("the process ended");
    if (Date.now() > deadline) throw new Error(`no answer within ${START_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(address);
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false; // Not listening yet.
  }
}

/** A port that nobody uses. It may be taken by the time the server asks for it; then the start fails and says so. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Resident memory of a process, bytes, as `ps` says. */
export async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
  return Number(new TextDecoder().decode(stdout).trim()) * 1024;
}
