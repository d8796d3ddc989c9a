/**
 * What a page knows of one open room: read-only signals and actions. Islands render it; lib/session/room/room_session.ts
 * is it. Made per page and disposed on unmount, so that no visitor ever shares one.
 */
import type { ReadonlySignal } from "@preact/signals";
import type { CloseReason, Refusal } from "../../protocol/codes.ts";
import type { AuthorKey, EventId, RoomId, RoomKind } from "../../protocol/event.ts";
import type { ConnectionModel } from "./connection_model.ts";
import type { FilesModel } from "./files_model.ts";
import type { PersonView, TimelineItem } from "../../chat/timeline.ts";

/** The connection, as people may know it. Each state has only what is true in it. */
export type ConnectionState =
  /** `retryAtMs`: when the next try starts (Date.now() time); absent when nothing will be tried by itself. */
  | { state: "disconnected"; reason: CloseReason | "offline" | "lost"; retryAtMs?: number }
  | { state: "connecting" }
  | { state: "connected"; since: number };

/** Why there is no room to show; the page says what to do. */
export type RoomProblem =
  | { problem: "no_such_room" | "room_deleted" | "banned" | "unsupported_version" | "wrong_secret" | "bad_hello" }
  /** A sealed room opened without its key. */
  | { problem: "secret_missing" };

/** The room's head matter. `name` is in the clear here, also in a sealed room. */
export interface RoomView {
  id: RoomId;
  kind: RoomKind;
  name: string;
  code?: string;
  host: AuthorKey;
}

/**
 * Why something was not taken. `not_stored`: this device's storage failed (full, or taken away by the browser); nothing was
 * kept, so the text has to stay with its writer.
 */
export type SendProblem = "empty" | "too_long" | "outbox_full" | "not_stored";

/** What the operator says, to everybody here. */
export interface NoticeView {
  id: string;
  urgency: "emergency" | "info";
  text: string;
  /** Device's time, ms since 1970. */
  at: number;
  until: number;
}

export interface NoticesModel {
  /** Those that hold now and were not acknowledged on this device; oldest first. */
  readonly notices: ReadonlySignal<readonly NoticeView[]>;
  acknowledge(id: string): void;
}

/** One room, whole: what is said in it, how it travels, and its files. */
export interface RoomModel extends ConversationModel, ConnectionModel, NoticesModel {
  /** The files of the room; loaded when they are first asked for. Rejects when their code does not come. */
  files(): Promise<FilesModel>;
}

export interface ConversationModel {
  readonly connection: ReadonlySignal<ConnectionState>;
  /** Set once, when the room cannot be used. */
  readonly problem: ReadonlySignal<RoomProblem | undefined>;
  readonly room: ReadonlySignal<RoomView | undefined>;
  /** Me in this room; undefined until the key is derived. */
  readonly me: ReadonlySignal<PersonView | undefined>;
  /** Messages, notes and gaps in their one order; mine that wait stand last. */
  readonly messages: ReadonlySignal<readonly TimelineItem[]>;
  readonly people: ReadonlySignal<{ count: number; shown: readonly PersonView[] }>;
  /** Whether older messages can be asked for, are on their way, or do not exist. */
  readonly older: ReadonlySignal<"available" | "loading" | "none">;
  /** Messages of others that came and were not seen, in this tab or another one of the device. */
  readonly unread: ReadonlySignal<ReadonlySet<EventId>>;
  /** Connected, and everything that was missed is here: what comes from now on comes live. */
  readonly upToDate: ReadonlySignal<boolean>;
  /** False in private mode without storage: what is typed lives only as long as this page. */
  readonly stored: ReadonlySignal<boolean>;

  /** Keeps the text in the outbox, signs and sends it. `problem` when it may not be sent as it is. */
  sendMessage(text: string, replyTo?: EventId): Promise<{ problem?: SendProblem }>;
  react(to: EventId, emoji: string, on: boolean): Promise<void>;
  edit(to: EventId, text: string): Promise<{ problem?: SendProblem }>;
  deleteMessage(to: EventId): Promise<void>;
  /** Sets my display name, here and for rooms opened later. */
  rename(name: string): Promise<{ problem?: SendProblem }>;
  loadOlder(): void;
  /** All that is here now has been seen. */
  seen(): void;
  /** Takes a refused message out of the outbox and returns its text, for the composer. */
  discardRefused(id: EventId): Promise<string | undefined>;
  dispose(): void;
}

/** Shown with a refused message. */
export type RefusalView = { reason: Refusal; retryAtMs?: number };
