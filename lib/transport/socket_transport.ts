/** The WebSocket transport: one socket per connection, one URL per room. */
import type { RoomId } from "../protocol/event.ts";
import { type Transport, TRANSPORT_MAX_BUFFERED_BYTES, type TransportEvents } from "./transport.ts";

/** The part of WebSocket that is used. */
export type SocketLike = Pick<
  WebSocket,
  "readyState" | "bufferedAmount" | "onopen" | "onmessage" | "onclose" | "onerror" | "send" | "close"
>;

/** WebSocket.OPEN, also in environments without that global. */
const OPEN = 1;

/** The socket address of a room, for a page at `pageUrl`. */
export function socketUrl(pageUrl: string, room: RoomId): string {
  const url = new URL(`/api/rooms/${room}/socket`, pageUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A transport over a socket that is opening. */
export function socketTransport(socket: SocketLike, events: TransportEvents): Transport {
  const detach = () => {
    socket.onopen =
      socket.onmessage =
      socket.onclose =
      socket.onerror =
        null;
  };
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => events.received(data);
  socket.onclose = ({ code }) => {
    detach();
    events.closed(code);
  };
  // No `onerror`: `close` always follows, and browsers give no details.
  return {
    send(text) {
      // The UTF-16 length is at most three times too small in bytes, which the limit tolerates.
      if (socket.readyState !== OPEN || socket.bufferedAmount + text.length > TRANSPORT_MAX_BUFFERED_BYTES) {
        return false;
      }
      socket.send(text);
      return true;
    },
    close() {
      detach();
      socket.close();
    },
  };
}
