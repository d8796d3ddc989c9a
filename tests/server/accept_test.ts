import { assert, assertEquals } from "@std/assert";
import {
  accept,
  type AcceptBasis,
  type AcceptDecision,
  type AcceptRules,
  judgeStored,
} from "../../lib/server/rooms/accept.ts";
import { encodePayload, type EventHeader, eventIdOf } from "../../lib/protocol/event.ts";
import type { Event, EventContent } from "../../lib/kinds/kinds.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { CLOCK_MAX_LEAD } from "../../lib/protocol/limits.ts";
import type { AuthorRecord } from "../../lib/store/rooms/log_records.ts";

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const RULES: AcceptRules = { ...DEFAULT_CONFIG.limits, retentionMs: 7 * DAY };
const ROOM: AcceptBasis["room"] = { id: "room", kind: "listed", createdAt: NOW - DAY };

function event(header: Partial<EventHeader> = {}, content: EventContent = text("hello")): Event {
  const full = { room: "room", author: "ada", n: 1, clock: 1, at: 0, ...header };
  const payload = encodePayload(full, content);
  return { ...full, ...content, id: eventIdOf(payload), wire: [payload, ""] };
}
const text = (text: string): EventContent => ({ kind: "message", body: { name: "Ada", text } });
const basis = (more: Partial<AcceptBasis> = {}): AcceptBasis => ({
  room: ROOM,
  clock: 100,
  clockTatMs: 0,
  lastAt: NOW,
  author: undefined,
  nowMs: NOW,
  rules: RULES,
  ...more,
});
const record = (more: Partial<AuthorRecord> = {}): AuthorRecord => ({ lastN: 3, tatMs: 0, ...more });
const sealed: EventContent = { kind: "sealed", body: { sealed: "x".repeat(40) } };
const genesis: EventContent = { kind: "room", body: { roomKind: "listed", name: "x" } };

const TABLE: [name: string, Event, AcceptBasis, unknown][] = [
  ["[ACC-1] another room's event is refused as wrong_room", event({ room: "other" }), basis(), "wrong_room"],
  [
    "[ACC-2] a second genesis event is refused as wrong_kind",
    event({ n: 4 }, genesis),
    basis({ author: record() }),
    "wrong_kind",
  ],
  [
    "[ACC-2] the host's own genesis event sent again is looked up",
    event({}, genesis),
    basis({ author: record() }),
    "number_used",
  ],
  ["[ACC-2] a genesis event by somebody else is refused as wrong_kind", event({}, genesis), basis(), "wrong_kind"],
  ["[ACC-3] a sealed room takes no plain text", event(), basis({ room: { ...ROOM, kind: "sealed" } }), "wrong_kind"],
  [
    "[ACC-3] a sealed room takes sealed bodies",
    event({}, sealed),
    basis({ room: { ...ROOM, kind: "sealed" } }),
    "accepted",
  ],
  ["[ACC-3] a plain room takes no sealed bodies", event({}, sealed), basis(), "wrong_kind"],
  [
    "[ACC-3] a sealed room takes a retract, which says nothing that is sealed",
    event({ n: 4 }, { kind: "retract", body: { to: "id", n: 3 } }),
    basis({ room: { ...ROOM, kind: "sealed" }, author: record() }),
    "accepted",
  ],
  [
    "[SKEW-2] a plain room takes kinds that this server does not know",
    event({}, { kind: "unknown", body: { kind: "poll" } }),
    basis(),
    "accepted",
  ],
  [
    "[SKEW-2] a sealed room takes kinds that this server does not know",
    event({}, { kind: "unknown", body: { kind: "poll" } }),
    basis({ room: { ...ROOM, kind: "sealed" } }),
    "accepted",
  ],
  ["[ACC-4] an author's first event has n 1", event(), basis(), "accepted"],
  ["[ACC-4] the next event has the next n", event({ n: 4 }), basis({ author: record() }), "accepted"],
  ["[ACC-4] an n further on is missing_previous, with the n to send", event({ n: 9 }), basis({ author: record() }), {
    type: "refused",
    reason: "missing_previous",
    expectedN: 4,
  }],
  ["[ACC-4] an unknown author's n 2 is missing_previous in a young room", event({ n: 2 }), basis(), {
    type: "refused",
    reason: "missing_previous",
    expectedN: 1,
  }],
  [
    "[ACC-4] an unknown author may begin anywhere in a room older than the retention",
    event({ n: 200 }),
    basis({ room: { ...ROOM, createdAt: NOW - 8 * DAY } }),
    "accepted",
  ],
  ["[ACC-5] an n used before is looked up", event({ n: 3 }), basis({ author: record() }), "number_used"],
  [
    "[ACC-6] a clock at the lead is taken",
    event({ n: 4, clock: 100 + CLOCK_MAX_LEAD }),
    basis({ author: record() }),
    "accepted",
  ],
  ["[ACC-6] a clock beyond the lead is clock_ahead", event({ clock: 101 + CLOCK_MAX_LEAD }), basis(), "clock_ahead"],
  ["[ACC-6] an old clock is taken: it was written without a network", event({ clock: 1 }), basis(), "accepted"],
];

