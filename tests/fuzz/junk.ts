/**
 * Junk for a server: frames that are malformed, oversized, cut, mixed up, wrongly signed, replayed, of another room or
 * simply rude, each with the answers that the protocol allows for it.
 */
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { FrameProblem, Refusal } from "../../lib/protocol/codes.ts";
import { encodePayload, type EventHeader, eventIdOf, type RoomId, type WireEvent } from "../../lib/protocol/event.ts";
import type { EventContent } from "../../lib/kinds/kinds.ts";
import { CLIENT_FRAME_MAX_BYTES, EVENT_PAYLOAD_MAX_BYTES, MESSAGE_MAX_CHARS } from "../../lib/protocol/limits.ts";
import type { Signer } from "../../lib/crypto/signing.ts";
import type { SeededRandom } from "../simulation/random.ts";

/** The allowed answers to a frame; the first that fits counts. */
export type Answer =
  | { type: "problem"; problem: FrameProblem }
  /** `id`: of the event that is refused. */
  | { type: "refused"; id: string; reasons: readonly Refusal[] }
  | { type: "ack"; id: string }
  | { type: "pong" }
  | { type: "page" }
  /** Any documented answer, or none: what a random change makes of a frame is not known before. */
  | { type: "anything" };

export interface Junk {
  /** The sort of junk, for the summary. */
  sort: string;
  data: string | Uint8Array<ArrayBuffer>;
  answers: Answer[];
}

/** The junk writer's knowledge of the room. */
export interface JunkSetting {
  room: RoomId;
  /** An author nobody knows. */
  signer: Signer;
  /** Events of others that are stored. */
  seen: readonly WireEvent[];
  nowMs: number;
}

type Maker = (random: SeededRandom, setting: JunkSetting) => Junk | Promise<Junk>;

/** Junk for a connection that has said hello. */
export function junkInRoom(random: SeededRandom, setting: JunkSetting): Junk | Promise<Junk> {
  return random.pick(IN_ROOM)(random, setting);
}

/** Junk for a connection that has not: whatever it is, it is either unreadable or out of turn. */
export async function junkBeforeHello(random: SeededRandom, setting: JunkSetting): Promise<Junk> {
  const junk = await random.pick(IN_ROOM)(random, setting);
  const unread = junk.answers.every(({ type }) => type === "problem");
  return unread ? junk : { ...junk, answers: [{ type: "anything" }] };
}

const NOT_JSON_LETTERS = [...'{}[]":,0123456789.eE+-\\/ \n\tabcdefnrtuul\u0000\u2028é😀'];

