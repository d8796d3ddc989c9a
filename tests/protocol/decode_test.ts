/** The one door for frames: every right frame comes through as it was, every wrong field is named. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readWireEvent } from "../../lib/protocol/event.ts";
import { decodeClientFrame, readHelloProof } from "../../lib/protocol/client_frames.ts";
import { decodeServerFrame, readRoomInfo } from "../../lib/protocol/frames.ts";
import type { Decoded } from "../../lib/protocol/fields.ts";
import { CLIENT_FRAME_MAX_BYTES, SEND_MAX_EVENTS, SERVER_FRAME_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { base64url, clientFrame, serverFrame, wire } from "./arbitraries.ts";

const SIDES: { side: string; frames: fc.Arbitrary<object>; decode: (data: unknown) => Decoded<object> }[] = [
  { side: "client", frames: clientFrame, decode: decodeClientFrame },
  { side: "server", frames: serverFrame, decode: decodeServerFrame },
];
/** Fields that a frame may do without. */
const OPTIONAL = new Set(["resume", "retryAfterMs", "expectedN", "field", "room.code"]);

/** Every path to a field of plain objects, e.g. `people.count`. */
function* pathsOf(value: object, prefix = ""): Iterable<string> {
  for (const [name, inner] of Object.entries(value)) {
    if (prefix === "" && name === "type") continue;
    yield prefix + name;
    if (typeof inner === "object" && !Array.isArray(inner)) yield* pathsOf(inner, `${prefix}${name}.`);
  }
}

/** A copy of `frame` with this field set, or left out when `value` is undefined. */
function withField(frame: object, path: string, value: unknown): Record<string, unknown> {
  const copy = structuredClone(frame) as Record<string, unknown>;
  const names = path.split(".");
  const last = names.pop()!;
  let inner = copy;
  for (const name of names) inner = inner[name] as Record<string, unknown>;
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return copy;
}

