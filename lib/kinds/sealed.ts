// Runs in browser and server.
/** AES-GCM of the JSON of another content: 12 bytes of IV and the ciphertext, base64url. */
import { object, text, where } from "../protocol/fields.ts";
import { defineKind, type UnreadableLine } from "./kind.ts";

export const sealed = defineKind(
  "sealed",
  object({ sealed: where(text(), (sealed) => /^[A-Za-z0-9_-]{38,}$/.test(sealed)) }),
  {
    rooms: "sealed",
    repeats: () => undefined,
    line: ({ id, author, at }, room): UnreadableLine => ({ type: "unreadable", id, author: room.person(author), at }),
  },
);