const IN_ROOM: Maker[] = [
  // ---- not frames at all ----
  (random) => ({ sort: "binary", data: random.bytes(random.between(0, 300)), answers: [problem("not_text")] }),
  (random) => {
    let text = "";
    for (let count = random.between(0, 80); count > 0; count--) text += random.pick(NOT_JSON_LETTERS);
    return unreadable("random text", text);
  },
  (random) => {
    const text = JSON.stringify({ type: "send", events: [["x".repeat(200), "A".repeat(86)]] });
    return unreadable("cut off", text.slice(0, random.between(1, text.length - 1)));
  },
  (random) =>
    unreadable(
      "another type",
      `{"type":${JSON.stringify(random.pick(["", "welcome", "ack", "SEND", "hello\u0000", 7, null, [], {}]))}}`,
    ),
  (random) => unreadable("not an object", random.pick(["null", "true", "0", '""', "[]", "[[]]", "1e999", '"send"'])),
  (random) => {
    const depth = random.between(1_000, 60_000);
    return unreadable(
      "deeply nested",
      random.chance(0.5)
        ? "[".repeat(depth) + "]".repeat(depth)
        : '{"a":'.repeat(depth / 3) + "1" + "}".repeat(depth / 3),
    );
  },
  (random) => ({
    sort: "oversized",
    // Seldom huge: the point is the bound, not the bandwidth.
    data: " ".repeat(CLIENT_FRAME_MAX_BYTES + (random.chance(0.02) ? 1_000_000 : random.between(1, 2_000))),
    answers: [problem("too_large")],
  }),

  // ---- frames with wrong fields ----
  (random) =>
    field(
      "wrong fields",
      random.pick([
        '{"type":"send"}',
        '{"type":"send","events":[]}',
        '{"type":"send","events":{}}',
        '{"type":"send","events":"__proto__"}',
        `{"type":"send","events":[${Array(33).fill('["{}",""]').join()}]}`,
        '{"type":"send","events":[[]]}',
        '{"type":"send","events":[["",""]]}',
        '{"type":"send","events":[["{}","short"]]}',
        `{"type":"send","events":[["{}","${"=".repeat(86)}"]]}`,
        `{"type":"send","events":[["{}","${"B".repeat(86)}"]]}`,
        `{"type":"send","events":[[{},"${"A".repeat(86)}"]]}`,
        `{"type":"send","events":[["{}","${"A".repeat(86)}",1]]}`,
        '{"type":"history"}',
        '{"type":"history","before":0,"limit":1}',
        '{"type":"history","before":1,"limit":201}',
        '{"type":"history","before":1e400,"limit":1}',
        '{"type":"history","before":9007199254740992,"limit":1}',
        '{"type":"history","before":1.5,"limit":1}',
        '{"type":"history","before":"1","limit":1}',
        '{"type":"history","before":-1,"limit":-1}',
        '{"type":"signal"}',
        `{"type":"signal","to":"${"A".repeat(42)}","payload":"{}","signature":"${"A".repeat(86)}"}`,
        `{"type":"signal","to":"${"A".repeat(43)}","payload":"","signature":"${"A".repeat(86)}"}`,
        `{"type":"signal","to":"${"A".repeat(43)}","payload":{},"signature":"${"A".repeat(86)}"}`,
        `{"type":"signal","to":"${"A".repeat(43)}","payload":"${"x".repeat(20_000)}","signature":"${"A".repeat(86)}"}`,
        '{"type":"hello"}',
        '{"type":"hello","version":1}',
        '{"type":"hello","version":{},"proof":["{}",""]}',
      ]),
    ),
  (random) =>
    unreadable(
      "prototype names",
      random.pick([
        '{"__proto__":{"type":"ping"}}',
        '{"constructor":{"prototype":{"type":"ping"}}}',
        '{"type":"__proto__"}',
        '{"type":"constructor"}',
        '{"type":"toString"}',
        '{"type":{"__proto__":null}}',
      ]),
    ),
  (random) =>
    field(
      "prototype names in fields",
      random.pick([
        '{"type":"send","__proto__":{"events":[["{}","A"]]}}',
        '{"type":"send","events":{"__proto__":[],"length":1}}',
        '{"type":"history","__proto__":{"before":1,"limit":1}}',
      ]),
    ),
  (random) => {
    const payload = "x".repeat(2 * EVENT_PAYLOAD_MAX_BYTES + random.between(1, 500));
    return field("absurd payload", JSON.stringify({ type: "send", events: [[payload, "A".repeat(86)]] }));
  },

  // ---- events that are none ----
  (random, setting) => {
    const good = header(random, setting);
    const wrong: unknown = random.pick([
      { ...good, n: 0 },
      { ...good, n: -1 },
      { ...good, n: 1.5 },
      { ...good, n: 2 ** 53 },
      { ...good, n: "1" },
      { ...good, n: null },
      { ...good, clock: 0 },
      { ...good, clock: 2 ** 60 },
      { ...good, at: 1e300 },
      { ...good, at: "now" },
      { ...good, author: "" },
      { ...good, author: "__proto__" },
      { ...good, author: good.author + "A" },
      { ...good, room: {} },
      { ...good, v: 2 },
      { ...good, body: [] },
      { ...good, body: null },
      { ...good, kind: null },
      { ...good, body: { name: "\ud800", text: "half a character" } },
      { ...good, body: { name: "Ada", text: "\udc00" } },
      { ...good, body: { name: "", text: "hi" } },
      { ...good, body: { name: "Ada", text: "   \n " } },
      { ...good, body: { name: "Ada", text: 7 } },
      { ...good, body: { name: "Ada" } },
      [good],
      "event",
      0,
      null,
    ]);
    return unsigned("not an event", JSON.stringify(wrong), ["bad_event"]);
  },
  (random) => {
    const depth = random.between(100, EVENT_PAYLOAD_MAX_BYTES / 2 - 10);
    return unsigned("nested payload", "[".repeat(depth) + "]".repeat(depth), ["bad_event"]);
  },
  (random, setting) => {
    const kind = random.pick(["__proto__", "constructor", "hasOwnProperty", "poll", "", "MESSAGE"]);
    return unsigned("unknown kind", JSON.stringify({ ...header(random, setting), kind, body: {} }), [
      // A name that a later build may give to a kind is nothing wrong in itself.
      /^[a-z][a-z_]*$/.test(kind) ? "bad_signature" : "bad_event",
    ]);
  },
  (random, setting) => {
    const text = random.pick(["x", "é", "😀"]).repeat(MESSAGE_MAX_CHARS + random.between(1, 500));
    return unsigned("too long a text", JSON.stringify({ ...header(random, setting), body: { name: "Ada", text } }), [
      "too_long",
    ]);
  },
  (random, setting) => {
    const payload = JSON.stringify({ ...header(random, setting), junk: "x".repeat(EVENT_PAYLOAD_MAX_BYTES) });
    return unsigned("too long a payload", payload, ["too_long"]);
  },

  // ---- events of the right shape that may not be stored ----
  (random, setting) => unsigned("no signature", JSON.stringify(header(random, setting)), ["bad_signature"]),
  async (random, setting) => {
    const payload = JSON.stringify(header(random, setting));
    const signature = await setting.signer.sign(payload + " ");
    return event("signature of another text", [payload, signature], ["bad_signature"]);
  },
  async (random, setting) => {
    const author = toBase64Url(random.bytes(32));
    const payload = JSON.stringify({ ...header(random, setting), author });
    return event("in another's name", [payload, await setting.signer.sign(payload)], ["bad_signature"]);
  },
  (random, setting) => {
    if (setting.seen.length === 0) return field("wrong fields", '{"type":"send"}');
    const [payload, signature] = random.pick(setting.seen);
    const changed = payload.replace('"text":"', '"text":"not ');
    return event("changed on the way", [changed, signature], ["bad_signature"]);
  },
  async (random, setting) =>
    await signed("another room", random, setting, { room: toBase64Url(random.bytes(16)) }, ["wrong_room"]),
  async (random, setting) =>
    await signed("out of order", random, setting, { n: random.between(2, 2 ** 40) }, ["missing_previous"]),
  async (random, setting) =>
    await signed("clock far ahead", random, setting, { clock: random.pick([2 ** 31, 2 ** 53 - 1]) }, ["clock_ahead"]),
  async (random, setting) =>
    await signed("sealed in an open room", random, setting, {}, ["wrong_kind"], {
      kind: "sealed",
      body: { sealed: "A".repeat(40) },
    }),
  async (random, setting) =>
    await signed("a second founding", random, setting, {}, ["wrong_kind"], {
      kind: "room",
      body: { roomKind: "listed", name: "Mine now" },
    }),

  // ---- right, and rude ----
  (random, setting) => {
    if (setting.seen.length === 0) return { sort: "ping", data: '{"type":"ping"}', answers: [{ type: "pong" }] };
    const wire = random.pick(setting.seen);
    const id = eventIdOf(wire[0]);
    return { sort: "replayed", data: JSON.stringify({ type: "send", events: [wire] }), answers: [{ type: "ack", id }] };
  },
  (random, setting) => {
    if (setting.seen.length === 0) return { sort: "ping", data: '{"type":"ping"}', answers: [{ type: "pong" }] };
    // One event many times in one frame, and others in any order.
    const wires = Array.from({ length: random.between(2, 12) }, () => random.pick(setting.seen));
    const answers = wires.map(([payload]): Answer => ({ type: "ack", id: eventIdOf(payload) }));
    return { sort: "replayed in bulk", data: JSON.stringify({ type: "send", events: wires }), answers };
  },
  () => ({ sort: "ping", data: ' \n{"type":"ping","type":"ping","more":{}}', answers: [{ type: "pong" }] }),
  (random) => ({
    sort: "second hello",
    data: JSON.stringify({ type: "hello", version: random.between(1, 99), proof: ["{}", "A".repeat(86)] }),
    answers: [problem("out_of_turn")],
  }),
  (random) => ({
    sort: "history",
    data: JSON.stringify({
      type: "history",
      before: random.pick([1, 2, 50, 2 ** 53 - 1]),
      limit: random.between(1, 200),
    }),
    answers: [{ type: "page" }],
  }),

  // ---- almost right, and then changed at random ----
  async (random, setting) => {
    const payload = JSON.stringify(header(random, setting));
    // Of another text: some changes change nothing, and nothing of this may be stored.
    const signature = await setting.signer.sign(payload + "?");
    const text = JSON.stringify({ type: "send", events: [[payload, signature]] });
    return { sort: "changed at random", data: changedAtRandom(random, text), answers: [{ type: "anything" }] };
  },
];

