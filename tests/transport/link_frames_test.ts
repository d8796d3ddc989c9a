/** Link frames: texts of any length in parts that every browser can send. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { LINK_CHUNK_BYTES, LINK_MESSAGE_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { LinkFrameReader, messageFrames } from "../../lib/transport/link_frames.ts";

Deno.test("texts of any length and script are split into frames within the limit and reassembled", () => {
  for (const text of ["", "x", "🎪".repeat(30_000), "é".repeat(100_000), "a".repeat(LINK_MESSAGE_MAX_BYTES)]) {
    const frames = messageFrames(text);
    for (const frame of frames) assert(new TextEncoder().encode(frame).length <= LINK_CHUNK_BYTES);
    const reader = new LinkFrameReader();
    const read = frames.map((frame) => reader.read(frame));
    assert(read.slice(0, -1).every(({ type }) => type === "part"));
    assertEquals(read.at(-1), { type: "message", text });
  }
  assertThrows(() => messageFrames("x".repeat(LINK_MESSAGE_MAX_BYTES + 1)), RangeError);
});

Deno.test("an endless text is refused at LINK_MESSAGE_MAX_BYTES", () => {
  const reader = new LinkFrameReader();
  const part = "+" + "x".repeat(LINK_CHUNK_BYTES - 1);
  let read = reader.read(part), count = 1;
  while (read.type === "part") {
    read = reader.read(part);
    count++;
  }
  assertEquals(read, { type: "bad", problem: "too_large" });
  assert(count <= LINK_MESSAGE_MAX_BYTES / LINK_CHUNK_BYTES + 1);
});
