// Runs in browser and server.
/**
 * Building blocks of all decoders. A reader takes an unknown value and the name of its field, and returns the checked
 * value or throws BadField with the name of the first wrong field. It builds new objects from checked fields only, so code
 * behind a decoder neither validates nor casts.
 */
import { isWellFormed } from "../shared/well_formed.ts";
import { isBase64UrlOf } from "../shared/base64url.ts";
import { countChars, isRecord, isTime } from "../shared/checks.ts";
import type { FrameProblem } from "./codes.ts";

/** Reads one value. `field` is its path, such as `people.shown[2]`; empty for the whole. */
export type Reader<Value> = (value: unknown, field: string) => Value;
/** The type that a reader returns. */
export type Read<From> = From extends Reader<infer Value> ? Value : never;

/** Thrown by readers only. The message is the path of the first wrong field. */
export class BadField extends Error {
  constructor(field: string, readonly tooLong = false) {
    super(field);
  }
}

export type ReadResult<Value> = { ok: true; value: Value } | { ok: false; field: string; tooLong?: true };

/** Runs a reader on a whole value. */
export function check<Value>(read: Reader<Value>, value: unknown): ReadResult<Value> {
  try {
    return { ok: true, value: read(value, "") };
  } catch (error) {
    if (error instanceof BadField) return { ok: false, field: error.message, ...(error.tooLong && { tooLong: true }) };
    throw error;
  }
}

/** The checked value, or undefined. */
export function readOr<Value>(read: Reader<Value>, value: unknown): Value | undefined {
  const checked = check(read, value);
  return checked.ok ? checked.value : undefined;
}

/** The value of a JSON text, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// ---- objects and lists ----

type Shape = Readonly<Record<string, Reader<unknown>>>;
type OptionalNames<Fields extends Shape> = {
  [Name in keyof Fields]: undefined extends Read<Fields[Name]> ? Name : never;
}[keyof Fields];
type Shaped<Fields extends Shape> =
  & { -readonly [Name in Exclude<keyof Fields, OptionalNames<Fields>>]: Read<Fields[Name]> }
  & { -readonly [Name in OptionalNames<Fields>]?: Exclude<Read<Fields[Name]>, undefined> };

/** An object with these fields, read in this order. Unknown fields are dropped. */
export function object<Fields extends Shape>(fields: Fields): Reader<Shaped<Fields>> {
  const readers = Object.entries(fields);
  return (value, field) => {
    if (!isRecord(value)) throw new BadField(field);
    const result: Record<string, unknown> = {};
    for (const [name, read] of readers) {
      const inner = read(value[name], field === "" ? name : `${field}.${name}`);
      if (inner !== undefined) result[name] = inner;
    }
    return result as Shaped<Fields>;
  };
}

/** Like `object`, but refuses unknown fields. */
export function exactly<Fields extends Shape>(fields: Fields): Reader<Shaped<Fields>> {
  const read = object(fields);
  return (value, field) => {
    const unknown = isRecord(value) && Object.keys(value).some((name) => !Object.hasOwn(fields, name));
    if (unknown) throw new BadField(field === "" ? "unknown" : `${field}.unknown`);
    return read(value, field);
  };
}

/** The objects that `tagged` reads. */
export type Tagged<Tag extends string, Kinds extends Readonly<Record<string, Reader<object>>>> = {
  [Word in keyof Kinds]: { [Name in Tag]: Word } & Read<Kinds[Word]>;
}[keyof Kinds];

/** An object of the kind that its field `tag` names. */
export function tagged<Tag extends string, Kinds extends Readonly<Record<string, Reader<object>>>>(
  tag: Tag,
  kinds: Kinds,
): Reader<Tagged<Tag, Kinds>> {
  return (value, field) => {
    const word = isRecord(value) ? value[tag] : undefined;
    if (typeof word !== "string" || !Object.hasOwn(kinds, word)) throw new BadField(tag);
    return { [tag]: word, ...kinds[word]!(value, field) } as Tagged<Tag, Kinds>;
  };
}

/** The value, or undefined if it is absent. */
export function optional<Value>(read: Reader<Value>): Reader<Value | undefined> {
  return (value, field) => value === undefined ? undefined : read(value, field);
}

/** The value, or null. */
export function nullable<Value>(read: Reader<Value>): Reader<Value | null> {
  return (value, field) => value === null ? null : read(value, field);
}

/** A list of `min` to `max` items. */
export function list<Item>(read: Reader<Item>, min = 0, max = Infinity): Reader<Item[]> {
  return (value, field) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) throw new BadField(field);
    return value.map((item: unknown, at) => read(item, `${field}[${at}]`));
  };
}

