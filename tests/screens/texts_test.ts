import { assert, assertEquals } from "@std/assert";
import { REFUSALS, ROOM_API_PROBLEMS } from "@/lib/protocol/codes.ts";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";
import { dayKey, dayName } from "@/lib/ui/time.ts";
import { tidyRoomName } from "@/components/home/room_name.ts";

Deno.test("every reason of the protocol has a text", () => {
  for (const reason of Object.keys(REFUSALS)) assert(reason in t.refusals, reason);
  for (const problem of Object.keys(ROOM_API_PROBLEMS)) assert(problem in t.creating, problem);
});

Deno.test("counts are written out", () => {
  assertEquals(t.home.people(0), "nobody here now");
  assertEquals(t.home.people(1), "1 person");
  assertEquals(t.home.people(1_240), "1,240 people");
});

Deno.test("days are named as people say them, also across a clock change", () => {
  const now = new Date(2026, 5, 14, 0, 30).getTime();
  assertEquals(dayName(now, now), "Today");
  assertEquals(dayName(new Date(2026, 5, 13, 23, 59).getTime(), now), "Yesterday");
  assertEquals(dayName(new Date(2026, 5, 12, 23, 59).getTime(), now), "Friday, June 12");
  assertEquals(dayKey(now) === dayKey(new Date(2026, 5, 14, 23, 59).getTime()), true);
});

Deno.test("a room's name becomes one tidy line", () => {
  assertEquals(tidyRoomName("  The \n\n Sunday\ttent  crew "), "The Sunday tent crew");
  assertEquals(tidyRoomName("a\u202Eb\u200Bc\uFEFF"), "abc");
  assertEquals(tidyRoomName("e\u0301"), "\u00e9");
  assertEquals(tidyRoomName("\u200B \n"), "");
});
