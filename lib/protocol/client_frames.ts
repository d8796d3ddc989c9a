// Runs in browser and server.
/** Every frame of the client. In pages only a tab that relays other tabs' frames reads them. */
import { wireEvent } from "./event.ts";
import {
  amount,
  base64url,
  count,
  type Decoded,
  decodeFrame,
  id,
  key,
  list,
  object,
  oneOf,
  optional,
  parseJson,
  type Read,
  readOr,
  type Tagged,
  whole,
} from "./fields.ts";
import { personName, signedSignal } from "./frames.ts";
import { CLIENT_FRAME_MAX_BYTES, PAGE_MAX_EVENTS, SEND_MAX_EVENTS } from "./limits.ts";

const FRAMES = {
  /** Client, once, as the answer to `challenge`. */
  hello: object({
    version: count,
    /** The JSON of a HelloProof, and its signature by `author`. */
    proof: wireEvent,
    /** The LogPosition at the end of this client's replica of the log. Absent if it has none. */
    resume: optional(object({ epoch: base64url(8), position: amount })),
    /**
     * The device's clock, ms since 1970: many of them together show a server that its own is wrong. A device without a
     * valid time is admitted as well.
     */
    at: (value: unknown) => Number.isSafeInteger(value) ? value as number : undefined,
  }),

  /** Client: up to SEND_MAX_EVENTS of its events, in the order of `n`. Sending one again is harmless. */
  send: object({ events: list(wireEvent, 1, SEND_MAX_EVENTS) }),

  /** Client: requests up to `limit` older events that end just before the position `before`. */
  history: object({ before: count, limit: whole(1, PAGE_MAX_EVENTS) }),

  /** Client: checks the connection. Sent after HEARTBEAT_MS of silence, on resume, and when the connection is suspect. */
  ping: object({}),

  /** Client: for the person `to`, on all their connections. The server relays it and stores nothing. */
  signal: object({ to: key, ...signedSignal }),
};

/** A client's frame of one `type`, or of any. */
export type ClientFrame<Type extends keyof typeof FRAMES = keyof typeof FRAMES> = Tagged<
  "type",
  Pick<typeof FRAMES, Type>
>;

/** Reads a client's frame. */
export function decodeClientFrame(data: unknown): Decoded<ClientFrame> {
  return decodeFrame(data, CLIENT_FRAME_MAX_BYTES, FRAMES);
}

/** A client signs this to prove that it has the private key. */
export type HelloProof = Read<typeof helloProof>;
/** `nonce`: of this connection's `challenge`. `name`: the display name; sealed in a sealed room. */
const helloProof = object({ hello: oneOf(1), nonce: id, room: id, author: key, name: personName });

/** Reads the payload of a hello's proof; undefined when it is not one. The signature is still to be checked. */
export function readHelloProof(payload: string): HelloProof | undefined {
  return readOr(helloProof, parseJson(payload));
}
