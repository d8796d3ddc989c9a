// Runs in browser and server.
/** A new display name. */
import { object } from "../protocol/fields.ts";
import { defineKind, type NoteLine } from "./kind.ts";
import { displayName } from "./texts.ts";

export const profile = defineKind("profile", object({ name: displayName }), {
  rooms: "plain",
  named: true,
  // No line where nothing changed.
  line: (event, room): NoteLine | undefined => {
    const { id, at, author, body: { name } } = event;
    const before = room.nameBefore(event);
    if (before === undefined || before === name) return undefined;
    return { type: "note", id, at, author: room.person(author), note: "renamed", name };
  },
});
