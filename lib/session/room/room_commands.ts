/** My actions in a room: each becomes an event in the outbox, under my display name. */
import { composeEdit } from "../../kinds/edit.ts";
import { composeFile } from "../../kinds/file.ts";
import type { Composed } from "../../kinds/kind.ts";
import { type Event, type EventContent, messageIn } from "../../kinds/kinds.ts";
import { composeMessage } from "../../kinds/message.ts";
import { composeReaction } from "../../kinds/reaction.ts";
import { composeReply } from "../../kinds/reply.ts";
import { composeRetract } from "../../kinds/retract.ts";
import { identityMark, normalizeDisplayName } from "../../chat/display_name.ts";
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { RoomState } from "./room_state.ts";
import type { SendProblem } from "../model/conversation_model.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Timeline } from "../../chat/timeline.ts";

/** The parts of an open room that actions use. */
export interface WritableRoom {
  state: Pick<RoomState, "storage" | "signer">;
  timeline: Timeline;
  outbox: Outbox;
}

export interface RoomCommandsDeps extends Pick<SessionDeps, "clock" | "log"> {
  /** My display name; empty until I chose one. */
  name: string;
  /** The room, once the storage has answered; undefined when it cannot be opened. */
  opened(): Promise<WritableRoom | undefined>;
  /** My name has changed. */
  onChange(): void;
}

type Written = Promise<{ problem?: SendProblem }>;

export class RoomCommands {
  readonly #deps: RoomCommandsDeps;
  #name: string;

  constructor(deps: RoomCommandsDeps) {
    this.#deps = deps;
    this.#name = deps.name;
  }

  get name(): string {
    return this.#name;
  }

  /** Frames and events want a name. Without one I am known by the picture that stands for my key. */
  nameFor(author: AuthorKey): string {
    return this.#name || identityMark(author).emoji;
  }

  /** `at`: when Send was pressed, if not just now. `isWanted`: see {@linkcode Outbox.enqueue}. */
  sendMessage(text: string, replyTo?: EventId, at?: number, isWanted?: () => boolean): Written {
    const composed = replyTo === undefined ? composeMessage(this.#name, text) : composeReply(this.#name, text, replyTo);
    return this.#write(composed, at, isWanted);
  }

  sendFile(file: FileInfo, caption: string): Written {
    return this.#write(composeFile(this.#name, file, caption));
  }

  react(to: EventId, emoji: string, on: boolean): Written {
    return this.#write(composeReaction(to, emoji, on));
  }

  /** Does nothing with a message of somebody else. */
  async edit(to: EventId, text: string, isWanted?: () => boolean): Written {
    return await this.#mine(to) ? await this.#write(composeEdit(to, text), undefined, isWanted) : {};
  }

  /** Does nothing with a message of somebody else. */
  async deleteMessage(to: EventId): Written {
    const mine = await this.#mine(to);
    return mine
      ? await this.#write({ content: composeRetract(mine.message, mine.timeline.editsOf(mine.message)) })
      : {};
  }

  async rename(name: string): Written {
    const { opened, onChange, log } = this.#deps;
    const read = normalizeDisplayName(name);
    if ("problem" in read) return read;
    if (read.name === this.#name) return {};
    this.#name = read.name;
    onChange();
    await (await opened())?.state.storage.setName(read.name).catch((error) => log(`name: not stored: ${error}`));
    return await this.#write({ content: { kind: "profile", body: { name: read.name } } });
  }

  /** Takes a refused message out of the outbox: its text. */
  async discardRefused(id: EventId): Promise<string | undefined> {
    const content = await (await this.#deps.opened())?.outbox.discardRefused(id);
    return content && messageIn(content)?.text;
  }

  async #write(composed: Composed<EventContent>, at = this.#deps.clock.now(), isWanted?: () => boolean): Written {
    if ("problem" in composed) return composed;
    const { opened, log } = this.#deps;
    const outbox = (await opened())?.outbox;
    if (outbox === undefined) return { problem: "not_stored" };
    try {
      return await outbox.enqueue({ at, content: composed.content }, isWanted) ? {} : { problem: "outbox_full" };
    } catch (error) {
      log(`outbox: not stored: ${error}`);
      return { problem: "not_stored" };
    }
  }

  /** The message, if I wrote it and it still exists. */
  async #mine(id: EventId): Promise<{ message: Event; timeline: Timeline } | undefined> {
    const room = await this.#deps.opened();
    const message = room?.timeline.get(id);
    if (room === undefined || message === undefined || message.kind === "deleted") return undefined;
    return message.author === room.state.signer.author ? { message, timeline: room.timeline } : undefined;
  }
}
