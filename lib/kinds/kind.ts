// Runs in browser and server.
/**
 * A kind of event is a module: one file says what its body is, how it is read, composed and shown, and who may write it.
 * The list in kinds.ts derives everything else.
 */
import type { AuthorKey, EventId, SignedEvent } from "../protocol/event.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { FileInfo } from "../protocol/file_info.ts";
import type { Read, Reader } from "../protocol/fields.ts";

/** An event of one kind. */
export type EventOf<K extends AnyKind> = SignedEvent & { kind: K["kind"]; body: Read<K["body"]> };

export interface Kind<Name extends string, Body> {
  readonly kind: Name;
  readonly body: Reader<Body>;
  /**
   * `plain`: in a sealed room it travels inside kind `sealed`. `sealed`: in sealed rooms only. `all`: in the clear in every
   * room, because it says nothing about what people write.
   */
  readonly rooms: "plain" | "sealed" | "all";
  /**
   * The content in words that are equal when an author repeats it, for the rate limit; undefined when nobody can tell.
   * Absent: all of the body.
   */
  readonly repeats?: (body: Body) => string | undefined;
  /** Present when the event is a message: it can be answered, edited, reacted to and deleted, and counts as unread. */
  readonly says?: (body: Body) => Said;
  /** Present when its author's display name is in `body.name`. */
  readonly named?: true;
  /**
   * Present when the event changes how another one looks. The other one's line asks `RoomFold` for it: by `about` where
   * everybody's counts, by `ownAbout` where only the author of that one may do it.
   */
  readonly about?: {
    target: (body: Body) => EventId;
    /** Of an author's events with the same slot about one target, the latest counts. */
    slot?: (body: Body) => string;
  };
  /** The event that its line quotes. */
  readonly quotes?: (body: Body) => EventId;
  /** Its line of the conversation; undefined for none. Absent: it never has one. */
  line?(event: SignedEvent & { kind: Name; body: Body }, room: RoomFold): EventLine | undefined;
}

// deno-lint-ignore no-explicit-any -- a list of kinds holds kinds with any body; `Read` gives each its own type back.
export type AnyKind = Kind<string, any>;

/** The content of a message. */
export interface Said {
  text: string;
  file?: FileInfo;
}

/** The rest of the room, as far as a kind needs it to make its line. */
export interface RoomFold {
  /** This phone's key. */
  readonly me: AuthorKey | undefined;
  person(author: AuthorKey): PersonView;
  /** The latest event of each author and slot about the event `target`. */
  about<K extends AnyKind>(kind: K, target: EventId): EventOf<K>[];
  /** The latest event of this kind that an event's own author wrote about it. */
  ownAbout<K extends AnyKind>(kind: K, event: SignedEvent): EventOf<K> | undefined;
  /** The name that this event's author used last before it. */
  nameBefore(event: SignedEvent): string | undefined;
  /** The event as a quote, as far as this phone holds it. */
  quote(id: EventId): Quote;
  isLate(id: EventId): boolean;
  /** How far an event of mine got. */
  delivery(id: EventId): DeliveryState;
}

/** Somebody, as screens show them. */
export interface PersonView {
  author: AuthorKey;
  name: string;
  /** Another author in this room shows the same name and was here first: names can be copied, keys cannot. */
  copiedName: boolean;
  me: boolean;
  host: boolean;
}

/** How far one of my messages got. Always true, never optimistic. */
export type DeliveryState =
  | { state: "queued" }
  | { state: "on_its_way" }
  /** So many other phones hold it, and the server has not said that it does. */
  | { state: "on_phones"; phones: number }
  | { state: "stored" }
  | { state: "refused"; reason: Refusal };

export interface Quote {
  id: EventId;
  author?: PersonView;
  text?: string;
}

export interface ReactionView {
  emoji: string;
  count: number;
  mine: boolean;
}

/** One line of the conversation, of any kind. A kind's own type of line has more fields. */
export interface EventLine {
  type: string;
  id: EventId;
  author: PersonView;
  /** Author's wall clock, ms. */
  at: number;
}

export interface MessageLine extends EventLine {
  type: "message";
  /** Of a file: the caption, which may be empty. */
  text: string;
  file?: FileInfo;
  edited: boolean;
  /** It came after messages that stand below it, and was written well before them: timeline_late.ts. */
  late?: true;
  replyTo?: Quote;
  reactions: readonly ReactionView[];
  /** Only on my own. */
  delivery?: DeliveryState;
}

/** A short note between messages: the room was opened, somebody changed their name. */
export interface NoteLine extends EventLine {
  type: "note";
  note: "room_opened" | "renamed";
  name: string;
}

/** It does not open with this phone's key. */
export interface UnreadableLine extends EventLine {
  type: "unreadable";
}

export type Composed<Content> = { content: Content } | { problem: "empty" | "too_long" };

/** Checks a kind's types where it is written; changes nothing. */
export function defineKind<const Name extends string, Body, const K extends Omit<Kind<Name, Body>, "kind" | "body">>(
  kind: Name,
  body: Reader<Body>,
  rest: K & Omit<Kind<Name, Body>, "kind" | "body">,
): { readonly kind: Name; readonly body: Reader<Body> } & K {
  return { kind, body, ...rest };
}
