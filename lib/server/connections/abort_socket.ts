/**
 * Ends a WebSocket at once. `close()` asks the client to end it and goes on reading meanwhile: an unfinished message of up
 * to 64 MB stays in memory and grows. Deno has no setting for either (denoland/deno#15809).
 */

interface Internals {
  core?: { tryClose?(resource: number): void };
}

/** Closes the resource behind the socket, which frees what it has read. Without Deno's internals it is `close()`; false then. */
export function abortSocket(socket: WebSocket): boolean {
  const { internal } = Deno as unknown as { internal?: symbol };
  const { core } = (internal === undefined ? {} : Reflect.get(Deno, internal) ?? {}) as Internals;
  const rid = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "[[rid]]");
  const resource = rid === undefined ? undefined : Reflect.get(socket, rid);
  if (typeof core?.tryClose !== "function" || typeof resource !== "number") {
    if (socket.readyState < WebSocket.CLOSING) socket.close();
    return false;
  }
  core.tryClose(resource);
  return true;
}
