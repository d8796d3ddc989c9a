// Runs in browser and server.
/** Decoders of what clients send. In pages only a tab that carries others' frames needs them. */
import { isRecord } from "./event.ts";
import {
  BadField,
  base64url,
  count,
  decode,
  type Decoded,
  list,
  personName,
  position,
  signed,
  wireEvent,
} from "./decode_fields.ts";
import type { ClientFrame, HelloProof, LogPosition } from "./frames.ts";
import { CLIENT_FRAME_MAX_BYTES, PAGE_MAX_EVENTS, SEND_MAX_EVENTS } from "./limits.ts";

/** Reads what a client sent. */
export function decodeClientFrame(data: unknown): Decoded<ClientFrame> {
  return decode(data, CLIENT_FRAME_MAX_BYTES, (type, fields) => {
    switch (type) {
      case "hello": {
        const proof = wireEvent(fields.proof, "proof");
        const version = count(fields.version, "version");
        const resume = fields.resume === undefined ? {} : { resume: logPosition(fields.resume) };
        // A device with no idea of the time must get in, too.
        const at = Number.isSafeInteger(fields.at) ? { at: fields.at as number } : {};
        return { type, version, proof, ...resume, ...at };
      }
      case "send":
        return { type, events: list(fields.events, "events", 1, SEND_MAX_EVENTS, wireEvent) };
      case "history":
        return { type, before: count(fields.before, "before"), limit: count(fields.limit, "limit", PAGE_MAX_EVENTS) };
      case "ping":
        return { type };
      case "signal":
        return { type, to: base64url(fields.to, "to", 32), ...signed(fields) };
    }
  });
}

/** Reads the payload of a hello's proof; undefined when it is not one. The signature is still to be checked. */
export function readHelloProof(payload: string): HelloProof | undefined {
  try {
    const value: unknown = JSON.parse(payload);
    if (!isRecord(value) || value.hello !== 1) return undefined;
    return {
      hello: 1,
      nonce: base64url(value.nonce, "nonce", 16),
      room: base64url(value.room, "room", 16),
      author: base64url(value.author, "author", 32),
      name: personName(value.name, "name"),
    };
  } catch {
    return undefined;
  }
}

function logPosition(value: unknown): LogPosition {
  if (!isRecord(value)) throw new BadField("resume");
  return { epoch: base64url(value.epoch, "resume.epoch", 8), position: position(value.position, "resume.position") };
}