/** How far the room's clock is after `seconds` in which somebody sends ten events a second, each `lead` ahead. */
function pushed(seconds: number, lead: number, author: AuthorRecord | undefined): number {
  let clock = 100, clockTatMs = 0, known = author;
  for (let at = 0; at < seconds * 1_000; at += 100) {
    const n = (known?.lastN ?? 0) + 1;
    const rules = { ...RULES, messages: { burst: 1_000, everyMs: 0 } };
    const verdict = accept(
      event({ n, clock: clock + lead }, text(`${at}`)),
      basis({ clock, clockTatMs, author: known, nowMs: NOW + at, lastAt: NOW + at, rules }),
    );
    if (verdict.type !== "accepted") continue;
    ({ author: known, clockTatMs } = verdict);
    clock += lead;
  }
  return clock - 100;
}

Deno.test("[ACC-10] a newcomer pushes the room's clock no faster than time passes, after 64 steps", () => {
  for (const lead of [2, 50, 65, 1_000, CLOCK_MAX_LEAD]) {
    assert(pushed(60, lead, undefined) <= 2 * (64 + 60), `${lead}: ${pushed(60, lead, undefined)}`);
  }
  // Ten events a second in their turn: that is a conversation.
  assertEquals(pushed(60, 1, undefined), 600);
});

Deno.test("[ACC-10] an author of old standing closes one gap of any allowed size, then as slowly as a newcomer", () => {
  for (const lead of [2, 100, CLOCK_MAX_LEAD]) {
    const steps = pushed(60, lead, record());
    assert(steps >= Math.min(lead, 2_000) && steps <= CLOCK_MAX_LEAD + 600 + 60, `${lead}: ${steps}`);
  }
});

Deno.test("[ACC-10] after a quiet hour a newcomer may bring what was said elsewhere meanwhile", () => {
  const judged = (lead: number) => accept(event({ clock: 100 + lead }), basis({ lastAt: NOW - 3_600_000 })).type;
  assertEquals([judged(3_600), judged(4_000)], ["accepted", "refused"]);
});

Deno.test("[ACC-10] waiting as long as the refusal says is enough", () => {
  const late = event({ n: 4, clock: 200 });
  const busy = basis({ author: record(), clockTatMs: NOW + 2_500_000 });
  const refused = accept(late, busy);
  assert(refused.type === "refused" && refused.reason === "rate_limited" && refused.retryAfterMs! > 0);
  assertEquals(accept(late, { ...busy, nowMs: NOW + refused.retryAfterMs! }).type, "accepted");
});

Deno.test("[ACC-7] an event of 16 KB costs its author eight messages", () => {
  const long = event({}, text("x".repeat(15_000)));
  const first = accept(long, basis());
  assert(first.type === "accepted");
  const next = accept(event({ n: 2 }), basis({ author: first.author }));
  assertEquals(next.type === "refused" && next.retryAfterMs, 4_000);
});