/** A list of exactly these items. */
export function tuple<Items extends readonly unknown[]>(
  ...readers: { [At in keyof Items]: Reader<Items[At]> }
): Reader<Items> {
  return (value, field) => {
    if (!Array.isArray(value) || value.length !== readers.length) throw new BadField(field);
    return readers.map((read, at) => read(value[at], `${field}[${at}]`)) as unknown as Items;
  };
}

/** Adds a condition to a reader. */
export function where<Value>(read: Reader<Value>, isRight: (value: Value) => boolean): Reader<Value> {
  return (value, field) => {
    const result = read(value, field);
    if (!isRight(result)) throw new BadField(field);
    return result;
  };
}

// ---- single values ----

/** One of these words, numbers or flags. */
export function oneOf<const Word extends string | number>(...words: readonly Word[]): Reader<Word> {
  return (value, field) => {
    const word = words.find((word) => word === value);
    if (word === undefined) throw new BadField(field);
    return word;
  };
}

/**
 * One of these words, or `fallback` for any other word, because a newer build may have more of them. Words consist of lower
 * case letters and underscores.
 */
export function wordOr<const Word extends string>(fallback: Word, words: readonly Word[]): Reader<Word> {
  return (value, field) => {
    if (typeof value !== "string" || !/^[a-z][a-z_]{0,31}$/.test(value)) throw new BadField(field);
    return words.find((word) => word === value) ?? fallback;
  };
}

/** Well-formed text of at most `max` UTF-16 units. A lone surrogate has no UTF-8 form, so nobody can sign it. */
export function text(max = Infinity): Reader<string> {
  return (value, field) => {
    if (typeof value !== "string" || value.length > max || !isWellFormed(value)) throw new BadField(field);
    return value;
  };
}

/** Non-empty text of at most `max` UTF-16 units. Unlike `text`, it accepts lone surrogates. */
export function filled(max = Infinity): Reader<string> {
  return (value, field) => {
    if (typeof value !== "string" || value === "" || value.length > max) throw new BadField(field);
    return value;
  };
}

/** Text for people: not blank, and at most `maxChars` code points, else it is too long. */
export function prose(maxChars: number): Reader<string> {
  const read = text();
  return (value, field) => {
    const words = read(value, field);
    if (words.trim() === "") throw new BadField(field);
    // UTF-16 length first: counting a huge text only to refuse it would let an attacker waste CPU time.
    if (words.length > 2 * maxChars || countChars(words) > maxChars) throw new BadField(field, true);
    return words;
  };
}

/** Canonical base64url of exactly `byteLength` bytes. */
export function base64url(byteLength: number): Reader<string> {
  return (value, field) => {
    if (!isBase64UrlOf(value, byteLength)) throw new BadField(field);
    return value;
  };
}

/** A whole number from `min` to `max`, both included. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, field) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) throw new BadField(field);
    return value as number;
  };
}

export const flag: Reader<boolean> = (value, field) => {
  if (typeof value !== "boolean") throw new BadField(field);
  return value;
};

/** Ms since 1970. */
export const time: Reader<number> = (value, field) => {
  if (!isTime(value)) throw new BadField(field);
  return value;
};

/** A whole number of at least 1. */
export const count: Reader<number> = whole(1);
/** A whole number of at least 0. */
export const amount: Reader<number> = whole(0);
/** The id of an event, room or session, or a nonce: 16 bytes. */
export const id: Reader<string> = base64url(16);
/** An Ed25519 public key. */
export const key: Reader<string> = base64url(32);
/** An Ed25519 signature. */
export const signature: Reader<string> = base64url(64);

// ---- frames ----

/** A frame, or why it is invalid; `field` is the path of the first wrong field. */
export type Decoded<Frame> =
  | { ok: true; frame: Frame }
  | { ok: false; problem: Exclude<FrameProblem, "out_of_turn" | "busy">; field?: string };

/** Reads a frame from its text. `readers`: one for each `type` of frame. */
export function decodeFrame<Readers extends Readonly<Record<string, Reader<object>>>>(
  data: unknown,
  maxChars: number,
  readers: Readers,
): Decoded<Tagged<"type", Readers>> {
  if (typeof data !== "string") return { ok: false, problem: "not_text" };
  // A text has at least as many UTF-8 bytes as UTF-16 units, and at most three times as many, which the bound tolerates.
  if (data.length > maxChars) return { ok: false, problem: "too_large" };
  const value = parseJson(data);
  if (value === undefined) return { ok: false, problem: "not_json" };
  const type = isRecord(value) ? value.type : undefined;
  if (typeof type !== "string" || !Object.hasOwn(readers, type)) return { ok: false, problem: "unknown_type" };
  const read = check(readers[type]!, value);
  if (!read.ok) return { ok: false, problem: "bad_field", field: read.field };
  return { ok: true, frame: { type, ...read.value } as Tagged<"type", Readers> };
}