function problem(name: FrameProblem): Answer {
  return { type: "problem", problem: name };
}

/** A text that is no frame: what is wrong with it follows from whether it is JSON. */
function unreadable(sort: string, data: string): Junk {
  return { sort, data, answers: [problem(isJson(data) ? "unknown_type" : "not_json")] };
}

function field(sort: string, data: string): Junk {
  return { sort, data, answers: [problem("bad_field")] };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The parts of a payload that would be right. */
function header(random: SeededRandom, { room, signer, nowMs }: JunkSetting) {
  const body = { name: "Mallory", text: `junk ${random.uint32()}` };
  return { v: 1, room, author: signer.author, n: 1, clock: 2, at: nowMs, kind: "message", body };
}

function event(sort: string, wire: WireEvent, reasons: readonly Refusal[]): Junk {
  const data = JSON.stringify({ type: "send", events: [wire] });
  return { sort, data, answers: [{ type: "refused", id: eventIdOf(wire[0]), reasons }] };
}

/** A payload with a signature that nobody made. */
function unsigned(sort: string, payload: string, reasons: readonly Refusal[]): Junk {
  return event(sort, [payload, "A".repeat(86)], reasons);
}

async function signed(
  sort: string,
  random: SeededRandom,
  { room, signer, nowMs }: JunkSetting,
  wrong: Partial<EventHeader>,
  reasons: readonly Refusal[],
  content: EventContent = { kind: "message", body: { name: "Mallory", text: `junk ${random.uint32()}` } },
): Promise<Junk> {
  const payload = encodePayload({ room, author: signer.author, n: 1, clock: 2, at: nowMs, ...wrong }, content);
  return event(sort, [payload, await signer.sign(payload)], reasons);
}

/** Cuts, doubles and replaces letters. */
function changedAtRandom(random: SeededRandom, text: string): string {
  let changed = text;
  for (let count = random.between(1, 4); count > 0; count--) {
    const at = random.between(0, changed.length - 1), length = random.between(1, 20);
    const [before, part, after] = [changed.slice(0, at), changed.slice(at, at + length), changed.slice(at + length)];
    changed = before + random.pick(["", part + part, part.toUpperCase(), "\u0000", "\\", '"', "9".repeat(30), "]"]) +
      after;
  }
  return changed;
}
