/** The WebSocket transport: one socket per connection, at one URL per room. */
import type { RoomId } from "../protocol/event.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/** Bytes that may wait in a socket for the line; more is not taken, and the sender keeps it. */
export const TRANSPORT_MAX_BUFFERED_BYTES = 1_048_576;

/** What is used of the platform's WebSocket. */
export type SocketLike = Pick<
  WebSocket,
  "readyState" | "bufferedAmount" | "onopen" | "onmessage" | "onclose" | "onerror" | "send" | "close"
>;

/** WebSocket.OPEN, also where there is no such global. */
const OPEN = 1;

/** Where the socket of a room is, for a page at `pageUrl`. */
export function socketUrl(pageUrl: string, room: RoomId): string {
  const url = new URL(`/api/rooms/${room}/socket`, pageUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A transport over a socket that is about to open. */
export function socketTransport(socket: SocketLike, events: TransportEvents): Transport {
  const silence = () => {
    socket.onopen =
      socket.onmessage =
      socket.onclose =
      socket.onerror =
        null;
  };
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => events.received(data);
  socket.onclose = ({ code }) => {
    silence();
    events.closed(code);
  };
  // No `onerror`: `close` always follows, and a browser tells no more there.
  return {
    send(text) {
      // UTF-16 length, at most three times too small in bytes, which the bound tolerates.
      if (socket.readyState !== OPEN || socket.bufferedAmount + text.length > TRANSPORT_MAX_BUFFERED_BYTES) {
        return false;
      }
      socket.send(text);
      return true;
    },
    close() {
      silence();
      socket.close();
    },
  };
}
