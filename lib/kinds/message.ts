// Runs in browser and server.
/** A person's text. `name` is the author's display name at that moment. */
import { object } from "../protocol/fields.ts";
import { type Composed, type ContentOf, defineKind } from "./kind.ts";
import { messageLine } from "./message_line.ts";
import { composed, displayName, messageText, sameText, tidyTyped } from "./texts.ts";

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
  return composed(messageText, text, { kind: "message", body: { name, text } });
}
