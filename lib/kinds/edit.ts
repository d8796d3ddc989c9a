// Runs in browser and server.
/** New text for one's own message. */
import type { EventId } from "../protocol/event.ts";
import { id, object } from "../protocol/fields.ts";
import { type Composed, type ContentOf, defineKind } from "./kind.ts";
import { composed, messageText, tidyTyped } from "./texts.ts";

export const edit = defineKind("edit", object({ to: id, text: messageText }), {
  rooms: "plain",
  about: { target: ({ to }) => to },
});

export function composeEdit(to: EventId, typed: string): Composed<ContentOf<typeof edit>> {
  const text = tidyTyped(typed);
  return composed(messageText, text, { kind: "edit", body: { to, text } });
}
