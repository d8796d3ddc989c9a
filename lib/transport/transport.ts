/** The transport interface between a session and the connection that carries its frames. */

/** Bytes that may be buffered in a transport. Beyond it frames are rejected and stay with the sender. */
export const TRANSPORT_MAX_BUFFERED_BYTES = 1_048_576;

/** Close code of a connection that ended without a close frame (RFC 6455 section 7.4.1). */
export const ABNORMAL_CLOSURE = 1006;

/** One connection, from opening to end. A new attempt is a new transport. */
export interface Transport {
  /** Sends one frame, in order. Returns false if it was rejected: not open yet, closed, or too much is buffered. */
  send(text: string): boolean;
  /** Ends the transport. No event follows. */
  close(): void;
}

/** Events of a transport. None follows `closed`. */
export interface TransportEvents {
  /** The transport is open in both directions. */
  opened(): void;
  /** Delivers inbound data, not decoded. */
  received(data: unknown): void;
  /** The server or the network ended the transport, with this WebSocket close code (RFC 6455 section 7.4). */
  closed(code: number): void;
}

/** Starts opening a transport. No event occurs before it returns. */
export type OpenTransport = (events: TransportEvents) => Transport;

/** A transport whose code is loaded on first use. If the code cannot be loaded, the transport fails to open. */
export function lazyTransport(load: () => Promise<OpenTransport>, events: TransportEvents): Transport {
  let transport: Transport | undefined;
  let closed = false;
  load().then((open) => {
    if (!closed) transport = open(events);
  }).catch(() => {
    if (!closed) events.closed(ABNORMAL_CLOSURE);
  });
  return {
    send: (text) => transport?.send(text) ?? false,
    close() {
      closed = true;
      transport?.close();
    },
  };
}
