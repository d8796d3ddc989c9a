// Runs in browser and server.
/** A message that answers the message `to`. */
import type { EventId } from "../protocol/event.ts";
import { id, object } from "../protocol/fields.ts";
import { type Composed, type ContentOf, defineKind } from "./kind.ts";
import { messageLine } from "./message_line.ts";
import { composed, displayName, messageText, sameText, tidyTyped } from "./texts.ts";

export const reply = defineKind("reply", object({ name: displayName, text: messageText, to: id }), {
  rooms: "plain",
  named: true,
  repeats: ({ text }) => sameText(text),
  message: ({ text }) => ({ text }),
  quotes: ({ to }) => to,
  line: (event, room) => messageLine(event, event.body, room, room.quote(event.body.to)),
});

export function composeReply(name: string, typed: string, to: EventId): Composed<ContentOf<typeof reply>> {
  const text = tidyTyped(typed);
  return composed(messageText, text, { kind: "reply", body: { name, text, to } });
}
