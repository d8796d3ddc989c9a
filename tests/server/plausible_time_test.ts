/** When a server's clock is believed. */
import { assertEquals } from "@std/assert";
import { CLOCK_TOLERANCE_MS, DOUBT_MS, judgeTime, RELEASED_AT } from "../../lib/server/rooms/plausible_time.ts";

const NOON = Date.UTC(2026, 6, 1, 12);
const DAY = 86_400_000;
/** The clock says `wallMs` when this process has run for `steadyMs`. */
const at = (wallMs: number, steadyMs = 0) => ({ wallMs, steadyMs });
const none = { devices: [] };

Deno.test("[RET-4] a clock that runs as it did is plausible", () => {
  assertEquals(judgeTime(at(NOON), none), {});
  assertEquals(judgeTime(at(NOON + DAY, DAY), { ...none, believed: at(NOON), seenWallMs: NOON }), {});
});

Deno.test("[RET-4] a time before the app's release is not plausible, however long it runs", () => {
  const { problem, doubtedSince } = judgeTime(at(0), none);
  assertEquals(problem, "before_release");
  assertEquals(judgeTime(at(2 * DAY, 2 * DAY), { ...none, doubtedSince }).problem, "before_release");
  assertEquals(judgeTime(at(RELEASED_AT), none), {});
});

Deno.test("[RET-4] a clock behind what the database has seen, or that jumped, is not plausible", () => {
  assertEquals(judgeTime(at(NOON - 20 * DAY), { ...none, seenWallMs: NOON }).problem, "behind_its_past");
  assertEquals(judgeTime(at(NOON - DAY, 60_000), { ...none, believed: at(NOON) }).problem, "behind_its_past");
  assertEquals(judgeTime(at(NOON + DAY, 60_000), { ...none, believed: at(NOON) }).problem, "ahead_of_its_past");
  assertEquals(judgeTime(at(NOON + CLOCK_TOLERANCE_MS), { ...none, believed: at(NOON) }), {});
});

Deno.test("[RET-4] time that passed while no server ran is no jump", () => {
  assertEquals(judgeTime(at(NOON + 90 * DAY), { ...none, seenWallMs: NOON }), {});
});

Deno.test("[RET-4] the median of five devices outvotes the past, both ways", () => {
  const devices = [NOON + 5, NOON - 5, NOON, 0, NOON + 90 * DAY];
  assertEquals(judgeTime(at(NOON), { devices, seenWallMs: NOON + 8 * DAY }), {});
  assertEquals(judgeTime(at(NOON + DAY), { devices }).problem, "unlike_devices");
  assertEquals(judgeTime(at(NOON + DAY), { devices: devices.slice(1) }), {}, "four are too few");
});

Deno.test("[RET-4] a new time that ran on steadily for a day is believed; one that goes on jumping is not", () => {
  const evidence = { ...none, believed: at(NOON - 20 * DAY) };
  const { problem, doubtedSince } = judgeTime(at(NOON, 60_000), evidence);
  assertEquals(problem, "ahead_of_its_past");
  const later = (ms: number, wallMs = NOON + ms) => judgeTime(at(wallMs, 60_000 + ms), { ...evidence, doubtedSince });
  assertEquals(later(DOUBT_MS - 1).problem, "ahead_of_its_past");
  assertEquals(later(DOUBT_MS), {});
  assertEquals(later(DOUBT_MS, NOON + 3 * DAY).problem, "ahead_of_its_past");
});
