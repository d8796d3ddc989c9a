// Runs in browser and server.
/** The room's genesis event. Its author is the host. */
import type { RoomKind } from "../protocol/event.ts";
import { object, oneOf, prose, type Reader } from "../protocol/fields.ts";
import { ROOM_NAME_MAX_CHARS } from "../protocol/limits.ts";
import { defineKind, type NoteLine } from "./kind.ts";

const roomKind = oneOf<RoomKind>("listed", "unlisted", "sealed");
/** A sealed name is longer: IV and tag, four bytes a character at most, base64url. */
const SEALED_NAME_MAX_CHARS = Math.ceil((12 + 16 + ROOM_NAME_MAX_CHARS * 4) * 4 / 3);

/** `name` is sealed (base64url) in a sealed room. */
const body: Reader<{ roomKind: RoomKind; name: string }> = (value, field) => {
  const { roomKind: kind } = object({ roomKind })(value, field);
  return object({ roomKind, name: prose(kind === "sealed" ? SEALED_NAME_MAX_CHARS : ROOM_NAME_MAX_CHARS) })(
    value,
    field,
  );
};

export const room = defineKind("room", body, {
  rooms: "all",
  line: ({ id, at, author, body }, fold): NoteLine => ({
    type: "note",
    id,
    at,
    author: fold.person(author),
    note: "room_opened",
    name: body.name,
  }),
});
