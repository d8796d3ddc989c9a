/** The conversation of one open room: what a page shows of it, and what people do in it. */
import type { ReadonlySignal } from "@preact/signals";
import type { TimelineItem } from "../../chat/timeline.ts";
import type { AuthorKey, EventId, RoomId, RoomKind } from "../../protocol/event.ts";

/** Why there is no room to show; the page says what to do. */
export type RoomProblem =
  | { problem: "no_such_room" | "room_deleted" | "banned" | "unsupported_version" | "wrong_secret" | "bad_hello" }
  /** A sealed room was opened without its key. */
  | { problem: "secret_missing" };

/** The room itself. `name` is in the clear, in a sealed room too. */
export interface RoomView {
  id: RoomId;
  kind: RoomKind;
  name: string;
  code?: string;
  host: AuthorKey;
}

/**
 * Why an action was not taken. `not_stored`: this device's storage failed (full, or taken away by the browser) and nothing
 * was kept, so the composer has to keep the text.
 */
export type SendProblem = "empty" | "too_long" | "outbox_full" | "not_stored";

export interface ConversationModel {
  /** Set once, when the room cannot be used. */
  readonly problem: ReadonlySignal<RoomProblem | undefined>;
  readonly room: ReadonlySignal<RoomView | undefined>;
  /** Messages, notes and gaps in their one order; my unsent messages are last. */
  readonly messages: ReadonlySignal<readonly TimelineItem[]>;
  /** Whether older messages can be loaded, are being loaded, or do not exist. */
  readonly older: ReadonlySignal<"available" | "loading" | "none">;
  /** Messages of others that were not seen yet, in this tab or another one of the device. */
  readonly unread: ReadonlySignal<ReadonlySet<EventId>>;
  /** Connected, and everything that was missed is here: later messages arrive live. */
  readonly upToDate: ReadonlySignal<boolean>;
  /** False in private mode without storage: typed text is lost with the page. */
  readonly stored: ReadonlySignal<boolean>;

  /** Keeps the text in the outbox, signs and sends it. `problem`: it cannot be sent as it is. */
  sendMessage(text: string, replyTo?: EventId): Promise<{ problem?: SendProblem }>;
  react(to: EventId, emoji: string, on: boolean): Promise<void>;
  edit(to: EventId, text: string): Promise<{ problem?: SendProblem }>;
  deleteMessage(to: EventId): Promise<void>;
  loadOlder(): void;
  /** Everything that is here now has been seen. */
  seen(): void;
  /** Takes a refused message out of the outbox and returns its text, for the composer. */
  discardRefused(id: EventId): Promise<string | undefined>;
}
