/** Keeps the server reachable when Deno would end it. */
import { ownLogger } from "./instance.ts";

/** Time for connections to end before the port is opened again, ms. */
const PAUSE_MS = 500;

/**
 * The build's default export for `deno serve`. When a process has no file descriptor left, which anybody can bring about
 * with half-sent requests, Deno's accept loop ends with an error that ends the process, and everybody's connection with
 * it. Here connections stay, and the port is opened again until that works. A worker of `--parallel` waits until the
 * others have lost the port too: until then they serve.
 */
export function keepServing({ fetch }: { fetch: Deno.ServeHandler }): Deno.ServeDefaultExport {
  let address: { hostname: string; port: number } | undefined;
  const open = () => {
    try {
      Deno.serve({ hostname: address!.hostname, port: address!.port, onListen() {} }, fetch);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) && !isOutOfFiles(error)) throw error;
      setTimeout(open, PAUSE_MS);
    }
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (address === undefined || !isOutOfFiles(event.reason)) return;
    event.preventDefault();
    ownLogger().log(
      "error",
      "no file descriptor is left for new connections: raise the limit (LimitNOFILE, ulimit -n)",
    );
    setTimeout(open, PAUSE_MS);
  });
  return {
    fetch,
    onListen(listening) {
      if (listening.transport !== "tcp") return;
      const { hostname, port } = address = listening;
      ownLogger().log("info", `Listening on http://${hostname}:${port}/`);
    },
  };
}

/** EMFILE and ENFILE: of this process, of the machine. Deno's error has no code. */
function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && /\(os error 2[34]\)/.test(error.message);
}
