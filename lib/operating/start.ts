/**
 * `deno task start [--port 8000] [--host 0.0.0.0] [--parallel]`: prints how to open the server, and serves the build with
 * the permissions that it needs and no others. Signals reach the server, and it ends with everything that started it.
 */
import { ConfigError, readConfig } from "../server/config/read_config.ts";
import { unknownVariables } from "../server/config/unknown_variables.ts";
import type { ServerConfig } from "../server/config/server_config.ts";
import { memoryLimit } from "../server/limits/memory_limit.ts";
import { ENDS_WITH_PARENT } from "../server/process_end.ts";
import { lanAddresses } from "./addresses.ts";
import { firstLines } from "./first_lines.ts";
import { type Listening, readListening } from "./listening.ts";
import { isStartedByNpx, watchStarters } from "./starter.ts";

const DEFAULT_PORT = 8000;
const BUILD = "_fresh/server.js";

/** The server needs less than 5 s to send everybody away and to store what it took. */
const GRACE_MS = 4_500;

/** Variables that the server reads: its own, Deno's, the container's, and those of the published Fresh. */
const READ_VARIABLES = "FESTIVAL_*,DENO_*,OTEL_*,container,KUBERNETES_SERVICE_HOST,GITHUB_SHA,CI_COMMIT_SHA";

/**
 * The permissions of the server: it reads the build and some variables, reads and writes its data, and reaches the
 * network only for a database there. `build`: the folder of the build.
 */
export function serverPermissions(
  { dataDir, kvUrl }: Pick<ServerConfig, "dataDir" | "kvUrl">,
  build = "_fresh",
): string[] {
  const files = kvUrl === undefined
    ? [`--allow-read=${build},static,${dataDir}`, `--allow-write=${dataDir}`, "--allow-sys=statfs,systemMemoryInfo"]
    : [`--allow-read=${build},static`, "--allow-net", "--allow-sys=systemMemoryInfo"];
  return ["--no-prompt", `--allow-env=${READ_VARIABLES}`, ...files];
}

/** The whole command, after `deno`. Packages that only development needs are not installed. */
function serveArguments({ host, port, parallel }: Listening & { port: number }, config: ServerConfig): string[] {
  return [
    "serve",
    "--quiet",
    "--node-modules-dir=auto",
    "--unstable-npm-lazy-caching",
    ...serverPermissions(config),
    `--host=${host}`,
    `--port=${port}`,
    ...(parallel ? ["--parallel"] : []),
    BUILD,
    ENDS_WITH_PARENT,
  ];
}

const MEMORY_VARIABLE = "FESTIVAL_MEMORY_MB";

/** The setting for this many bytes; none when they are unknown. */
function memoryVariable(bytes: number): Record<string, string> {
  return Number.isFinite(bytes) ? { [MEMORY_VARIABLE]: String(Math.max(128, Math.floor(bytes / 1_048_576))) } : {};
}

async function start(): Promise<number> {
  const env = (name: string) => Deno.env.get(name);
  const config = readConfig(env);
  const { host, port = DEFAULT_PORT, parallel } = readListening(Deno.args, env);
  const listening = { host, port, parallel };
  if (!await isFile(BUILD)) {
    const run = isStartedByNpx(env) ? "npx -y deno task build" : "deno task build";
    throw new Error(`there is no build yet: run \`${run}\` first, then this command again`);
  }
  const lan = lanAddresses(Deno.networkInterfaces());
  const unknown = unknownVariables(Object.keys(Deno.env.toObject()));
  // deno-lint-ignore no-console -- for the operator at the terminal
  for (const line of firstLines({ listening, config, lan, unknown })) console.log(line);

  const server = new Deno.Command(Deno.execPath(), {
    args: serveArguments(listening, config),
    // The server itself may not read the limit of its control group.
    env: env(MEMORY_VARIABLE) === undefined ? memoryVariable(memoryLimit()) : {},
    stdin: "null",
  }).spawn();
  let killing: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    if (killing !== undefined) return;
    killing = setTimeout(() => server.kill("SIGKILL"), GRACE_MS);
    server.kill("SIGTERM");
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, stop);
  watchStarters(stop, { byNpx: isStartedByNpx(env) });
  const { code } = await server.status;
  clearTimeout(killing);
  return code;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await start());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // deno-lint-ignore no-console -- for the operator at the terminal
    console.error(error instanceof ConfigError ? error.message : `Festival Chat did not start: ${error.message}`);
    Deno.exit(1);
  }
}
