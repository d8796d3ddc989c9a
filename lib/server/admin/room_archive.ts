/**
 * One room as text, and back: JSON lines. Format: docs/PROTOCOL.md, "Room archive". Signatures are kept, and checked on
 * the way back.
 */
import { belongsInto, type LogEvent, readEntry, readEvent } from "../../kinds/kinds.ts";
import { isRecord } from "../../shared/checks.ts";
import {
  amount,
  base64url,
  count,
  key,
  object,
  optional,
  parseJson,
  type Reader,
  readOr,
  text,
  where,
  whole,
} from "../../protocol/fields.ts";
import { readRoomInfo } from "../../protocol/frames.ts";
import { logEntry } from "../../protocol/stub.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import type { ArchivedEvent, RoomSnapshot } from "../../store/rooms/log_records.ts";

export const ROOM_ARCHIVE_VERSION = 1;

/** Longest line: one event of any allowed size, escaped. */
export const ARCHIVE_LINE_MAX_CHARS = 262_144;

/** The problem of an archive; `line` counts from 1. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
  constructor(readonly problem: ArchiveProblem, readonly line: number, what: string) {
    super(`line ${line}: ${what}`);
  }
}
export type ArchiveProblem =
  | "not_an_archive"
  | "other_version"
  | "broken_line"
  | "bad_event"
  | "bad_signature"
  | "wrong_room"
  | "wrong_position"
  | "cut_off"
  | "wrong_checksum";

/** A room's lines, without line feeds: the room, its authors, its events, the end. */
export async function* roomLines(
  { snapshot, events }: { snapshot: RoomSnapshot; events: AsyncIterable<ArchivedEvent> },
): AsyncGenerator<string> {
  const { room, head, authors } = snapshot;
  yield JSON.stringify({ type: "room", version: ROOM_ARCHIVE_VERSION, room, head });
  for (const [author, lastN] of authors) yield JSON.stringify({ type: "author", author, lastN });
  let count = 0;
  for await (const { position, wire, storedAt } of events) {
    count++;
    yield JSON.stringify({ type: "event", position, event: wire, storedAt });
  }
  yield JSON.stringify({ type: "end", events: count });
}

/** Lines that are read one after the other, with their numbers. */
export interface Lines {
  /** The next one; undefined at the end. */
  next(): Promise<string | undefined>;
  /** Number of the line that came last. */
  readonly number: number;
}

export type ReadEvent = ArchivedEvent & LogEvent;

const remembered = object({ author: key, lastN: count });

/** The object in a line. Throws ArchiveError: `cut_off` without a line, which `missing` explains. */
export function objectIn(line: string | undefined, { number }: Lines, missing: string): Record<string, unknown> {
  if (line === undefined) throw new ArchiveError("cut_off", number, missing);
  const value = parseJson(line);
  if (isRecord(value)) return value;
  throw new ArchiveError("broken_line", number, "is no JSON object");
}

/** A room, and its events, which are checked while they are read. */
export interface ArchivedRoom {
  snapshot: RoomSnapshot;
  events: AsyncIterable<ReadEvent>;
}

