// Runs in browser and server.
/** Decoders of what clients send. In pages only a tab that carries others' frames needs them. */
import {
  amount,
  base64url,
  count,
  type Decoded,
  decodeFrame,
  type FrameReaders,
  id,
  key,
  list,
  object,
  oneOf,
  optional,
  parseJson,
  readOr,
  whole,
} from "./fields.ts";
import { personName, SIGNED, wireEvent } from "./decode_shared.ts";
import type { ClientFrame, HelloProof } from "./frames.ts";
import { CLIENT_FRAME_MAX_BYTES, PAGE_MAX_EVENTS, SEND_MAX_EVENTS } from "./limits.ts";

const FRAMES: FrameReaders<ClientFrame> = {
  hello: object({
    proof: wireEvent,
    version: count,
    resume: optional(object({ epoch: base64url(8), position: amount })),
    // A device with no idea of the time gets in, too.
    at: (value) => Number.isSafeInteger(value) ? value as number : undefined,
  }),
  send: object({ events: list(wireEvent, 1, SEND_MAX_EVENTS) }),
  history: object({ before: count, limit: whole(1, PAGE_MAX_EVENTS) }),
  ping: object({}),
  signal: object({ to: key, ...SIGNED }),
};

/** Reads what a client sent. */
export function decodeClientFrame(data: unknown): Decoded<ClientFrame> {
  return decodeFrame(data, CLIENT_FRAME_MAX_BYTES, FRAMES);
}

const HELLO_PROOF = object({ hello: oneOf(1), nonce: id, room: id, author: key, name: personName });

/** Reads the payload of a hello's proof; undefined when it is not one. The signature is still to be checked. */
export function readHelloProof(payload: string): HelloProof | undefined {
  return readOr(HELLO_PROOF, parseJson(payload));
}
