/** A transport to a room: what a session needs of whatever carries its frames. */

/** One connection, from its opening to its end. A new try is a new transport. */
export interface Transport {
  /** Hands over one frame, in order; false when it was not taken (not open yet, closed, or too much is waiting). */
  send(text: string): boolean;
  /** Ends the transport. None of its events come afterwards. */
  close(): void;
}

/** What a transport tells. Nothing comes after `closed`. */
export interface TransportEvents {
  /** Frames go both ways from now on. */
  opened(): void;
  /** Whatever arrived: the decoder finds out whether it is a frame. */
  received(data: unknown): void;
  /** The transport ended without our doing, with the WebSocket close code (RFC 6455 section 7.4). */
  closed(code: number): void;
}

/** Begins to open a transport. No event comes before it returns. */
export type OpenTransport = (events: TransportEvents) => Transport;

/** A transport whose code is loaded when it is first wanted. Code that does not come is a transport that does not open. */
export function lazyTransport(load: () => Promise<OpenTransport>, events: TransportEvents): Transport {
  let transport: Transport | undefined;
  let closed = false;
  load().then((open) => {
    if (!closed) transport = open(events);
  }).catch(() => {
    if (!closed) events.closed(NO_CLOSE_FRAME);
  });
  return {
    send: (text) => transport?.send(text) ?? false,
    close() {
      closed = true;
      transport?.close();
    },
  };
}

/** Close code of a connection that ended without saying why (RFC 6455 section 7.4.1). */
const NO_CLOSE_FRAME = 1006;
