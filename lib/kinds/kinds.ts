// Runs in browser and server.
/** The list of all kinds of event, and everything that is derived from it. Adding a kind adds one line here. */
import {
  type EventHeader,
  type EventId,
  readHeader,
  type RoomId,
  type SignedEvent,
  type WireEvent,
} from "../protocol/event.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import { isStub, type LogEntry, type Stub, stubFor } from "../protocol/stub.ts";
import type { Refusal } from "../protocol/codes.ts";
import { check, type Read } from "../protocol/fields.ts";
import { isRecord } from "../shared/checks.ts";
import { edit } from "./edit.ts";
import { file } from "./file.ts";
import type { AnyKind, EventLine, RoomFold, Said } from "./kind.ts";
import { message } from "./message.ts";
import { profile } from "./profile.ts";
import { reaction } from "./reaction.ts";
import { reply } from "./reply.ts";
import { retract } from "./retract.ts";
import { room } from "./room.ts";
import { sealed } from "./sealed.ts";

const LIST = [room, message, reply, file, reaction, edit, retract, profile, sealed] as const;

type Listed = (typeof LIST)[number];
type ContentOf<K extends AnyKind> = K extends AnyKind ? { kind: K["kind"]; body: Read<K["body"]> } : never;

/** Content of a kind that this build does not know: its name is all that was read. The event's payload has the rest. */
export interface UnknownContent {
  kind: "unknown";
  body: { kind: string };
}
/** The content of an event. In a sealed room most kinds travel inside `sealed`. */
export type EventContent = ContentOf<Listed> | UnknownContent;
/** Content that is a message. */
export type SaidContent = ContentOf<Extract<Listed, { says: unknown }>>;
/** An event as programs use it: header, content, and the bytes it came as. Its signature may not be checked yet. */
export type Event = Readonly<SignedEvent & EventContent>;
/** The remains of a deleted event. `root`: the file that it offered, where this page knew it. */
export interface DeletedEvent extends Readonly<EventHeader> {
  readonly id: EventId;
  readonly wire: Stub;
  readonly kind: "deleted";
  readonly body: { readonly root?: FileRoot };
}
/** The content of one position of a log, as programs use it. */
export type LogEvent = Event | DeletedEvent;
type LogContent = EventContent | Pick<DeletedEvent, "kind" | "body">;

/** It was deleted: by its author where there is no `reason`. `root`: the file that it offered, while this page knows it. */
export interface RetractedLine extends EventLine {
  type: "retracted";
  reason?: string;
  root?: FileRoot;
}
/** A newer version of the app wrote it; this one does not know its kind. */
export interface NewerLine extends EventLine {
  type: "newer";
}
type LineOf<K> = K extends { line: (...args: never[]) => infer Made } ? Exclude<Made, undefined> : never;
/** One line of the conversation that an event has. */
export type Line = LineOf<Listed> | RetractedLine | NewerLine;

const KINDS: ReadonlyMap<string, AnyKind> = new Map(LIST.map((kind) => [kind.kind, kind as AnyKind]));

/** A content or payload that is refused: the reason, and the first field that is wrong. */
export interface EventProblem {
  reason: Extract<Refusal, "bad_event" | "too_long">;
  field: string;
}

/** Reads a wire event: every field checked, nothing trusted but the signature, which `crypto` checks. */
export function readEvent(wire: WireEvent): { ok: true; event: Event } | { ok: false; problem: EventProblem } {
  const header = readHeader(wire);
  if (!header.ok) return header;
  const { kind, body, ...signed } = header.event;
  const content = readContent(kind, body);
  return content.ok ? { ok: true, event: { ...signed, ...content.content } } : content;
}

/** Reads one position of this room's log. */
export function readEntry(
  entry: LogEntry,
  room: RoomId,
): { ok: true; event: LogEvent } | { ok: false; problem: EventProblem } {
  return isStub(entry) ? { ok: true, event: deleted(entry, room) } : readEvent(entry);
}

/** The remains of an event that its author deleted. */
export function deletedEvent(event: Event, quiet: boolean): DeletedEvent {
  const root = saidIn(event)?.file?.root;
  return deleted(stubFor(event, "retracted", quiet), event.room, root === undefined ? {} : { root });
}

function deleted(wire: Stub, room: RoomId, body: DeletedEvent["body"] = {}): DeletedEvent {
  const { id, author, n, clock, at } = wire;
  return { id, room, author, n, clock, at, wire, kind: "deleted", body };
}

