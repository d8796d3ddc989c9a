/** What of a room was not seen: positions of the log decide, not the order on the screen. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { UNREAD_MAX_EVENTS } from "../../lib/session/limits.ts";
import { furthest, ReadMarker } from "../../lib/session/read_marker.ts";

const at = (position: number, epoch = "log") => ({ epoch, position });

/** A device that has seen the log up to `position`. */
function seenUpTo(position: number): ReadMarker {
  const marker = new ReadMarker();
  marker.learn(at(position));
  return marker;
}

const unread = (marker: ReadMarker) => [...marker.unread];

Deno.test("on a first visit all that was said before is history, and what comes is new", () => {
  const marker = new ReadMarker();
  marker.add("from an earlier page", 3);
  marker.follow("log", 7);
  for (const position of [6, 7, 8]) marker.add(`m${position}`, position);
  assertEquals(unread(marker), ["m8"]);
  assertEquals(marker.unsaved, { seen: at(7), replaces: false });
});

Deno.test("what came after the seen position is unread until it is seen", () => {
  const marker = seenUpTo(2);
  marker.follow("log", 4);
  for (const position of [1, 2, 3, 4]) marker.add(`m${position}`, position);
  assertEquals(unread(marker), ["m3", "m4"]);
  marker.see(at(4));
  assertEquals([unread(marker), marker.seen], [[], at(4)]);
  marker.add("m3", 3);
  assertEquals(unread(marker), []);
});

Deno.test("seen never moves back", () => {
  const marker = seenUpTo(5);
  marker.see(at(3));
  assertEquals(marker.seen, at(5));
  assert(!marker.learn(at(4)));
  marker.see(undefined);
  assertEquals([marker.seen, marker.unsaved], [at(5), undefined]);
});

Deno.test("what another tab has seen is seen here, too", () => {
  const marker = seenUpTo(2);
  for (const position of [3, 4, 5]) marker.add(`m${position}`, position);
  assert(marker.learn(at(4)));
  assertEquals(unread(marker), ["m5"]);
  assert(!marker.learn(at(9, "another log")));
  assertEquals(unread(marker), ["m5"]);
});

Deno.test("in another log everything is new that the device did not hold; what was unread stays so", () => {
  const marker = seenUpTo(5);
  marker.add("unread before", 6);
  marker.follow("new log", 3);
  marker.add("new", 1);
  assertEquals([unread(marker), marker.unsaved], [["unread before", "new"], {
    seen: at(0, "new log"),
    replaces: true,
  }]);
  // What the storage still says of the log that is no more is no news.
  assert(!marker.learn(at(99)));
  marker.see(at(3, "new log"));
  assertEquals([unread(marker), marker.seen], [[], at(3, "new log")]);
});

Deno.test("where a log lost its end, its positions are used again: what comes there is new", () => {
  const marker = seenUpTo(5);
  marker.add("unread before", 6);
  marker.follow("log", 3);
  assertEquals(marker.unsaved, { seen: at(3), replaces: true });
  assert(!marker.learn(at(5)));
  marker.add("again", 4);
  assertEquals(unread(marker), ["unread before", "again"]);
  marker.saved(at(2));
  assert(marker.unsaved?.replaces);
  marker.saved(marker.unsaved.seen);
  assertEquals(marker.unsaved, undefined);
});

Deno.test("the set is the same one as long as nothing changed; what is forgotten leaves it", () => {
  const marker = seenUpTo(0);
  marker.add("a", 1);
  const before = marker.unread;
  marker.forget(["b"]);
  assertStrictEquals(marker.unread, before);
  marker.forget(["a"]);
  assertEquals(unread(marker), []);
  assertEquals(before.size, 1);
});

Deno.test("more unread than are known one by one: the first are kept, where the line stands", () => {
  const marker = seenUpTo(0);
  for (let position = 1; position <= UNREAD_MAX_EVENTS + 1; position++) marker.add(`m${position}`, position);
  assertEquals([marker.unread.size, marker.unread.has("m1")], [UNREAD_MAX_EVENTS, true]);
});

Deno.test("of two tabs the device remembers what reaches further; of two logs, what is said last", () => {
  assertEquals(furthest(undefined, at(1)), at(1));
  assertEquals(furthest(at(5), at(3)), at(5));
  assertEquals(furthest(at(3), at(5)), at(5));
  assertEquals(furthest(at(5, "old"), at(3)), at(3));
});
