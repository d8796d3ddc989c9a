// Runs in browser and server.
/** Deletes one's own message for everyone. No later edit brings it back. */
import { id, object } from "../protocol/fields.ts";
import { defineKind } from "./kind.ts";

export const retract = defineKind("retract", object({ to: id }), {
  // In the clear in sealed rooms, too: the server has to know what to delete, and it says nothing else.
  rooms: "all",
  repeats: ({ to }) => `retract ${to}`,
  about: { target: ({ to }) => to, by: "author" },
});
