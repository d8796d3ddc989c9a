/** When this process has to end, and how. */

/** An argument of the server's: it ends when its parent does, even one that is killed and can pass nothing on. */
export const ENDS_WITH_PARENT = "--ends-with-parent";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How often the parent is looked for, ms. */
const PARENT_WATCH_MS = 1_000;

/** Calls `end` once, at the first signal or when the parent has ended. Returns a function that ends the watch. */
export function listenForEnd(end: (signal: Deno.Signal) => void): () => void {
  let isEnding = false;
  const listeners = SIGNALS.map((signal) => {
    const hear = () => {
      if (!isEnding) end(signal);
      isEnding = true;
    };
    Deno.addSignalListener(signal, hear);
    return { signal, hear };
  });
  const parent = Deno.ppid;
  const watch = !Deno.args.includes(ENDS_WITH_PARENT) ? undefined : setInterval(() => {
    if (Deno.ppid !== parent) listeners[0]!.hear();
  }, PARENT_WATCH_MS);
  return () => {
    clearInterval(watch);
    for (const { signal, hear } of listeners) Deno.removeSignalListener(signal, hear);
  };
}

/**
 * Ends the process. After `Deno.exit`, `deno run --watch` waits for a change of a file; a signal that nobody listens to
 * ends that too.
 */
export function endProcess(signal: Deno.Signal, isWatched: boolean): void {
  if (isWatched) Deno.kill(Deno.pid, signal);
  else Deno.exit(0);
}
