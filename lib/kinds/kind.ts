// Runs in browser and server.
/**
 * A kind of event is a module: one file defines its body and how to read, compose and show it. kinds.ts derives
 * everything else from the list of kinds.
 */
import type { AuthorKey, EventId, SignedEvent } from "../protocol/event.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { FileInfo } from "../protocol/file_info.ts";
import type { Read, Reader } from "../protocol/fields.ts";

/** The content of one kind, or of any of several. */
export type ContentOf<K extends AnyKind> = K extends AnyKind ? { kind: K["kind"]; body: Read<K["body"]> } : never;
/** An event of one kind. */
export type EventOf<K extends AnyKind> = SignedEvent & ContentOf<K>;

export interface Kind<Name extends string, Body> {
  readonly kind: Name;
  readonly body: Reader<Body>;
  /**
   * `plain`: in a sealed room it travels inside kind `sealed`. `sealed`: in sealed rooms only. `all`: unsealed in every
   * room, because it reveals nothing of what people write.
   */
  readonly rooms: "plain" | "sealed" | "all";
  /**
   * A text that is equal for repeated content, for the rate limit; undefined if the server cannot compare it. Absent: the
   * whole body.
   */
  readonly repeats?: (body: Body) => string | undefined;
  /** Present if the event is a message: people can reply, edit, react and delete, and it counts as unread. */
  readonly message?: (body: Body) => MessageContent;
  /** Present if `body.name` is its author's display name. */
  readonly named?: true;
  /**
   * Present if the event changes the look of another one. That one's line reads it from `RoomFold`: by `about` if
   * everybody's events count, by `ownAbout` if only its own author's do.
   */
  readonly about?: {
    target: (body: Body) => EventId;
    /** Of an author's events with the same slot about one target, the latest counts. */
    slot?: (body: Body) => string;
  };
  /** The event that its line quotes. */
  readonly quotes?: (body: Body) => EventId;
  /** Its line of the conversation, or undefined. Absent: it never has one. */
  line?(event: SignedEvent & { kind: Name; body: Body }, room: RoomFold): EventLine | undefined;
}

// deno-lint-ignore no-explicit-any -- a list of kinds holds any bodies; `Read` restores each type.
export type AnyKind = Kind<string, any>;

/** The content of a message. */
export interface MessageContent {
  text: string;
  file?: FileInfo;
}

/** The parts of the room that kinds need for their lines. */
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
  /** The delivery state of an own event. */
  delivery(id: EventId): DeliveryState;
}

/** A person, as screens show them. */
export interface PersonView {
  author: AuthorKey;
  name: string;
  /** Another author in this room used the same name first: names can be copied, keys cannot. */
  copiedName: boolean;
  me: boolean;
  host: boolean;
}

/** The delivery state of an own message. Always true, never optimistic. */
export type DeliveryState =
  | { state: "queued" }
  | { state: "on_its_way" }
  /** This many other phones hold it, and the server has not acked it. */
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
  /** It arrived after messages below it that were written well after it: timeline_late.ts. */
  late?: true;
  replyTo?: Quote;
  reactions: readonly ReactionView[];
  /** Own messages only. */
  delivery?: DeliveryState;
}

/** A short note between messages: a person opened the room or changed their name. */
export interface NoteLine extends EventLine {
  type: "note";
  note: "room_opened" | "renamed";
  name: string;
}

/** A sealed event that this phone's key does not open. */
export interface UnreadableLine extends EventLine {
  type: "unreadable";
}

export type Composed<Content> = { content: Content } | { problem: "empty" | "too_long" };

/** Checks a kind's types at its definition; changes nothing. */
export function defineKind<const Name extends string, Body, const K extends Omit<Kind<Name, Body>, "kind" | "body">>(
  kind: Name,
  body: Reader<Body>,
  rest: K & Omit<Kind<Name, Body>, "kind" | "body">,
): { readonly kind: Name; readonly body: Reader<Body> } & K {
  return { kind, body, ...rest };
}
