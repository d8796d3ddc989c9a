/** A road to a room: what a session needs of whatever carries its frames. */

/** One connection, from its opening to its end. A new try is a new road. */
export interface Road {
  /** Hands over one frame, in order; false when it was not taken (not open yet, closed, or too much is waiting). */
  send(text: string): boolean;
  /** Ends the road. None of its events come afterwards. */
  close(): void;
}

/** What a road tells. Nothing comes after `closed`. */
export interface RoadEvents {
  /** Frames go both ways from now on. */
  opened(): void;
  /** Whatever arrived: the decoder finds out whether it is a frame. */
  received(data: unknown): void;
  /** The road ended without our doing, with the WebSocket close code (RFC 6455 section 7.4). */
  closed(code: number): void;
}

/** Begins to open a road. No event comes before it returns. */
export type OpenRoad = (events: RoadEvents) => Road;

/** A road whose code is loaded when it is first wanted. Code that does not come is a road that does not open. */
export function lazyRoad(load: () => Promise<OpenRoad>, events: RoadEvents): Road {
  let road: Road | undefined;
  let closed = false;
  load().then((open) => {
    if (!closed) road = open(events);
  }).catch(() => {
    if (!closed) events.closed(NO_CLOSE_FRAME);
  });
  return {
    send: (text) => road?.send(text) ?? false,
    close() {
      closed = true;
      road?.close();
    },
  };
}

/** Close code of a connection that ended without saying why (RFC 6455 section 7.4.1). */
const NO_CLOSE_FRAME = 1006;
