/** Files on wires: what an event may say of one, and the frames between phones. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { newRoomSecret, sealContent, sealerOf } from "../../lib/crypto/seal.ts";
import { composeFile } from "../../lib/kinds/file.ts";
import { encodePayload } from "../../lib/protocol/event.ts";
import { readEvent } from "../../lib/kinds/kinds.ts";
import {
  decodeFileFrame,
  encodeFileFrame,
  FILE_BLOCKS_MAX,
  FILE_CHUNK_BYTES,
  FILE_HOPS_MAX,
  type FileFrame,
} from "../../lib/protocol/peer/file_frames.ts";
import { cleanFileName, cleanFileType } from "../../lib/files/file_name.ts";
import { check, object } from "../../lib/protocol/fields.ts";
import { type FileInfo, fileInfo } from "../../lib/protocol/file_info.ts";
import {
  FILE_CAPTION_MAX_CHARS,
  FILE_MAX_BYTES,
  FILE_NAME_MAX_CHARS,
  FILE_THUMBNAIL_MAX_BYTES,
  LINK_CHUNK_BYTES,
} from "../../lib/protocol/limits.ts";
import { base64url } from "./arbitraries.ts";

/** The file of an event's body, or the name of its first wrong field. */
function readFileInfo(file: unknown): FileInfo | string {
  const read = check(object({ file: fileInfo }), { file });
  return read.ok ? read.value.file : read.field;
}

const ROOT = "A".repeat(43);
const FILE: FileInfo = { name: "a.txt", type: "text/plain", bytes: 5, root: ROOT };

Deno.test("[FILE-1] a file's name has no path, no control character and nothing that turns or hides letters", () => {
  const names: [string, string][] = [
    ["photo.jpg", "photo.jpg"],
    ["/etc/passwd", "passwd"],
    ["C:\\Users\\Ada\\me.png", "me.png"],
    ["..", "file"],
    [".bashrc", "bashrc"],
    ["a\u202Egpj.exe", "agpj.exe"],
    ["a\0b\nc.txt", "abc.txt"],
    ["two  spaces .txt ", "two spaces .txt"],
    ["", "file"],
    ["фото 👩‍👩‍👧.jpg", "фото 👩‍👩‍👧.jpg"],
    ["x".repeat(300) + ".tar", "x".repeat(FILE_NAME_MAX_CHARS - 4) + ".tar"],
    ["\ud800.txt", "\ufffd.txt"],
  ];
  for (const [given, expected] of names) assertEquals(cleanFileName(given), expected);
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (name) => {
    const clean = cleanFileName(name);
    assertEquals(cleanFileName(clean), clean);
    assertEquals(readFileInfo({ ...FILE, name: clean }), { ...FILE, name: clean });
  }));
});

Deno.test("[FILE-1] a media type has a fixed format, and any other text is an unknown type", () => {
  assertEquals(
    ["image/JPEG", "text/html; charset=utf-8", "", "x", "a/b/c", "image/svg+xml"].map(cleanFileType),
    [
      "image/jpeg",
      "text/html",
      "application/octet-stream",
      "application/octet-stream",
      "application/octet-stream",
      "image/svg+xml",
    ],
  );
});

Deno.test("[FILE-1] every field of a file that is wrong is named", () => {
  const wrong: [string, Record<string, unknown>][] = [
    ["file.name", { name: "a/b" }],
    ["file.name", { name: "" }],
    ["file.name", { name: "x".repeat(FILE_NAME_MAX_CHARS + 1) }],
    ["file.type", { type: "Text/Plain" }],
    ["file.type", { type: "text/plain\r\nx: y" }],
    ["file.bytes", { bytes: 0 }],
    ["file.bytes", { bytes: FILE_MAX_BYTES + 1 }],
    ["file.bytes", { bytes: 1.5 }],
    ["file.root", { root: "A" }],
    ["file.size", { size: { width: 0, height: 1 } }],
    ["file.size", { size: null }],
    ["file.thumbnail", { thumbnail: "PHN2Zz4" }],
    ["file.thumbnail", { thumbnail: "_9j_" + "A".repeat(FILE_THUMBNAIL_MAX_BYTES * 4 / 3) }],
  ];
  for (const [field, change] of wrong) assertEquals(readFileInfo({ ...FILE, ...change }), field);
});

