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
  const rooms = withFavourite(opened(room("a", 1)), "a", true);
  assertEquals(withOpened(rooms, { ...room("a", 2), name: "new" }), [{
    ...room("a", 2),
    name: "new",
    favourite: true,
  }]);
});

Deno.test("ten rooms are recent, for seven days; favourites stay", () => {
  let rooms = opened(...Array.from({ length: 15 }, (_, at) => room(`${at}`, at)));
  assertEquals(recentRooms(rooms, 15).length, RECENT_ROOMS);
  rooms = withFavourite(rooms, "9", true);
  assertEquals(recentRooms(rooms, 9 + RECENT_ROOM_MS - 1).at(-1)?.id, "9");
  assertEquals(recentRooms(rooms, 14 + RECENT_ROOM_MS), []);
  const later = opened(...Array.from({ length: 10 }, (_, at) => room(`new ${at}`, 20 + RECENT_ROOM_MS)));
  const after = [...later].reverse().reduce<readonly KnownRoom[]>((known, next) => withOpened(known, next), rooms);
  assertEquals(after.map(({ id }) => id), [...later.map(({ id }) => id), "9"]);
  assertEquals(favouriteRooms(after).map(({ id }) => id), ["9"]);
});

Deno.test("no clock makes a room forgotten: not one that jumps ahead, nor one that starts in 1970", () => {
  const rooms = opened(...Array.from({ length: 10 }, (_, at) => room(`${at}`, 1_000 + at)));
  const ahead = withOpened(rooms, room("9", 1_000 + 2 * RECENT_ROOM_MS));
  assertEquals(ahead.map(({ id }) => id), rooms.map(({ id }) => id));
  assertEquals(withOpened(rooms, room("new", 1)).map(({ id }) => id), [
    "new",
    ...rooms.slice(0, 9).map(({ id }) => id),
  ]);
});

Deno.test("a room that is removed is gone", () => {
  assertEquals(withoutRoom(opened(room("a", 1), room("b", 2)), "b").map(({ id }) => id), ["a"]);
});

Deno.test("a sealed room opens by its link with the key, a plain one by its code, else by its id", () => {
  assertEquals(roomPath({ id: "ID", secret: "KEY" }), "/s/ID#KEY");
  assertEquals(roomPath({ id: "ID", code: "cosmic-stage-417" }), "/r/cosmic-stage-417");
  assertEquals(roomPath({ id: "ID" }), "/r/ID");
});
