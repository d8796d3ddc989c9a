/** A browser's WebSocket as a ClientConnection. */
import type { ChatServer } from "../server.ts";
import type { ConnectionHandle, Visitor } from "./connection.ts";
import type { RoomId } from "../../protocol/event.ts";
import { abortSocket } from "./abort_socket.ts";

/**
 * Seconds without an answer to the WebSocket's own ping after which the runtime closes a dead socket. `ping` frames
 * and IDLE_TIMEOUT_MS watch the program at the other end; this watches the network.
 */
export const SOCKET_IDLE_TIMEOUT_S = 30;

/**
 * Whether a socket may be opened from this page. Browsers name the page's origin in every handshake (RFC 6455 section
 * 10.2), and some of them say that it is the socket's own (Fetch Metadata), which no page can forge. A foreign page must not
 * use its visitor's cookie. Programs other than browsers send no origin.
 */
export function mayOpenSocket(headers: Headers, url: URL, origins: readonly string[]): boolean {
  const origin = headers.get("origin");
  if (origin === null || headers.get("sec-fetch-site") === "same-origin" || origins.includes(origin)) return true;
  const host = URL.parse(origin)?.host;
  return host !== undefined && (host === headers.get("host") || host === url.host);
}

/** Joins a new socket to a room as soon as it is open. */
export function serveSocket(socket: WebSocket, server: ChatServer, room: RoomId, visitor: Visitor): void {
  const { stats, sockets } = server;
  let handle: ConnectionHandle | undefined;
  const watched = {
    check: () => handle?.check() ?? false,
    abort() {
      abortSocket(socket);
      leave();
    },
  };
  const leave = () => {
    sockets.gone(watched);
    if (handle !== undefined) stats.closed("websocket");
    handle?.closed();
    handle = undefined;
  };
  socket.onopen = () => {
    stats.opened("websocket");
    sockets.opened(watched);
    handle = server.connect(room, {
      send(text) {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(text);
        stats.sent("websocket", text);
      },
      close(code, reason) {
        // Closing twice is harmless; a socket that died meanwhile reports by onclose.
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.close(code, reason);
        sockets.closing(watched);
      },
      bufferedBytes: () => socket.bufferedAmount,
    }, visitor);
  };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") stats.received("websocket", data);
    sockets.heard(watched);
    handle?.receive(data);
  };
  socket.onclose = leave;
  // The cause makes no difference: `close` follows, and the client resumes.
  socket.onerror = () => handle?.closed();
}
