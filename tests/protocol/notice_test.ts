import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { eventIdOf } from "../../lib/protocol/event.ts";
import { readEvent } from "../../lib/kinds/kinds.ts";
import { NOTICE_MAX_LIFE_MS, NOTICES_MAX } from "../../lib/protocol/limits.ts";
import { encodeNotice, mergeNotices, type Notice, noticesFor, readNotice } from "../../lib/protocol/notice.ts";

const OPERATOR = "A".repeat(43);
const SIGNATURE = "A".repeat(86);
const ROOM = "A".repeat(22);

function notice(text: string, { at = 1_000, until = 2_000, urgency = "info" as "info" | "emergency" } = {}): Notice {
  return readNotice([encodeNotice(OPERATOR, { at, until }, { urgency, text }), SIGNATURE])!;
}

function withdrawalOf({ id, until }: Notice, at = 1_500): Notice {
  return readNotice([encodeNotice(OPERATOR, { at, until }, { of: id }), SIGNATURE])!;
}

Deno.test("[NOTICE-1] decoding restores a notice, and its id is the hash of the signed text", () => {
  const payload = encodeNotice(OPERATOR, { at: 1, until: 2 }, { urgency: "emergency", text: "Storm", rooms: [ROOM] });
  const read = readNotice([payload, SIGNATURE])!;
  assert(read.kind === "notice");
  assertEquals([read.text, read.urgency, read.rooms, read.id], ["Storm", "emergency", [ROOM], eventIdOf(payload)]);
});

Deno.test("[NOTICE-1] only notices decode as notices, and no notice is an event", () => {
  const good = { notice: 1, operator: OPERATOR, at: 1, until: 2, urgency: "info", text: "Hi" };
  const wrong: Record<string, unknown>[] = [
    { notice: 2 },
    { operator: "x" },
    { at: "1" },
    { until: 1 },
    { until: 2 + NOTICE_MAX_LIFE_MS },
    { urgency: "loud" },
    { text: "" },
    { text: "\ud800" },
    { text: "x".repeat(601) },
    { rooms: [] },
    { rooms: ["x"] },
    { rooms: Array(51).fill(ROOM) },
    { of: "x" },
  ];
  const read = (value: unknown) => readNotice([JSON.stringify(value), SIGNATURE]);
  assert(read(good) !== undefined);
  for (const change of wrong) {
    assertEquals(read({ ...good, ...change }), undefined, JSON.stringify(change).slice(0, 60));
  }
  for (const value of [null, [], "x", 1]) assertEquals(read(value), undefined);
  assertEquals(readNotice(["{", SIGNATURE]), undefined);
  assertEquals(readEvent([JSON.stringify(good), SIGNATURE]).ok, false);
});

Deno.test("[NOTICE-3] a notice ends with its time, for its rooms only, and a withdrawal takes its place", () => {
  const [one, two] = [notice("one"), notice("two", { until: 5_000 })];
  assertEquals(mergeNotices([one], [two], 1_500).length, 2);
  assertEquals(mergeNotices([one], [two], 2_000), [two]);
  const withdrawn = withdrawalOf(two);
  assertEquals(mergeNotices([one, two], [withdrawn], 1_600), [one, withdrawn]);
  assertEquals(mergeNotices([withdrawn], [two], 1_600), [withdrawn], "it stays withdrawn when it comes again");
  assertEquals(noticesFor(ROOM, [one, withdrawn], 1_600), [one]);
  const here = readNotice([
    encodeNotice(OPERATOR, { at: 1, until: 9_000 }, { urgency: "info", text: "x", rooms: [ROOM] }),
    SIGNATURE,
  ])!;
  assertEquals([noticesFor(ROOM, [here], 2).length, noticesFor("B".repeat(22), [here], 2).length], [1, 0]);
});

Deno.test("[NOTICE-4] phones end up with the same few notices in any order of arrival; information goes before emergencies", () => {
  const all = Array.from(
    { length: 14 },
    (_, at) => notice(`notice ${at}`, { at: 1_000 + at, until: 9_000, urgency: at % 3 === 0 ? "emergency" : "info" }),
  );
  const withdrawals = [withdrawalOf(all[3]!), withdrawalOf(all[7]!)];
  const expected = mergeNotices([], [...all, ...withdrawals], 2_000);
  assertEquals(expected.length, NOTICES_MAX);
  const left = expected.filter((notice) => notice.kind === "notice" && notice.urgency === "emergency").length;
  assertEquals(left, 4, "every emergency that was not withdrawn");
  fc.assert(fc.property(fc.shuffledSubarray([...all, ...withdrawals], { minLength: 16 }), (order) => {
    // Withdrawals are never pushed out by what they do not withdraw, so that none comes back.
    const held = mergeNotices([], order, 2_000);
    assertEquals(held, expected);
  }));
});
