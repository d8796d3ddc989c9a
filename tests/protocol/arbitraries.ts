/** Random events and frames of every kind, right in every field. */
import fc from "fast-check";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  FRAME_PROBLEMS,
  type Refusal,
  REFUSALS,
  SIGNAL_FAILURES,
  type SignalFailure,
} from "../../lib/protocol/codes.ts";
import { encodePayload, type EventHeader, type RoomKind, type WireEvent } from "../../lib/protocol/event.ts";
import type { EventContent } from "../../lib/kinds/kinds.ts";
import { cleanFileName } from "../../lib/files/file_name.ts";
import type { FileInfo } from "../../lib/protocol/file_info.ts";
import { FILE_MAX_BYTES } from "../../lib/protocol/limits.ts";
import type { ClientFrame } from "../../lib/protocol/client_frames.ts";
import type { ServerFrame } from "../../lib/protocol/frames.ts";

export const base64url = (byteLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: byteLength, maxLength: byteLength }).map(toBase64Url);
export const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
export const position = fc.nat({ max: Number.MAX_SAFE_INTEGER });
export const time = fc.integer({ min: -8.64e15, max: 8.64e15 });

/** Text with something in it: any well-formed Unicode. */
const text = (maxLength: number) =>
  fc.string({ unit: "grapheme", minLength: 1, maxLength }).filter((text) => text.trim() !== "" && text.isWellFormed());
const name = text(10).filter((name) => new TextEncoder().encode(name).length <= 160);
const emoji = fc.constantFrom("🎉", "👩‍👩‍👧‍👦", "❤️", "x");

/** The description in a `file` event. */
const file: fc.Arbitrary<FileInfo> = fc.record({
  name: fc.string({ unit: "grapheme", maxLength: 40 }).map(cleanFileName),
  type: fc.constantFrom("image/webp", "application/pdf", "text/x.y+z-1"),
  bytes: fc.integer({ min: 1, max: FILE_MAX_BYTES }),
  root: base64url(32),
  size: fc.record({ width: fc.integer({ min: 1, max: 32_767 }), height: fc.integer({ min: 1, max: 32_767 }) }),
  thumbnail: fc.constantFrom("_9j_AAA", "UklGRAAA"),
}, { requiredKeys: ["name", "type", "bytes", "root"] });

export const content: fc.Arbitrary<EventContent> = fc.oneof(
  fc.record({
    kind: fc.constant("room" as const),
    body: fc.record({ roomKind: fc.constantFrom<RoomKind>("listed", "unlisted", "sealed"), name: text(10) }),
  }),
  fc.record({ kind: fc.constant("message" as const), body: fc.record({ name, text: text(50) }) }),
  fc.record({ kind: fc.constant("reply" as const), body: fc.record({ name, text: text(50), to: base64url(16) }) }),
  fc.record({
    kind: fc.constant("file" as const),
    body: fc.record({ name, text: text(50), file }, { requiredKeys: ["name", "file"] }),
  }),
  fc.record({
    kind: fc.constant("reaction" as const),
    body: fc.record({ to: base64url(16), emoji, on: fc.boolean() }),
  }),
  fc.record({ kind: fc.constant("edit" as const), body: fc.record({ to: base64url(16), text: text(50) }) }),
  fc.record({
    kind: fc.constant("retract" as const),
    body: fc.record({
      to: base64url(16),
      n: fc.integer({ min: 1 }),
      edits: fc.array(fc.tuple(base64url(16), fc.integer({ min: 1 })), { minLength: 1, maxLength: 3 }),
    }, { requiredKeys: ["to", "n"] }),
  }),
  fc.record({ kind: fc.constant("profile" as const), body: fc.record({ name }) }),
  fc.record({ kind: fc.constant("sealed" as const), body: fc.record({ sealed: base64url(40) }) }),
);

export const header: fc.Arbitrary<EventHeader> = fc.record({
  room: base64url(16),
  author: base64url(32),
  n: count,
  clock: count,
  at: time,
});

export const wire: fc.Arbitrary<WireEvent> = fc.tuple(header, content, base64url(64))
  .map(([header, content, signature]) => [encodePayload(header, content), signature] as const);
const wires = fc.array(wire, { minLength: 1, maxLength: 4 });
const person = fc.record({ author: base64url(32), name });

const room = fc.record({
  id: base64url(16),
  kind: fc.constantFrom<RoomKind>("listed", "unlisted", "sealed"),
  name: text(10),
  code: fc.constant("cosmic-stage-417"),
  host: base64url(32),
  genesis: wire,
  createdAt: time,
}, { requiredKeys: ["id", "kind", "name", "host", "genesis", "createdAt"] });

const of = <Type extends string>(type: Type) => fc.constant(type);

export const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({
    type: of("hello"),
    version: count,
    proof: wire,
    resume: fc.record({ epoch: base64url(8), position }),
  }, { requiredKeys: ["type", "version", "proof"] }),
  fc.record({ type: of("send"), events: fc.array(wire, { minLength: 1, maxLength: 4 }) }),
  fc.record({ type: of("history"), before: count, limit: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ type: of("ping") }),
  fc.record({ type: of("signal"), to: base64url(32), payload: text(50), signature: base64url(64) }),
);

export const serverFrame: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({ type: of("challenge"), version: count, nonce: base64url(16), at: time }),
  fc.record({
    type: of("welcome"),
    room,
    epoch: base64url(8),
    head: position,
    oldest: count,
    mode: fc.constantFrom("resume" as const, "latest" as const),
    from: count,
    lastN: position,
    clock: position,
    people: fc.record({ count: position, shown: fc.array(person, { maxLength: 3 }) }),
    limits: fc.record({ messageBurst: count, messageEveryMs: position, inFlight: count }),
    at: time,
  }),
  fc.record({ type: of("events"), from: count, events: wires }),
  fc.record({ type: of("ack"), acks: fc.array(fc.tuple(base64url(16), count), { minLength: 1, maxLength: 4 }) }),
  fc.record({
    type: of("refused"),
    id: base64url(16),
    reason: fc.constantFrom(...Object.keys(REFUSALS) as Refusal[]),
    retryAfterMs: position,
    expectedN: count,
    field: text(10),
  }, { requiredKeys: ["type", "id", "reason"] }),
  fc.record({
    type: of("presence"),
    count: position,
    joined: fc.array(person, { maxLength: 3 }),
    left: fc.array(base64url(32), { maxLength: 3 }),
  }),
  fc.record({ type: of("page"), before: count, from: count, events: fc.array(wire, { maxLength: 3 }), oldest: count }),
  fc.record({ type: of("pong"), at: time }),
  fc.record({ type: of("signal"), from: base64url(32), payload: text(50), signature: base64url(64) }),
  fc.record({
    type: of("signal_undeliverable"),
    to: base64url(32),
    reason: fc.constantFrom(...Object.keys(SIGNAL_FAILURES) as SignalFailure[]),
  }),
  fc.record({
    type: of("problem"),
    problem: fc.constantFrom(...FRAME_PROBLEMS),
    field: text(10),
    retryAfterMs: position,
  }, { requiredKeys: ["type", "problem"] }),
  fc.record({
    type: of("goodbye"),
    reason: fc.constantFrom(...Object.keys(CLOSE_REASONS) as CloseReason[]),
    retryAfterMs: position,
  }, { requiredKeys: ["type", "reason"] }),
);
