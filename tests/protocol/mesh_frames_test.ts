/** The door for other phones' frames. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isBase64UrlOf } from "../../lib/shared/base64url.ts";
import { decodeMeshFrame, MESH_FRAME_MAX_CHARS, type MeshFrame } from "../../lib/protocol/peer/mesh_frames.ts";

const KEY = "A".repeat(43), ID = "A".repeat(22), SIGNATURE = "A".repeat(86);
const BUCKETS = Array.from({ length: 16 }, (_, at) => at * 1_000_003);

const FRAMES: MeshFrame[] = [
  { type: "hello", version: 1, links: 2, maxLinks: 8, buckets: BUCKETS },
  { type: "push", event: ["{}", SIGNATURE], hopsLeft: 0, copies: 16, asked: true },
  { type: "offer", ids: [ID] },
  { type: "held", ids: [ID, ID] },
  { type: "want", ids: [ID] },
  { type: "prune" },
  { type: "digest", buckets: BUCKETS },
  { type: "summary", buckets: [0, 15], complete: true, answer: false, authors: [[KEY, [1, 1, 3, 9]]] },
  { type: "fetch", ranges: [[KEY, 1, 5]] },
  { type: "page", events: [["{}", SIGNATURE, 16, 0]] },
  { type: "peers", links: 0, maxLinks: 3, peers: [[KEY, 0, 1]] },
  { type: "receipts", batch: 1, receipts: [{ phone: KEY, author: KEY, from: 1, to: 2, signature: SIGNATURE }] },
  { type: "taken", batch: 7 },
  { type: "signal", from: KEY, to: KEY, hopsLeft: 3, text: "v=0" },
  { type: "goodbye", reason: "evicted", peer: KEY },
  { type: "goodbye", reason: "leaving" },
];

Deno.test("[MESH-2] every frame survives the wire, rebuilt from its own fields only", () => {
  for (const frame of FRAMES) {
    assertEquals(decodeMeshFrame(JSON.stringify({ ...frame, more: "than it should be" })), { ok: true, frame });
  }
});

Deno.test("[MESH-2] a frame without one of its fields is named by that field", () => {
  for (const frame of FRAMES) {
    for (const field of Object.keys(frame)) {
      if (field === "type" || (frame.type === "goodbye" && field === "peer")) continue;
      const decoded = decodeMeshFrame(JSON.stringify({ ...frame, [field]: undefined }));
      assert(!decoded.ok && decoded.problem === "bad_field", `${frame.type} without ${field}`);
      assert(decoded.field?.startsWith(field), `${frame.type} without ${field}: ${decoded.field}`);
    }
  }
});

Deno.test("[MESH-2] sizes and orders are checked", () => {
  const bad: [unknown, string][] = [
    [{ type: "offer", ids: [] }, "ids"],
    [{ type: "offer", ids: Array(101).fill(ID) }, "ids"],
    [{ type: "offer", ids: ["A".repeat(21) + "B"] }, "ids[0]"],
    [{ type: "digest", buckets: BUCKETS.with(3, 2 ** 48) }, "buckets[3]"],
    [{ type: "digest", buckets: BUCKETS.slice(1) }, "buckets"],
    [{ ...FRAMES[7], authors: [[KEY, [1, 5, 5, 6]]] }, "authors[0][1][2]"],
    [{ ...FRAMES[7], authors: [[KEY, [5, 4]]] }, "authors[0][1][1]"],
    [{ ...FRAMES[7], authors: [[KEY, [5]]] }, "authors[0][1]"],
    [{ type: "fetch", ranges: [[KEY, 5, 4]] }, "ranges[0]"],
    [{ ...FRAMES[1], hopsLeft: 17 }, "hopsLeft"],
    [{ ...FRAMES[1], hopsLeft: 1.5 }, "hopsLeft"],
    [{ ...FRAMES[1], event: ["", SIGNATURE] }, "event[0]"],
    [{ ...FRAMES[1], event: ["x".repeat(16_385), SIGNATURE] }, "event[0]"],
    [{ ...FRAMES[13], text: "\ud800" }, "text"],
    [{ type: "goodbye", reason: "because" }, "reason"],
  ];
  for (const [value, field] of bad) {
    assertEquals(decodeMeshFrame(JSON.stringify(value)), { ok: false, problem: "bad_field", field });
  }
  assertEquals(decodeMeshFrame(" ".repeat(MESH_FRAME_MAX_CHARS + 1)), { ok: false, problem: "too_large" });
  assertEquals(decodeMeshFrame(new Uint8Array(3)), { ok: false, problem: "not_text" });
  assertEquals(decodeMeshFrame("{"), { ok: false, problem: "not_json" });
  for (const text of ["null", "[]", '{"type":"__proto__"}', "{}"]) {
    assertEquals(decodeMeshFrame(text), { ok: false, problem: "unknown_type" });
  }
});

Deno.test("[MESH-2] junk never throws, and decoded frames encode to the same text", () => {
  const fields = fc.constantFrom(
    "type",
    "ids",
    "event",
    "hopsLeft",
    "peers",
    "authors",
    "ranges",
    "receipts",
    "buckets",
  );
  const junk = fc.dictionary(fields, fc.oneof(fc.jsonValue(), fc.constantFrom(...FRAMES.map(({ type }) => type))));
  fc.assert(fc.property(fc.constantFrom(...FRAMES), junk, (frame, other) => {
    const decoded = decodeMeshFrame(JSON.stringify({ ...frame, ...other }));
    if (decoded.ok) assertEquals(decodeMeshFrame(JSON.stringify(decoded.frame)), decoded);
  }));
});

Deno.test("[MESH-2] ids are read as the rest of the protocol reads them", () => {
  fc.assert(fc.property(fc.base64String({ minLength: 20, maxLength: 24 }), (base64) => {
    const id = base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    assertEquals(decodeMeshFrame(JSON.stringify({ type: "want", ids: [id] })).ok, isBase64UrlOf(id, 16));
  }));
});