/** Reads `kind` and `body`, of an event or of what was sealed in one. A kind that this build does not know is no problem. */
export function readContent(
  kind: unknown,
  body: unknown,
): { ok: true; content: EventContent } | { ok: false; problem: EventProblem } {
  // A name that a later version may give to a kind.
  if (typeof kind !== "string" || !/^[a-z][a-z_]{0,31}$/.test(kind)) {
    return { ok: false, problem: { reason: "bad_event", field: "kind" } };
  }
  if (!isRecord(body)) return { ok: false, problem: { reason: "bad_event", field: "body" } };
  const known = KINDS.get(kind);
  if (known === undefined) return { ok: true, content: { kind: "unknown", body: { kind } } };
  const read = check(known.body, body);
  if (!read.ok) {
    return { ok: false, problem: { reason: read.tooLong ? "too_long" : "bad_event", field: `body.${read.field}` } };
  }
  // Each kind reads its own body: the list above is where the compiler knew which.
  return { ok: true, content: { kind: known.kind, body: read.value } as EventContent };
}

/** Reads a content that was sealed in an event; undefined for one that is never sealed. */
export function readSealedContent(value: unknown): EventContent | undefined {
  if (!isRecord(value)) return undefined;
  const read = readContent(value.kind, value.body);
  return read.ok && isSealable(read.content) ? read.content : undefined;
}

/** Whether this content travels sealed in a sealed room. */
export function isSealable({ kind }: LogContent): boolean {
  return (KINDS.get(kind)?.rooms ?? "plain") === "plain";
}

/** Whether events of this kind belong into a room like this. Kinds that this build does not know belong everywhere. */
export function belongsInto(roomIsSealed: boolean, { kind }: LogContent): boolean {
  const rooms = KINDS.get(kind)?.rooms ?? "all";
  return rooms === "all" || rooms === (roomIsSealed ? "sealed" : "plain");
}

/** Whether the content is a message: it has a line that can be answered, and counts as unread. */
export function isSaid<Content extends LogContent>(content: Content): content is Extract<Content, SaidContent> {
  return KINDS.get(content.kind)?.says !== undefined;
}

/** The text and file of a message; undefined when the content is no message. */
export function saidIn({ kind, body }: LogContent): Said | undefined {
  return KINDS.get(kind)?.says?.(body);
}

/** The content in words that are equal when an author repeats it; undefined when nobody can compare it. */
export function repeatedWords({ kind, body }: LogContent): string | undefined {
  const known = KINDS.get(kind);
  return known?.repeats !== undefined ? known.repeats(body) : known && `${kind} ${JSON.stringify(body)}`;
}

type NamedContent = ContentOf<Extract<Listed, { named: true }>>;

/** Whether the content says its author's display name, in `body.name`. */
export function isNamed<Content extends LogContent>(content: Content): content is Extract<Content, NamedContent> {
  return KINDS.get(content.kind)?.named === true;
}

/** The event that a content changes, and in which slot; undefined for none. */
export function aboutIn({ kind, body }: LogContent): { to: string; slot: string } | undefined {
  const about = KINDS.get(kind)?.about;
  return about && { to: about.target(body), slot: about.slot?.(body) ?? "" };
}

/** The event that this content's line quotes. */
export function quotedIn({ kind, body }: LogContent): string | undefined {
  return KINDS.get(kind)?.quotes?.(body);
}

/** Whether an event may have a line. Unknown kinds have one that says so, deleted messages too. */
export function hasLine({ kind }: LogContent): boolean {
  return kind === "unknown" || kind === "deleted" || KINDS.get(kind)?.line !== undefined;
}

/** The event's line of the conversation, if it has one now. */
export function lineOf(event: LogEvent, fold: RoomFold): Line | undefined {
  const { id, at } = event;
  if (event.kind === "unknown") return { type: "newer", id, author: fold.person(event.author), at };
  if (event.kind === "deleted") {
    const { stub: reason, quiet } = event.wire;
    if (quiet) return undefined;
    const author = fold.person(event.author);
    return { type: "retracted", id, author, at, ...(reason !== "retracted" && { reason }), ...event.body };
  }
  // Of a kind of the list above: its line is one of theirs.
  return KINDS.get(event.kind)!.line?.(event, fold) as Line | undefined;
}
