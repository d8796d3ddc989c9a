/** A real `denokv` server (github.com/denoland/denokv), which several instances share over KV Connect. */
import { skipped } from "../support/skipping.ts";
import { freePort } from "../support/server_process.ts";

export const DENOKV_VERSION = "0.14.0";

const home = Deno.env.get("HOME") ?? "";
/** Where `deno task test:cluster` puts what it builds: outside the project, so that it is built once per machine. */
export const DENOKV_FOLDER = `${home}/.cache/festival/denokv-${DENOKV_VERSION}`;

/** Where the program may be. DENOKV_PATH comes first. */
function places(): string[] {
  const onPath = (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/denokv`);
  const named = Deno.env.get("DENOKV_PATH");
  return [...(named ? [named] : []), ...onPath, `${home}/.cargo/bin/denokv`, `${DENOKV_FOLDER}/bin/denokv`];
}

/** The path of the program; undefined when there is none. */
export function denokvPath(): string | undefined {
  return places().find(isFile);
}

/** The same for tests: says that they are skipped when there is none. */
export function findDenokv(): string | undefined {
  return denokvPath() ??
    skipped("cluster tests", "no denokv found; `deno task test:cluster` builds it once with cargo");
}

export class DenokvProcess {
  readonly port = freePort();
  readonly token = crypto.randomUUID();
  readonly #path: string;
  readonly #folder: string;
  #child: Deno.ChildProcess | undefined;

  private constructor(path: string, folder: string) {
    this.#path = path;
    this.#folder = folder;
  }

  /** Starts one on a database of its own in `folder`. */
  static async start(path: string, folder: string): Promise<DenokvProcess> {
    const denokv = new DenokvProcess(path, folder);
    await denokv.start();
    return denokv;
  }

  /** The environment variables by which instances use it. */
  get env(): Record<string, string> {
    return { FESTIVAL_KV_URL: `http://127.0.0.1:${this.port}`, DENO_KV_ACCESS_TOKEN: this.token };
  }

  /** Starts it, again after `kill`: on the same database and port. Resolves when it answers. */
  async start(): Promise<void> {
    const child = new Deno.Command(this.#path, {
      args: ["--sqlite-path", `${this.#folder}/denokv.sqlite`, "serve", "--addr", `127.0.0.1:${this.port}`],
      env: { DENO_KV_ACCESS_TOKEN: this.token },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    let ended = false;
    void child.status.then(() => ended = true);
    for (let tries = 0;; tries++) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch (error) {
        if (ended || tries > 400) throw new Error("denokv does not start", { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await child.status;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
