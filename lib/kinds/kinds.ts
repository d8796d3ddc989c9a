// Runs in browser and server.
/** The list of all kinds of event, and everything that is derived from it. Adding a kind adds one line here. */
import {
  type EventHeader,
  type EventId,
  type EventProblem,
  readHeader,
  type RoomId,
  type SignedEvent,
  type WireEvent,
} from "../protocol/event.ts";
import type { FileRoot } from "../protocol/file_info.ts";
import { isStub, type LogEntry, type Stub, stubFor } from "../protocol/stub.ts";
import { check } from "../protocol/fields.ts";
import { isRecord } from "../shared/checks.ts";
import { edit } from "./edit.ts";
import { file } from "./file.ts";
import type { AnyKind, ContentOf, EventLine, MessageContent, RoomFold } from "./kind.ts";
import { message } from "./message.ts";
import { profile } from "./profile.ts";
import { reaction } from "./reaction.ts";
import { reply } from "./reply.ts";
import { retract } from "./retract.ts";
import { room } from "./room.ts";
import { sealed } from "./sealed.ts";

const LIST = [room, message, reply, file, reaction, edit, retract, profile, sealed] as const;

type Listed = (typeof LIST)[number];

/** Content of an unknown kind: only its name is decoded. The event's payload has the rest. */
export interface UnknownContent {
  kind: "unknown";
  body: { kind: string };
}
/** The content of an event. In a sealed room most kinds travel inside `sealed`. */
export type EventContent = ContentOf<Listed> | UnknownContent;
/** Content that is a message. */
export type AnyMessageContent = ContentOf<Extract<Listed, { message: unknown }>>;
/** An event as programs use it: header, content, and the received bytes. Its signature may not be verified yet. */
export type Event = Readonly<SignedEvent & EventContent>;
/** The remains of a deleted event. `root`: the file that it offered, if this page knew it. */
export interface DeletedEvent extends Readonly<EventHeader> {
  readonly id: EventId;
  readonly wire: Stub;
  readonly kind: "deleted";
  readonly body: { readonly root?: FileRoot };
}
/** The content of one position of a log, as programs use it. */
export type LogEvent = Event | DeletedEvent;
type LogContent = EventContent | Pick<DeletedEvent, "kind" | "body">;

/** A deleted event, by its author if there is no `reason`. `root`: the file that it offered, if this page knows it. */
export interface RetractedLine extends EventLine {
  type: "retracted";
  reason?: string;
  root?: FileRoot;
}
/** An event of a newer version's kind that this one does not know. */
export interface NewerLine extends EventLine {
  type: "newer";
}
type LineOf<K> = K extends { line: (...args: never[]) => infer Made } ? Exclude<Made, undefined> : never;
/** An event's line of the conversation. */
export type Line = LineOf<Listed> | RetractedLine | NewerLine;

const KINDS: ReadonlyMap<string, AnyKind> = new Map(LIST.map((kind) => [kind.kind, kind as AnyKind]));

/** Reads a wire event and checks every field. The signature is still unverified: `lib/crypto` does that. */
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
  const root = messageIn(event)?.file?.root;
  return deleted(stubFor(event, "retracted", quiet), event.room, root === undefined ? {} : { root });
}

function deleted(wire: Stub, room: RoomId, body: DeletedEvent["body"] = {}): DeletedEvent {
  const { id, author, n, clock, at } = wire;
  return { id, room, author, n, clock, at, wire, kind: "deleted", body };
}

/** Reads `kind` and `body` of an event or of a sealed content. Accepts unknown kinds. */
export function readContent(
  kind: unknown,
  body: unknown,
): { ok: true; content: EventContent } | { ok: false; problem: EventProblem } {
  // The format of every kind's name, also of later versions.
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
  // Each kind reads its own body; the compiler cannot see which one.
  return { ok: true, content: { kind: known.kind, body: read.value } as EventContent };
}

/** Reads a sealed content; undefined for a kind that is never sealed. */
export function readSealedContent(value: unknown): EventContent | undefined {
  if (!isRecord(value)) return undefined;
  const read = readContent(value.kind, value.body);
  return read.ok && isSealable(read.content) ? read.content : undefined;
}

/** Whether this content travels sealed in a sealed room. */
export function isSealable({ kind }: LogContent): boolean {
  return (KINDS.get(kind)?.rooms ?? "plain") === "plain";
}

/** Whether a room like this accepts the kind. Every room accepts unknown kinds. */
export function belongsInto(roomIsSealed: boolean, { kind }: LogContent): boolean {
  const rooms = KINDS.get(kind)?.rooms ?? "all";
  return rooms === "all" || rooms === (roomIsSealed ? "sealed" : "plain");
}

/** Whether the content is a message: people can reply to it, and it counts as unread. */
export function isMessage<Content extends LogContent>(
  content: Content,
): content is Extract<Content, AnyMessageContent> {
  return KINDS.get(content.kind)?.message !== undefined;
}

/** The text and file of a message; undefined if the content is none. */
export function messageIn({ kind, body }: LogContent): MessageContent | undefined {
  return KINDS.get(kind)?.message?.(body);
}

/** A text that is equal for repeated content; undefined if it cannot be compared. */
export function repeatedWords({ kind, body }: LogContent): string | undefined {
  const known = KINDS.get(kind);
  return known?.repeats !== undefined ? known.repeats(body) : known && `${kind} ${JSON.stringify(body)}`;
}

type NamedContent = ContentOf<Extract<Listed, { named: true }>>;

/** Whether `body.name` is the author's display name. */
export function isNamed<Content extends LogContent>(content: Content): content is Extract<Content, NamedContent> {
  return KINDS.get(content.kind)?.named === true;
}

/** The event that a content changes, and the slot; undefined for none. */
export function aboutIn({ kind, body }: LogContent): { to: string; slot: string } | undefined {
  const about = KINDS.get(kind)?.about;
  return about && { to: about.target(body), slot: about.slot?.(body) ?? "" };
}

/** The event that this content's line quotes. */
export function quotedIn({ kind, body }: LogContent): string | undefined {
  return KINDS.get(kind)?.quotes?.(body);
}

/** Whether an event may have a line. Unknown kinds and deleted messages have one of their own. */
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
  // The kind is on the list above, so this is one of their lines.
  return KINDS.get(event.kind)!.line?.(event, fold) as Line | undefined;
}
