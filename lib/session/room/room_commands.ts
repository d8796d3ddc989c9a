/** What I do in a room: each action becomes an event in the outbox, under my display name. */
import { type Composed, composeEdit, composeFile, composeMessage, composeReaction } from "../../chat/compose.ts";
import { identityMark, normalizeDisplayName } from "../../chat/display_name.ts";
import { type AuthorKey, type EventId, isSaid } from "../../protocol/event.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { RoomState } from "./room_state.ts";
import type { SendProblem } from "../model/conversation_model.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Timeline } from "../../chat/timeline.ts";

/** What an open room has for them. */
export interface WritableRoom {
  state: Pick<RoomState, "storage" | "signer">;
  timeline: Timeline;
  outbox: Outbox;
}

export interface RoomCommandsDeps extends Pick<SessionDeps, "clock"> {
  /** My display name; empty until I chose one. */
  name: string;
  /** The room, once the storage has answered; undefined when it cannot be opened. */
  opened(): Promise<WritableRoom | undefined>;
  /** I have another name. */
  onChange(): void;
  log(line: string): void;
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
    return this.#write(composeMessage(this.#name, text, replyTo), at, isWanted);
  }

  sendFile(file: FileInfo, caption: string): Written {
    return this.#write(composeFile(this.#name, file, caption));
  }

  react(to: EventId, emoji: string, on: boolean): Written {
    return this.#write(composeReaction(to, emoji, on));
  }

  /** Does nothing where the message is somebody else's. */
  async edit(to: EventId, text: string, isWanted?: () => boolean): Written {
    return await this.#isMine(to) ? await this.#write(composeEdit(to, text), undefined, isWanted) : {};
  }

  /** Does nothing where the message is somebody else's. */
  async deleteMessage(to: EventId): Written {
    return await this.#isMine(to) ? await this.#write({ content: { kind: "retract", body: { to } } }) : {};
  }

  async rename(name: string): Written {
    const { opened, onChange, log } = this.#deps;
    const read = normalizeDisplayName(name);
    if ("problem" in read) return read;
    if (read.name === this.#name) return {};
    this.#name = read.name;
    onChange();
    await (await opened())?.state.storage.setName(read.name).catch((error) =>
      log(`the name could not be kept: ${error}`)
    );
    return await this.#write({ content: { kind: "profile", body: { name: read.name } } });
  }

  /** Takes a refused message out of the outbox: its text. */
  async discardRefused(id: EventId): Promise<string | undefined> {
    const content = await (await this.#deps.opened())?.outbox.discardRefused(id);
    return content !== undefined && isSaid(content) ? content.body.text ?? "" : undefined;
  }

  async #write(composed: Composed, at = this.#deps.clock.now(), isWanted?: () => boolean): Written {
    if ("problem" in composed) return composed;
    const { opened, log } = this.#deps;
    const outbox = (await opened())?.outbox;
    if (outbox === undefined) return { problem: "not_stored" };
    try {
      return await outbox.enqueue({ at, content: composed.content }, isWanted) ? {} : { problem: "outbox_full" };
    } catch (error) {
      log(`an event could not be kept: ${error}`);
      return { problem: "not_stored" };
    }
  }

  async #isMine(id: EventId): Promise<boolean> {
    const room = await this.#deps.opened();
    return room !== undefined && room.timeline.get(id)?.author === room.state.signer.author;
  }
}
