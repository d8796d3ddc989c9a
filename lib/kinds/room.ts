// Runs in browser and server.
/** The room's genesis event. Its author is the host. */
import type { RoomKind } from "../protocol/event.ts";
import { object, oneOf, prose, type Reader } from "../protocol/fields.ts";
import { ROOM_NAME_MAX_CHARS } from "../protocol/limits.ts";
import { defineKind } from "./kind.ts";

const roomKind = object({ roomKind: oneOf<RoomKind>("listed", "unlisted", "sealed") });
const plainName = object({ name: prose(ROOM_NAME_MAX_CHARS) });
/** A sealed name is longer: IV and tag, four bytes a character at most, base64url. */
const sealedName = object({ name: prose(Math.ceil((12 + 16 + ROOM_NAME_MAX_CHARS * 4) * 4 / 3)) });

/** `name` is sealed (base64url) in a sealed room. */
const body: Reader<{ roomKind: RoomKind; name: string }> = (value, field) => {
  const read = roomKind(value, field);
  return { ...read, ...(read.roomKind === "sealed" ? sealedName : plainName)(value, field) };
};

export const room = defineKind("room", body, {
  rooms: "all",
  line: ({ id, at, author, body }, fold) => ({
    type: "note",
    id,
    at,
    author: fold.person(author),
    note: "room_opened",
    name: body.name,
  }),
});