Deno.test("[FILE-1] the largest offer fits into an event, sealed, too", async () => {
  const wide = (count: number) => "🎉".repeat(count);
  const composed = composeFile(wide(40), {
    name: wide(FILE_NAME_MAX_CHARS),
    type: `${"a".repeat(64)}/${"b".repeat(64)}`,
    bytes: FILE_MAX_BYTES,
    root: ROOT,
    size: { width: 32_767, height: 32_767 },
    thumbnail: "UklGR" + "A".repeat(Math.ceil(FILE_THUMBNAIL_MAX_BYTES * 4 / 3) - 5),
  }, wide(FILE_CAPTION_MAX_CHARS));
  assert("content" in composed);
  const header = { room: "A".repeat(22), author: ROOT, n: 2 ** 50, clock: 2 ** 50, at: 1e13 };
  const sealer = await sealerOf(newRoomSecret((bytes) => bytes.fill(3)));
  for (const content of [composed.content, await sealContent(sealer, header, composed.content)]) {
    const read = readEvent([encodePayload(header, content), "A".repeat(86)]);
    assert(read.ok, read.ok ? "" : JSON.stringify(read.problem));
  }
});

const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength }).map((bytes) => Uint8Array.from(bytes));
const index = fc.nat({ max: FILE_BLOCKS_MAX - 1 });
const frame: fc.Arbitrary<FileFrame> = base64url(32).chain((root) =>
  fc.oneof(
    fc.record({
      root: fc.constant(root),
      type: fc.constant("want" as const),
      hopsLeft: fc.nat({ max: FILE_HOPS_MAX }),
    }),
    fc.record({ root: fc.constant(root), type: fc.constantFrom("unwant" as const, "ask_list" as const) }),
    fc.record({ root: fc.constant(root), type: fc.constant("have" as const), bits: bytes(13) }),
    fc.record({ root: fc.constant(root), type: fc.constantFrom("ask_block" as const, "refused" as const), index }),
    fc.record({
      root: fc.constant(root),
      type: fc.constant("data" as const),
      index,
      offset: fc.nat({ max: 262_143 }),
      bytes: bytes(FILE_CHUNK_BYTES),
    }),
    fc.integer({ min: 1, max: FILE_MAX_BYTES }).map((bytes) => (
      { root, type: "list" as const, bytes, hashes: new Uint8Array(32 * Math.ceil(bytes / 262_144)).fill(bytes & 255) }
    )),
  )
);

Deno.test("[FILE-2] every frame about a file is read as it was written, and fits into one piece", () => {
  fc.assert(fc.property(frame, (frame) => {
    const written = encodeFileFrame(frame);
    assert(written.length <= LINK_CHUNK_BYTES);
    assertEquals(decodeFileFrame(written.buffer), frame);
  }));
});

Deno.test("[FILE-2] malformed frames are rejected: text, pieces, junk, too long, a list of another length", () => {
  const whole = encodeFileFrame({ type: "ask_block", root: ROOT, index: 1 });
  const list = encodeFileFrame({ type: "list", root: ROOT, bytes: 300_000, hashes: new Uint8Array(64) });
  for (
    const data of [
      "text",
      null,
      new ArrayBuffer(0),
      whole.slice(0, 20).buffer,
      whole.slice(0, -1).buffer,
      new Uint8Array([...whole, 0]).buffer,
      new Uint8Array(LINK_CHUNK_BYTES + 1).fill(100).buffer,
      list.slice(0, -32).buffer,
      encodeFileFrame({ type: "ask_block", root: ROOT, index: FILE_BLOCKS_MAX }).buffer,
      encodeFileFrame({ type: "want", root: ROOT, hopsLeft: FILE_HOPS_MAX + 1 }).buffer,
    ]
  ) assertEquals(decodeFileFrame(data), undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (junk) => {
    decodeFileFrame(Uint8Array.from(junk).buffer);
  }));
});