for (const [name, judged, known, expected] of TABLE) {
  Deno.test(name, () => {
    const verdict = accept(judged, known);
    const short = verdict.type === "refused" ? verdict.reason : verdict.type;
    assertEquals(typeof expected === "string" ? short : verdict, expected);
  });
}

/** Sends one text after another at the given times. Returns the decision on each. */
function sequence(texts: [atMs: number, text: string][], make = text): (number | string)[] {
  let author: AuthorRecord | undefined;
  return texts.map(([atMs, said]) => {
    const n = (author?.lastN ?? 0) + 1;
    const verdict: AcceptDecision = accept(event({ n }, make(said)), basis({ author, nowMs: NOW + atMs }));
    if (verdict.type === "accepted") author = verdict.author;
    return verdict.type === "refused" ? verdict.retryAfterMs ?? verdict.reason : verdict.type;
  });
}

Deno.test("[ACC-7] five messages at once, then one a second; a refusal says how long to wait", () => {
  const at = (ms: number, index: number): [number, string] => [ms, `text ${index}`];
  const verdicts = sequence([0, 0, 0, 0, 0, 0, 999, 1_000, 1_001, 2_000].map(at));
  const ok = "accepted";
  assertEquals(verdicts, [ok, ok, ok, ok, ok, 1_000, 1, ok, 999, ok]);
});

Deno.test("[ACC-7] a record from an instance with a fast clock delays no author for longer than a whole burst", () => {
  const fast = accept(event({ n: 4 }), basis({ author: record({ tatMs: NOW + 3_600_000 }) }));
  assertEquals(fast, { type: "refused", reason: "rate_limited", retryAfterMs: 4_000 });
});

Deno.test("[ACC-7] waiting exactly the announced time is enough", () => {
  const first = sequence(Array.from({ length: 6 }, (_, index) => [0, `text ${index}`]));
  const waitMs = first[5] as number;
  const all = sequence(Array.from({ length: 6 }, (_, index) => [index === 5 ? waitMs : 0, `text ${index}`]));
  assertEquals(all[5], "accepted");
});

Deno.test("[ACC-8] the same text again costs twice as much each time, up to eight tokens", () => {
  // 1 + 2 tokens of 5 are taken; the third costs 4 and has to wait until one is left behind.
  assertEquals(sequence([[0, "spam"], [0, "SPAM "], [0, "spam"], [2_000, "spam"]]), [
    "accepted",
    "accepted",
    2_000,
    "accepted",
  ]);
  // From then on 8 tokens each: only an empty bucket lets one through.
  assertEquals(sequence([[0, "a"], [10_000, "a"], [20_000, "a"], [30_000, "a"], [31_000, "a"]]), [
    "accepted",
    "accepted",
    "accepted",
    "accepted",
    7_000,
  ]);
});

Deno.test("[ACC-8] another text, or the same after 30 s, costs one token again", () => {
  const ok = "accepted";
  assertEquals(sequence([[0, "a"], [0, "b"], [0, "a"], [0, "b"], [0, "a"]]), [ok, ok, ok, ok, ok]);
  assertEquals(sequence([[0, "a"], [31_000, "a"], [31_000, "b"], [31_000, "c"], [31_000, "d"], [31_000, "e"]]), [
    ok,
    ok,
    ok,
    ok,
    ok,
    ok,
  ]);
});

Deno.test("[ACC-8] sealed bodies cannot be compared and cost one token each", () => {
  let author: AuthorRecord | undefined;
  for (let n = 1; n <= 5; n++) {
    const verdict = accept(event({ n }, sealed), basis({ author, room: { ...ROOM, kind: "sealed" } }));
    assertEquals(verdict.type, "accepted");
    if (verdict.type === "accepted") author = verdict.author;
  }
});

Deno.test("[ACC-5] a used n is known by its id, a conflict with another id, expired when deleted", () => {
  const said = event({ n: 3 });
  assertEquals(judgeStored(said, { id: said.id, position: 17 }), { type: "known", position: 17 });
  assertEquals(judgeStored(said, { id: "other", position: 17 }), { type: "refused", reason: "conflict" });
  assertEquals(judgeStored(said, undefined), { type: "refused", reason: "expired" });
});
