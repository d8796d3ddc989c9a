// Runs in browser and server.
/** What somebody typed or tapped as the content of an event, or why it cannot be one. Pure. */
import type { EventContent, EventId } from "../protocol/event.ts";
import { countChars } from "../shared/checks.ts";
import type { FileInfo } from "../protocol/file_info.ts";
import { FILE_CAPTION_MAX_CHARS, MESSAGE_MAX_CHARS, REACTION_MAX_BYTES } from "../protocol/limits.ts";

export type Composed = { content: EventContent } | { problem: "empty" | "too_long" };

/** A message, or a reply when `to` names what it answers. White space at both ends goes. */
export function composeMessage(name: string, typed: string, to?: EventId): Composed {
  const text = tidy(typed);
  const problem = textProblem(text);
  if (problem !== undefined) return { problem };
  const body = { name, text };
  return { content: to === undefined ? { kind: "message", body } : { kind: "reply", body: { ...body, to } } };
}

/** A file that is offered, with a text beside it or none. */
export function composeFile(name: string, file: FileInfo, typed: string): Composed {
  const text = tidy(typed);
  if (countChars(text) > FILE_CAPTION_MAX_CHARS) return { problem: "too_long" };
  return { content: { kind: "file", body: { name, ...(text !== "" && { text }), file } } };
}

/** A new text for the message `to`. */
export function composeEdit(to: EventId, typed: string): Composed {
  const text = tidy(typed);
  const problem = textProblem(text);
  return problem === undefined ? { content: { kind: "edit", body: { to, text } } } : { problem };
}

/** An emoji put on the message `to`, or taken off. */
export function composeReaction(to: EventId, emoji: string, on: boolean): Composed {
  if (emoji === "") return { problem: "empty" };
  if (new TextEncoder().encode(emoji).length > REACTION_MAX_BYTES) return { problem: "too_long" };
  return { content: { kind: "reaction", body: { to, emoji: emoji.toWellFormed(), on } } };
}

/** Half a surrogate pair, as a cut paste leaves it, has no UTF-8 form and could not be signed. */
function tidy(typed: string): string {
  return typed.trim().toWellFormed();
}

function textProblem(text: string): "empty" | "too_long" | undefined {
  if (text === "") return "empty";
  // UTF-16 first: counting a pasted book only to refuse it would stall the page.
  if (text.length > 2 * MESSAGE_MAX_CHARS || countChars(text) > MESSAGE_MAX_CHARS) return "too_long";
}
