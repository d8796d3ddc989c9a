// Runs in browser and server.
/** Readers and checks of texts that several kinds share. */
import { toWellFormed } from "../shared/well_formed.ts";
import { BadField, check, prose, type Reader } from "../protocol/fields.ts";
import { MESSAGE_MAX_CHARS, NAME_MAX_BYTES } from "../protocol/limits.ts";

const utf8 = new TextEncoder();

/** A text of at most `maxBytes` UTF-8 bytes. */
export function inBytes(read: Reader<string>, maxBytes: number): Reader<string> {
  return (value, field) => {
    const text = read(value, field);
    if (utf8.encode(text).length > maxBytes) throw new BadField(field, true);
    return text;
  };
}

/** The text of a message. */
export const messageText: Reader<string> = prose(MESSAGE_MAX_CHARS);
/** A display name: its bytes are bounded here; lib/chat/display_name.ts decides how it looks. */
export const displayName: Reader<string> = inBytes(prose(Infinity), NAME_MAX_BYTES);

/** Typed text in the form in which it is signed. Half a surrogate pair, as a cut paste leaves it, has no UTF-8 form. */
export function tidyTyped(typed: string): string {
  return toWellFormed(typed.trim());
}

/** Why this reader does not take a text; undefined when it does. */
export function problemOf(read: Reader<string>, text: string): "empty" | "too_long" | undefined {
  const checked = check(read, text);
  return checked.ok ? undefined : checked.tooLong ? "too_long" : "empty";
}

/** A text in the form in which repetitions are equal: neither case nor the amount of white space makes a difference. */
export function sameText(text: string): string {
  return text.toLowerCase().replace(/\s+/gu, " ").trim();
}
