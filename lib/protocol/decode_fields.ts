// Runs in browser and server.
/**
 * What the one door is made of through which text becomes a frame (decode_client.ts, decode_server.ts): a reader for each
 * kind of field, which gives the checked value or names the wrong field. A new object is built from the checked fields, so
 * nobody behind the door validates or casts.
 */
import { isBase64UrlOf } from "./base64url.ts";
import type { FrameProblem } from "./codes.ts";
import { isCount, isRecord, isTime, type WireEvent } from "./event.ts";
import { EVENT_PAYLOAD_MAX_BYTES, NAME_MAX_BYTES, SIGNAL_PAYLOAD_MAX_CHARS } from "./limits.ts";
import { isWellFormed } from "./well_formed.ts";

export type Decoded<Frame> =
  | { ok: true; frame: Frame }
  | { ok: false; problem: FrameProblem; field?: string };

/** Thrown inside a decoder only: the name of the first wrong field. */
export class BadField extends Error {}

/** Reads one frame with `read`, which answers undefined for a type that is not one of its own. */
export function decode<Frame>(
  data: unknown,
  maxBytes: number,
  read: (type: unknown, fields: Record<string, unknown>) => Frame | undefined,
): Decoded<Frame> {
  if (typeof data !== "string") return { ok: false, problem: "not_text" };
  // No text has fewer UTF-8 bytes than UTF-16 units; at most three times as many, which the bound tolerates.
  if (data.length > maxBytes) return { ok: false, problem: "too_large" };
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { ok: false, problem: "not_json" };
  }
  if (!isRecord(value)) return { ok: false, problem: "unknown_type" };
  try {
    const frame = read(value.type, value);
    return frame === undefined ? { ok: false, problem: "unknown_type" } : { ok: true, frame };
  } catch (error) {
    if (error instanceof BadField) return { ok: false, problem: "bad_field", field: error.message };
    throw error;
  }
}

/** A payload and a signature. Sizes are bounded here; `readEvent` reads the payload. */
export function wireEvent(value: unknown, field: string): WireEvent {
  if (!Array.isArray(value) || value.length !== 2) throw new BadField(field);
  const [payload, signature]: unknown[] = value;
  if (typeof payload !== "string" || payload === "") throw new BadField(`${field}[0]`);
  // Twice the limit: a payload somewhat too long is an event to refuse by id, a huge one is not worth hashing.
  if (payload.length > 2 * EVENT_PAYLOAD_MAX_BYTES) throw new BadField(`${field}[0]`);
  return [payload, base64url(signature, `${field}[1]`, 64)];
}

/** The signed text of a signal. Its size is bounded here; `readSignal` reads it. */
export function signed(fields: Record<string, unknown>): { payload: string; signature: string } {
  const payload = text(fields.payload, "payload");
  if (payload === "" || payload.length > SIGNAL_PAYLOAD_MAX_CHARS) throw new BadField("payload");
  return { payload, signature: base64url(fields.signature, "signature", 64) };
}

/** A display name in the clear, or a sealed one: IV, tag and at most NAME_MAX_BYTES, base64url. */
export function personName(value: unknown, field: string): string {
  const name = text(value, field);
  if (name.trim() === "" || name.length > Math.ceil((12 + 16 + NAME_MAX_BYTES) * 4 / 3)) throw new BadField(field);
  return name;
}

export function list<Item>(
  value: unknown,
  field: string,
  min: number,
  max: number,
  read: (value: unknown, field: string) => Item,
): Item[] {
  if (!Array.isArray(value) || value.length < min || value.length > max) throw new BadField(field);
  return value.map((item: unknown, index) => read(item, `${field}[${index}]`));
}

export function optional<Name extends string, Value>(
  name: Name,
  value: unknown,
  read: (value: unknown, field: string) => Value,
): { [name in Name]?: Value } {
  if (value === undefined) return {};
  return { [name]: read(value, name) } as { [name in Name]?: Value };
}

export function oneOf<Word extends string>(value: unknown, field: string, words: readonly Word[]): Word {
  const word = words.find((word) => word === value);
  if (word === undefined) throw new BadField(field);
  return word;
}

export function text(value: unknown, field: string): string {
  if (typeof value !== "string" || !isWellFormed(value)) throw new BadField(field);
  return value;
}

export function base64url(value: unknown, field: string, byteLength: number): string {
  if (!isBase64UrlOf(value, byteLength)) throw new BadField(field);
  return value;
}

export function count(value: unknown, field: string, max = Number.MAX_SAFE_INTEGER): number {
  if (!isCount(value) || value > max) throw new BadField(field);
  return value;
}

/** Zero or a count. */
export function position(value: unknown, field: string): number {
  if (value !== 0 && !isCount(value)) throw new BadField(field);
  return value;
}

export function time(value: unknown, field: string): number {
  if (!isTime(value)) throw new BadField(field);
  return value;
}
