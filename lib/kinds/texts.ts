// Runs in browser and server.
/** Readers and checks of texts that several kinds share. */
import { toWellFormed } from "../shared/well_formed.ts";
import { BadField, check, prose, type Reader } from "../protocol/fields.ts";
import { MESSAGE_MAX_CHARS, NAME_MAX_BYTES } from "../protocol/limits.ts";
import type { Composed } from "./kind.ts";

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

/** The signed form of a typed text. A truncated paste may end in half a surrogate pair, which has no UTF-8 form. */
export function tidyTyped(typed: string): string {
  return toWellFormed(typed.trim());
}

/** The content, or why this reader refuses the text in it. */
export function composed<Content>(
  read: Reader<unknown>,
  text: string | undefined,
  content: Content,
): Composed<Content> {
  const checked = check(read, text);
  return checked.ok ? { content } : { problem: checked.tooLong ? "too_long" : "empty" };
}

/** Folds a text so that repetitions are equal: ignores case and the amount of white space. */
export function sameText(text: string): string {
  return text.toLowerCase().replace(/\s+/gu, " ").trim();
}
