// Runs in browser and server.
/** A person's text. `name` is the author's display name at that moment. */
import { object } from "../protocol/fields.ts";
import { type Composed, type ContentOf, defineKind } from "./kind.ts";
import { messageLine } from "./message_line.ts";
import { displayName, messageText, problemOf, sameText, tidyTyped } from "./texts.ts";

export const message = defineKind("message", object({ name: displayName, text: messageText }), {
  rooms: "plain",
  named: true,
  repeats: ({ text }) => sameText(text),
  message: ({ text }) => ({ text }),
  line: (event, room) => messageLine(event, event.body, room),
});

/** Trims white space at both ends. */
export function composeMessage(name: string, typed: string): Composed<ContentOf<typeof message>> {
  const text = tidyTyped(typed);
  const problem = problemOf(messageText, text);
  return problem === undefined ? { content: { kind: "message", body: { name, text } } } : { problem };
}