/** Reads a room whose first line is `first`; its events have to be read to their end. Throws ArchiveError, also while they are read. */
export async function readRoom(
  first: string,
  lines: Lines,
  verifier: Verifier,
): Promise<ArchivedRoom> {
  const fail = (problem: ArchiveProblem, what: string) => new ArchiveError(problem, lines.number, what);
  const parse = (line: string | undefined) => objectIn(line, lines, "the archive ends in the middle of a room");
  const header = parse(first);
  if (header.type !== "room") throw fail("not_an_archive", "a room begins with its line of type room");
  if (header.version !== ROOM_ARCHIVE_VERSION) throw fail("other_version", `version ${header.version} is not known`);
  const room = readRoomInfo(header.room);
  const head = readOr(headOf, header.head);
  if (room === undefined || head === undefined) throw fail("broken_line", "room or head cannot be read");
  const genesis = readEvent(room.genesis);
  if (!genesis.ok || genesis.event.kind !== "room") throw fail("bad_event", "the genesis event is none");
  if (!await verifyEvent(verifier, genesis.event)) throw fail("bad_signature", "the genesis event is not signed");
  const { event } = genesis;
  if (
    event.room !== room.id || event.author !== room.host || event.body.roomKind !== room.kind ||
    event.body.name !== room.name || (room.kind === "listed") !== (head.listed !== undefined)
  ) throw fail("wrong_room", "the genesis event tells of another room");

  const authors: RoomSnapshot["authors"] = [];
  let line = parse(await lines.next());
  for (; line.type === "author"; line = parse(await lines.next())) {
    const read = readOr(remembered, line);
    if (read === undefined) throw fail("broken_line", "author or lastN cannot be read");
    authors.push([read.author, read.lastN]);
  }
  async function* events(): AsyncGenerator<ReadEvent> {
    const lastN = new Map(authors);
    const used = new Set<string>();
    let next = head!.oldest;
    for (; line.type === "event"; line = parse(await lines.next())) {
      const { position, storedAt } = line;
      if (position !== next) throw fail("wrong_position", `position ${next} is next, not ${position}`);
      if (!Number.isSafeInteger(storedAt)) throw fail("broken_line", "storedAt cannot be read");
      const entry = readOr(logEntry, line.event);
      const read = entry && readEntry(entry, room!.id);
      if (read?.ok !== true) throw fail("bad_event", "the event cannot be read");
      const { event } = read;
      if (event.room !== room!.id) throw fail("wrong_room", `the event is of room ${event.room}`);
      if (!belongsInto(room!.kind === "sealed", event)) {
        throw fail("bad_event", `a ${room!.kind} room holds no event of kind ${event.kind}`);
      }
      if (event.kind !== "deleted" && !await verifyEvent(verifier, event)) {
        throw fail("bad_signature", "the event is not signed by its author");
      }
      const number = `${event.author} ${event.n}`;
      if (used.has(number) || event.n > (lastN.get(event.author) ?? 0)) {
        throw fail("bad_event", `number ${event.n} of this author is there twice or above lastN`);
      }
      used.add(number);
      next++;
      yield { ...event, position: next - 1, storedAt: storedAt as number };
    }
    if (line.type !== "end") throw fail("broken_line", `type ${line.type} is not known here`);
    if (next !== head!.head + 1) throw fail("cut_off", `the events end before position ${next}, not ${head!.head + 1}`);
  }
  return { snapshot: { room, head, authors }, events: events() };
}

const headOf: Reader<RoomSnapshot["head"]> = where(
  object({
    epoch: base64url(8),
    head: amount,
    oldest: count,
    clock: count,
    clockTatMs: optional(amount),
    bytes: optional(amount),
    lastAt: whole(Number.MIN_SAFE_INTEGER),
    listed: (value, field) => value === true || optional(text(64))(value, field),
    cleared: optional(amount),
  }),
  ({ oldest, head }) => oldest <= head + 1,
);

/** The lines of a stream of UTF-8 text; none longer than ARCHIVE_LINE_MAX_CHARS. */
export function linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Lines {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "", ended = false, number = 0;
  return {
    get number() {
      return number;
    },
    async next() {
      for (;;) {
        const end = buffered.indexOf("\n");
        if (end !== -1) {
          const line = buffered.slice(0, end);
          buffered = buffered.slice(end + 1);
          number++;
          return line;
        }
        if (ended) {
          if (buffered === "") return undefined;
          throw new ArchiveError("cut_off", number + 1, "the last line has no end");
        }
        if (buffered.length > ARCHIVE_LINE_MAX_CHARS) throw new ArchiveError("broken_line", number + 1, "is too long");
        const { done, value } = await reader.read();
        if (done) ended = true;
        else buffered += value;
      }
    },
  };
}
