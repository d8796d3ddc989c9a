/** One client's connection as the transports and the chat server see it. */

/** The visitor as far as limits need it: the device's cookie and the network address. */
export interface Visitor {
  device: string;
  address: string;
}

/** Carries frames to one client: a WebSocket, or another transport that keeps their order. */
export interface ClientConnection {
  /** Sends one frame, or queues it. A dead connection drops it and reports by `closed`. */
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Bytes that are not yet with the client. */
  bufferedBytes(): number;
  /**
   * Most bytes that may wait for the client, or one frame: a transport that keeps them in this server's memory says so.
   * Absent: `fanOut.highWatermarkBytes`.
   */
  readonly maxBufferedBytes?: number;
}

/** Takes a transport's reports of one connection. */
export interface ConnectionHandle {
  /** A frame arrived: text, or anything else that a client may send. */
  receive(data: unknown): void;
  /** The client is gone. */
  closed(): void;
  /** Asks the client for a sign of life, which any frame is. False before the welcome. */
  check(): boolean;
}
