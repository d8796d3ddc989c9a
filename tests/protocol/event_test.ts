/** Reading an event: what was written comes back, and whatever is wrong is named. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareEvents, encodePayload, type EventHeader, eventIdOf } from "../../lib/protocol/event.ts";
import { type EventContent, readContent, readEvent } from "../../lib/kinds/kinds.ts";
import { EVENT_PAYLOAD_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { content, header } from "./arbitraries.ts";

const SIGNATURE = "A".repeat(86);
const HEADER: EventHeader = { room: "A".repeat(22), author: "A".repeat(43), n: 1, clock: 1, at: 0 };
const ID = "A".repeat(22);

/** One right content of each kind. */
const CONTENTS: EventContent[] = [
  { kind: "room", body: { roomKind: "listed", name: "Stage" } },
  { kind: "message", body: { name: "Ada", text: "hi" } },
  { kind: "reply", body: { name: "Ada", text: "hi", to: ID } },
  {
    kind: "file",
    body: {
      name: "Ada",
      file: {
        name: "stage.webp",
        type: "image/webp",
        bytes: 9,
        root: "A".repeat(43),
        size: { width: 4, height: 3 },
        thumbnail: "UklGRAAA",
      },
    },
  },
  { kind: "reaction", body: { to: ID, emoji: "🎉", on: true } },
  { kind: "edit", body: { to: ID, text: "hi" } },
  { kind: "retract", body: { to: ID, n: 1 } },
  { kind: "profile", body: { name: "Ada" } },
  { kind: "sealed", body: { sealed: "A".repeat(40) } },
];

function problemOf(payload: string) {
  const read = readEvent([payload, SIGNATURE]);
  return read.ok ? "ok" : `${read.problem.reason} ${read.problem.field}`;
}

const written = (header: EventHeader, content: EventContent) => JSON.parse(encodePayload(header, content));

Deno.test("every event that was written is read as it was written, with its own bytes", () => {
  fc.assert(
    fc.property(header, content, (header, content) => {
      const payload = encodePayload(header, content);
      const read = readEvent([payload, SIGNATURE]);
      assert(read.ok, read.ok ? "" : JSON.stringify(read.problem));
      assertEquals(read.event, { id: eventIdOf(payload), ...header, wire: [payload, SIGNATURE], ...content });
    }),
    { numRuns: 500 },
  );
});

Deno.test("an event id is the first 16 bytes of the payload's SHA-256", () => {
  // FIPS 180-2, example B.1: SHA-256 of "abc" is ba7816bf 8f01cfea 414140de 5dae2223 …
  assertEquals(eventIdOf("abc"), "ungWv48Bz-pBQUDeXa4iIw");
});

for (const right of CONTENTS) {
  Deno.test(`${right.kind}: each field that is missing or wrong is named`, () => {
    assertEquals(problemOf(JSON.stringify(written(HEADER, right))), "ok");
    for (const field of ["v", "room", "author", "n", "clock", "at", "kind", "body"]) {
      for (const wrong of [undefined, null, -1, 0.5, "", "x", [], {}, true]) {
        const payload = { ...written(HEADER, right), [field]: wrong };
        // A negative time is before 1970, and `{}` is a body, only without its fields.
        if (field === "at" && wrong === -1 || field === "body" && typeof wrong === "object" && wrong !== null) continue;
        // A kind that this build does not know is nothing wrong.
        if (field === "kind" && wrong === "x") continue;
        assertEquals(problemOf(JSON.stringify(payload)), `bad_event ${field}`, `${field} ${JSON.stringify(wrong)}`);
      }
    }
    for (const field of Object.keys(right.body)) {
      for (const wrong of [undefined, null, 7, "", " ", [], {}, "\ud83c"]) {
        const payload = written(HEADER, right);
        payload.body = { ...payload.body, [field]: wrong };
        // Any text is an emoji, also white space; a reaction is bounded, not beautiful.
        if (field === "emoji" && typeof wrong === "string" && wrong !== "") continue;
        // The number of the message.
        if (field === "n" && wrong === 7) continue;
        // A file, only without its fields: those are named on their own.
        if (field === "file" && JSON.stringify(wrong) === "{}") continue;
        assertEquals(
          problemOf(JSON.stringify(payload)),
          `bad_event body.${field}`,
          `${field} ${JSON.stringify(wrong)}`,
        );
      }
    }
  });
}

