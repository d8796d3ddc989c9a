/**
 * The processes between this one and the command that somebody typed. A package runner (`npx -y deno task start`) puts a
 * shell or a Node script in between that dies of a signal without passing it on: whoever watches the outermost process
 * would believe that all has ended. So this process ends when one of them does.
 */

/** A process as the system lists it. */
export interface ProcessEntry {
  parent: number;
  /** Its arguments, separated by spaces. */
  command: string;
}

/** Answers undefined for a process that is gone. */
export type LookUp = (pid: number) => Promise<ProcessEntry | undefined>;

const TASK = /(^|\/)deno(\.exe)? task /;
const RUNNER = /^(node )?(\S*\/)?(npm|npx|pnpm|yarn|bunx?)(-cli\.js)?( |$)/;
/** Programs that runners put between themselves and Deno: a shell with one command, or the script of npm's package. */
const BETWEEN = /^((\S*\/)?(da|ba)?sh -c |(\S*\/)?node \S*deno)/;
/** More than there are in any way to start. */
const LONGEST_CHAIN = 8;

/**
 * The pids from the `deno task` that started process `pid` up to the package runner that started that, each the child of
 * the next. Only the task without a runner; empty without a task: a shell that starts the server may end before it.
 */
export async function startersOf(pid: number, lookUp: LookUp): Promise<number[]> {
  const parent = (await lookUp(pid))?.parent;
  let entry = parent === undefined ? undefined : await lookUp(parent);
  if (parent === undefined || entry === undefined || !TASK.test(entry.command)) return [];
  const chain = [parent];
  while (chain.length < LONGEST_CHAIN) {
    const next: number = entry.parent;
    entry = await lookUp(next);
    if (entry === undefined) break;
    chain.push(next);
    if (RUNNER.test(entry.command)) return chain;
    if (!BETWEEN.test(entry.command)) break;
  }
  return [parent];
}

/** Whether one of the starters of process `pid` has ended: its child then has another parent. */
export async function haveStartersEnded(pid: number, chain: readonly number[], lookUp: LookUp): Promise<boolean> {
  for (const [at, starter] of chain.entries()) {
    const child = at === 0 ? pid : chain[at - 1]!;
    if ((await lookUp(child))?.parent !== starter) return true;
  }
  return false;
}

/** How often the starters are looked for, ms. */
const WATCH_MS = 500;

/**
 * Calls `ended` once, when a starter of this process has ended. `byNpx`: npx started it; where that is
 * gone at the first look, it has ended already. Returns a function that ends the watch.
 */
export function watchStarters(ended: () => void, { byNpx, lookUp = lookUpProcess }: {
  byNpx: boolean;
  lookUp?: LookUp;
}): () => void {
  let chain: number[] | undefined;
  let isWatching = true;
  const look = async () => {
    if (chain === undefined) {
      chain = await startersOf(Deno.pid, lookUp);
      const isOrphan = byNpx && chain.length === 1 && (await lookUp(chain[0]!))?.parent === 1;
      if (!isOrphan && chain.length === 0) return;
      if (!isOrphan) return setTimeout(look, WATCH_MS);
    } else if (!await haveStartersEnded(Deno.pid, chain, lookUp)) return setTimeout(look, WATCH_MS);
    if (isWatching) ended();
  };
  void look();
  return () => isWatching = false;
}

/** Whether `npx deno` started this process, as npm's variables say: not a script of npm's that runs Deno in the background. */
export function isStartedByNpx(env: (name: string) => string | undefined): boolean {
  return env("npm_lifecycle_event") === "npx" && /^['"]?deno\b/.test(env("npm_lifecycle_script") ?? "");
}

/** Asks Linux' own list, elsewhere `ps`. */
export async function lookUpProcess(pid: number): Promise<ProcessEntry | undefined> {
  if (Deno.build.os !== "linux") return await askPs(pid);
  try {
    // The name, in parentheses, may contain anything.
    const [, parent] = /^.*\) \S (\d+)/s.exec(await Deno.readTextFile(`/proc/${pid}/stat`)) ?? [];
    const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
    return parent === undefined ? undefined : { parent: Number(parent), command };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || (error as { code?: string }).code === "ESRCH") return undefined;
    throw error;
  }
}

async function askPs(pid: number): Promise<ProcessEntry | undefined> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "ppid=,args=", "-p", String(pid)] }).output();
  const [, parent, command] = /^\s*(\d+) (.*)$/m.exec(new TextDecoder().decode(stdout)) ?? [];
  return parent === undefined ? undefined : { parent: Number(parent), command: command! };
}
