/** Unread messages: positions of the log decide, not the order on the screen. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { UNREAD_MAX_EVENTS } from "../../lib/session/ports/session_limits.ts";
import { furthest, ReadCursor } from "../../lib/session/replica/read_cursor.ts";

const at = (position: number, epoch = "log") => ({ epoch, position });

/** A device that has seen the log up to `position`. */
function seenUpTo(position: number): ReadCursor {
  const readCursor = new ReadCursor();
  readCursor.learn(at(position));
  return readCursor;
}

const unread = (readCursor: ReadCursor) => [...readCursor.unread];

Deno.test("on a first visit earlier messages are history, and later ones are new", () => {
  const readCursor = new ReadCursor();
  readCursor.add("from an earlier page", 3);
  readCursor.follow("log", 7);
  for (const position of [6, 7, 8]) readCursor.add(`m${position}`, position);
  assertEquals(unread(readCursor), ["m8"]);
  assertEquals(readCursor.unsaved, { seen: at(7), replaces: false });
});

Deno.test("messages after the seen position are unread until they are seen", () => {
  const readCursor = seenUpTo(2);
  readCursor.follow("log", 4);
  for (const position of [1, 2, 3, 4]) readCursor.add(`m${position}`, position);
  assertEquals(unread(readCursor), ["m3", "m4"]);
  readCursor.see(at(4));
  assertEquals([unread(readCursor), readCursor.seen], [[], at(4)]);
  readCursor.add("m3", 3);
  assertEquals(unread(readCursor), []);
});

Deno.test("the seen position never moves back", () => {
  const readCursor = seenUpTo(5);
  readCursor.see(at(3));
  assertEquals(readCursor.seen, at(5));
  assert(!readCursor.learn(at(4)));
  readCursor.see(undefined);
  assertEquals([readCursor.seen, readCursor.unsaved], [at(5), undefined]);
});

Deno.test("messages seen in another tab are seen here too", () => {
  const readCursor = seenUpTo(2);
  for (const position of [3, 4, 5]) readCursor.add(`m${position}`, position);
  assert(readCursor.learn(at(4)));
  assertEquals(unread(readCursor), ["m5"]);
  assert(!readCursor.learn(at(9, "another log")));
  assertEquals(unread(readCursor), ["m5"]);
});

Deno.test("in another log every event new to the device is unread, and unread messages stay unread", () => {
  const readCursor = seenUpTo(5);
  readCursor.add("unread before", 6);
  readCursor.follow("new log", 3);
  readCursor.add("new", 1);
  assertEquals([unread(readCursor), readCursor.unsaved], [["unread before", "new"], {
    seen: at(0, "new log"),
    replaces: true,
  }]);
  // The stored position of the lost log is no news.
  assert(!readCursor.learn(at(99)));
  readCursor.see(at(3, "new log"));
  assertEquals([unread(readCursor), readCursor.seen], [[], at(3, "new log")]);
});

Deno.test("a log that lost its end reuses positions, and messages there are new", () => {
  const readCursor = seenUpTo(5);
  readCursor.add("unread before", 6);
  readCursor.follow("log", 3);
  assertEquals(readCursor.unsaved, { seen: at(3), replaces: true });
  assert(!readCursor.learn(at(5)));
  readCursor.add("again", 4);
  assertEquals(unread(readCursor), ["unread before", "again"]);
  readCursor.saved(at(2));
  assert(readCursor.unsaved?.replaces);
  readCursor.saved(readCursor.unsaved.seen);
  assertEquals(readCursor.unsaved, undefined);
});

Deno.test("the set stays the same object while nothing changes; forgotten messages leave it", () => {
  const readCursor = seenUpTo(0);
  readCursor.add("a", 1);
  const before = readCursor.unread;
  readCursor.forget(["b"]);
  assertStrictEquals(readCursor.unread, before);
  readCursor.forget(["a"]);
  assertEquals(unread(readCursor), []);
  assertEquals(before.size, 1);
});

Deno.test("of too many unread messages the first ones are kept, where the marker is", () => {
  const readCursor = seenUpTo(0);
  for (let position = 1; position <= UNREAD_MAX_EVENTS + 1; position++) readCursor.add(`m${position}`, position);
  assertEquals([readCursor.unread.size, readCursor.unread.has("m1")], [UNREAD_MAX_EVENTS, true]);
});

Deno.test("of two tabs the further position is stored; of two logs, the later word", () => {
  assertEquals(furthest(undefined, at(1)), at(1));
  assertEquals(furthest(at(5), at(3)), at(5));
  assertEquals(furthest(at(3), at(5)), at(5));
  assertEquals(furthest(at(5, "old"), at(3)), at(3));
});
