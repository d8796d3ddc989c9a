// Runs in browser and server.
/** Readers of what frames of both directions carry. */
import type { WireEvent } from "./event.ts";
import { filled, type Reader, signature, text, tuple, where } from "./fields.ts";
import { EVENT_PAYLOAD_MAX_BYTES, NAME_MAX_BYTES, SIGNAL_PAYLOAD_MAX_CHARS } from "./limits.ts";

/**
 * A payload and a signature; `readEvent` reads the payload. Twice the limit: a payload somewhat too long is an event to
 * refuse by id, a huge one is not worth hashing.
 */
export const wireEvent: Reader<WireEvent> = tuple(filled(2 * EVENT_PAYLOAD_MAX_BYTES), signature);

/** The signed text of a signal, which `readSignal` reads. */
export const SIGNED = {
  payload: where(text(SIGNAL_PAYLOAD_MAX_CHARS), (payload) => payload !== ""),
  signature,
};

/** A display name in the clear, or a sealed one: IV, tag and at most NAME_MAX_BYTES, base64url. */
export const personName: Reader<string> = where(
  text(Math.ceil((12 + 16 + NAME_MAX_BYTES) * 4 / 3)),
  (name) => name.trim() !== "",
);