for (const { side, frames, decode } of SIDES) {
  Deno.test(`${side} frames come through the door as they were written`, () => {
    fc.assert(
      fc.property(frames, (frame) => {
        assertEquals(decode(JSON.stringify(frame)), { ok: true, frame });
      }),
      { numRuns: 500 },
    );
  });

  Deno.test(`${side} frames: every missing field is named`, () => {
    fc.assert(
      fc.property(frames, (frame) => {
        for (const path of pathsOf(frame)) {
          if (OPTIONAL.has(path)) continue;
          const decoded = decode(JSON.stringify(withField(frame, path, undefined)));
          assertEquals(decoded, { ok: false, problem: "bad_field", field: path });
        }
      }),
      { numRuns: 100 },
    );
  });

  Deno.test(`${side} frames: every field of a wrong shape is named`, () => {
    fc.assert(
      fc.property(frames, (frame) => {
        for (const path of pathsOf(frame)) {
          for (const wrong of [null, false, {}, -1, 1.5, "\ud83c"]) {
            // A time may be negative.
            if (wrong === -1 && /(^|\.)(at|createdAt)$/.test(path)) continue;
            const decoded = decode(JSON.stringify(withField(frame, path, wrong)));
            assert(!decoded.ok && decoded.problem === "bad_field", `${path} ${JSON.stringify(wrong)} came through`);
            assert(decoded.field?.startsWith(path), `${decoded.field} named for ${path}`);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  Deno.test(`[SKEW-1] ${side} frames: unknown fields are ignored`, () => {
    fc.assert(fc.property(frames, (frame) => {
      assertEquals(decode(JSON.stringify({ ...frame, extra: { deep: 1 } })), { ok: true, frame });
    }));
  });

  Deno.test(`${side} frames: junk is refused by name and never throws`, () => {
    assertEquals(decode(new ArrayBuffer(8)), { ok: false, problem: "not_text" });
    assertEquals(decode("{"), { ok: false, problem: "not_json" });
    for (const text of ["null", "[]", "7", "{}", '{"type":"nothing"}', '{"type":["ping"]}', '{"type":"__proto__"}']) {
      assertEquals(decode(text), { ok: false, problem: "unknown_type" });
    }
    fc.assert(fc.property(fc.anything(), (data) => assert(!decode(data).ok)));
    fc.assert(fc.property(fc.json(), (text) => void decode(text)));
  });
}

Deno.test("frames that are larger than their bound are not even parsed", () => {
  const client = decodeClientFrame(" ".repeat(CLIENT_FRAME_MAX_BYTES + 1));
  assertEquals(client, { ok: false, problem: "too_large" });
  assertEquals(decodeServerFrame(" ".repeat(SERVER_FRAME_MAX_BYTES + 1)), { ok: false, problem: "too_large" });
});

Deno.test("one frame carries at most SEND_MAX_EVENTS events, and at least one", () => {
  const send = (events: unknown[]) => decodeClientFrame(JSON.stringify({ type: "send", events }));
  const event = ["{}", "A".repeat(86)];
  assert(send(Array(SEND_MAX_EVENTS).fill(event)).ok);
  for (const events of [[], Array(SEND_MAX_EVENTS + 1).fill(event)]) {
    assertEquals(send(events), { ok: false, problem: "bad_field", field: "events" });
  }
});

Deno.test("the event with a wrong part is named by its place", () => {
  const right = ["{}", "A".repeat(86)];
  const wrong: [unknown, string][] = [
    [["", right[1]], "events[1][0]"],
    [["{}", "A"], "events[1][1]"],
    [["{}"], "events[1]"],
    [7, "events[1]"],
  ];
  for (const [event, field] of wrong) {
    const decoded = decodeClientFrame(JSON.stringify({ type: "send", events: [right, event] }));
    assertEquals(decoded, { ok: false, problem: "bad_field", field });
  }
});

Deno.test("a hello's proof is read when all of it is right, and not otherwise", () => {
  fc.assert(fc.property(base64url(16), base64url(16), base64url(32), (nonce, room, author) => {
    const proof = { hello: 1 as const, nonce, room, author, name: "Ada" };
    assertEquals(readHelloProof(JSON.stringify(proof)), proof);
    for (const field of Object.keys(proof)) {
      assertEquals(readHelloProof(JSON.stringify({ ...proof, [field]: undefined })), undefined);
      assertEquals(readHelloProof(JSON.stringify({ ...proof, [field]: " " })), undefined);
    }
  }));
  fc.assert(fc.property(fc.string(), (text) => assertEquals(readHelloProof(text), undefined)));
});

Deno.test("[SKEW-3] a reason that this build does not know is read as one that loses nothing", () => {
  const read = (frame: object) => {
    const decoded = decodeServerFrame(JSON.stringify(frame));
    return decoded.ok ? decoded.frame : decoded;
  };
  const id = "A".repeat(22), reason = "by_the_moon";
  assertEquals(read({ type: "refused", id, reason }), { type: "refused", id, reason: "overloaded" });
  assertEquals(read({ type: "goodbye", reason }), { type: "goodbye", reason: "going_away" });
  assertEquals(read({ type: "problem", problem: reason }), { type: "problem", problem: "unknown_type" });
  const to = "A".repeat(43);
  assertEquals(read({ type: "signal_undeliverable", to, reason }), {
    type: "signal_undeliverable",
    to,
    reason: "busy",
  });
  assertEquals(read({ type: "goodbye", reason: "Moon!" }), { ok: false, problem: "bad_field", field: "reason" });
});

Deno.test("[STUB-1] frames of the log carry events and stubs, and every field of a stub is checked", () => {
  const stub = { stub: "retracted", id: "A".repeat(22), author: "A".repeat(43), n: 2, clock: 3, at: 4 };
  const event = ["{}", "A".repeat(86)];
  const read = (entry: unknown) =>
    decodeServerFrame(JSON.stringify({ type: "events", from: 1, events: [event, entry] }));
  const frame = (entry: unknown) => ({ ok: true, frame: { type: "events", from: 1, events: [event, entry] } });
  assertEquals(read({ ...stub, more: 1 }), frame(stub) as ReturnType<typeof read>);
  assertEquals(
    read({ ...stub, quiet: true, stub: "by_the_moon" }),
    frame({ ...stub, quiet: true, stub: "by_the_moon" }) as ReturnType<typeof read>,
  );
  for (const field of Object.keys(stub)) {
    for (const wrong of [undefined, null, -0.5, "", "\ud83c", {}]) {
      const decoded = read({ ...stub, [field]: wrong });
      assertEquals(decoded, { ok: false, problem: "bad_field", field: `events[1].${field}` });
    }
  }
});

Deno.test("rooms and events over HTTP come through the same door", () => {
  fc.assert(fc.property(wire, (event) => {
    assertEquals(readWireEvent(JSON.parse(JSON.stringify(event))), event);
    assertEquals(readWireEvent([event[0], ""]), undefined);
  }));
  for (const value of [undefined, null, 7, "x", [], {}]) {
    assertEquals(readRoomInfo(value), undefined);
    assertEquals(readWireEvent(value), undefined);
  }
});