Deno.test("texts that are longer than their limit are too_long by name", () => {
  const longer: [EventContent, string][] = [
    [{ kind: "message", body: { name: "Ada", text: "x".repeat(2_001) } }, "too_long body.text"],
    [{ kind: "message", body: { name: "Ada", text: "🎪".repeat(2_001) } }, "too_long body.text"],
    [{ kind: "message", body: { name: "x".repeat(161), text: "hi" } }, "too_long body.name"],
    [{ kind: "profile", body: { name: "é".repeat(81) } }, "too_long body.name"],
    [{ kind: "reaction", body: { to: ID, emoji: "🎉".repeat(11), on: true } }, "too_long body.emoji"],
    [{ kind: "room", body: { roomKind: "listed", name: "x".repeat(61) } }, "too_long body.name"],
    [{ kind: "sealed", body: { sealed: "A".repeat(EVENT_PAYLOAD_MAX_BYTES) } }, "too_long payload"],
  ];
  for (const [content, problem] of longer) assertEquals(problemOf(encodePayload(HEADER, content)), problem);
  const longest: EventContent = { kind: "message", body: { name: "é".repeat(80), text: "🎪".repeat(2_000) } };
  assertEquals(problemOf(encodePayload(HEADER, longest)), "ok");
});

Deno.test("a payload is measured in UTF-8 bytes", () => {
  const padded = (bytes: number) => {
    const payload = JSON.stringify({ ...written(HEADER, CONTENTS[1]!), pad: "" });
    return payload.replace('"pad":""', `"pad":"${"é".repeat((bytes - payload.length) / 2)}"`);
  };
  const size = (payload: string) => new TextEncoder().encode(payload).length;
  const fits = padded(EVENT_PAYLOAD_MAX_BYTES - EVENT_PAYLOAD_MAX_BYTES % 2);
  assert(size(fits) <= EVENT_PAYLOAD_MAX_BYTES);
  assertEquals(problemOf(fits), "ok");
  assertEquals(problemOf(padded(EVENT_PAYLOAD_MAX_BYTES + 4)), "too_long payload");
});

Deno.test("anything but a JSON object is a bad payload", () => {
  for (const payload of ["", "null", "[]", "1", '"x"', "{", "undefined"]) {
    assertEquals(problemOf(payload), "bad_event payload");
  }
  fc.assert(fc.property(fc.string(), (payload) => {
    assert(problemOf(payload).startsWith("bad_event"));
  }));
});

Deno.test("[SKEW-2] an event of a kind that this build does not know is read as such, and keeps its own bytes", () => {
  const payload = JSON.stringify({ ...written(HEADER, CONTENTS[1]!), kind: "poll", body: { question: "Where?" } });
  const read = readEvent([payload, SIGNATURE]);
  assert(read.ok);
  assertEquals(read.event, {
    ...HEADER,
    id: eventIdOf(payload),
    wire: [payload, SIGNATURE],
    kind: "unknown",
    body: { kind: "poll" },
  });
  for (const kind of ["", "Poll", "a b", "x".repeat(33), "é", 7]) {
    assertEquals(problemOf(JSON.stringify({ ...written(HEADER, CONTENTS[1]!), kind })), "bad_event kind");
  }
});

Deno.test("reading never throws, for any JSON", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (kind, body) => {
    const read = readContent(kind, body);
    if (!read.ok) assert(read.problem.field !== "");
  }));
  fc.assert(fc.property(fc.json(), (payload) => void readEvent([payload, SIGNATURE])));
});

Deno.test("unknown fields are dropped, so that no code behind the decoder sees them", () => {
  const payload = JSON.stringify({ ...written(HEADER, CONTENTS[1]!), extra: 1, id: "mine" });
  const read = readEvent([payload, SIGNATURE]);
  assert(read.ok && !("extra" in read.event) && read.event.id === eventIdOf(payload));
});

Deno.test("the order of events is total: by clock, then author, then n", () => {
  fc.assert(fc.property(fc.array(header, { maxLength: 6 }), (headers) => {
    const shuffled = headers.toSorted(() => 0).reverse();
    const key = ({ clock, author, n }: EventHeader) => [clock, author, n].join();
    assertEquals(shuffled.toSorted(compareEvents).map(key), headers.toSorted(compareEvents).map(key));
  }));
  const at = (clock: number, author: string, n: number) => ({ ...HEADER, clock, author, n });
  assert(compareEvents(at(1, "b", 9), at(2, "a", 1)) < 0);
  assert(compareEvents(at(1, "a", 9), at(1, "b", 1)) < 0);
  assert(compareEvents(at(1, "a", 2), at(1, "a", 1)) > 0);
  assertEquals(compareEvents(at(1, "a", 1), at(1, "a", 1)), 0);
});
