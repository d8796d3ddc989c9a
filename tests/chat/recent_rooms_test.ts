/** The rooms a device remembers. */
import { assertEquals } from "@std/assert";
import {
  favouriteRooms,
  type KnownRoom,
  RECENT_ROOM_MS,
  RECENT_ROOMS,
  recentRooms,
  roomPath,
  withFavourite,
  withOpened,
  withoutRoom,
} from "../../lib/chat/recent_rooms.ts";

const room = (id: string, openedAt: number) => ({ id, kind: "unlisted" as const, name: `room ${id}`, openedAt });

function opened(...rooms: ReturnType<typeof room>[]): readonly KnownRoom[] {
  return rooms.reduce<readonly KnownRoom[]>((known, next) => withOpened(known, next), []);
}

Deno.test("the room opened last comes first, and each room once", () => {
  const rooms = opened(room("a", 1), room("b", 2), room("a", 3));
  assertEquals(recentRooms(rooms, 3).map(({ id }) => id), ["a", "b"]);
});

Deno.test("a room opened again has its new name and stays a favourite", () => {
  const rooms = withFavourite(opened(room("a", 1)), "a", true, 1);
  assertEquals(withOpened(rooms, { ...room("a", 2), name: "new" }), [{
    ...room("a", 2),
    name: "new",
    favourite: true,
  }]);
});

Deno.test("ten rooms are recent, for seven days; favourites stay", () => {
  let rooms = opened(...Array.from({ length: 15 }, (_, at) => room(`${at}`, at)));
  assertEquals(recentRooms(rooms, 15).length, RECENT_ROOMS);
  rooms = withFavourite(rooms, "9", true, 15);
  assertEquals(recentRooms(rooms, 9 + RECENT_ROOM_MS - 1).at(-1)?.id, "9");
  assertEquals(recentRooms(rooms, 14 + RECENT_ROOM_MS), []);
  const later = withOpened(rooms, room("new", 20 + RECENT_ROOM_MS));
  assertEquals(later.map(({ id }) => id), ["new", "9"]);
  assertEquals(favouriteRooms(later).map(({ id }) => id), ["9"]);
});

Deno.test("a room that is removed is gone", () => {
  assertEquals(withoutRoom(opened(room("a", 1), room("b", 2)), "b").map(({ id }) => id), ["a"]);
});

Deno.test("a sealed room opens by its link with the key, a plain one by its code, else by its id", () => {
  assertEquals(roomPath({ id: "ID", secret: "KEY" }), "/s/ID#KEY");
  assertEquals(roomPath({ id: "ID", code: "cosmic-stage-417" }), "/r/cosmic-stage-417");
  assertEquals(roomPath({ id: "ID" }), "/r/ID");
});
