/** What one person says and does in a room: it becomes events in the outbox, under the name they have. */
import { composeEdit } from "../../kinds/edit.ts";
import { composeFile } from "../../kinds/file.ts";
import type { Composed } from "../../kinds/kind.ts";
import { type EventContent, saidIn } from "../../kinds/kinds.ts";
import { composeMessage } from "../../kinds/message.ts";
import { composeReaction } from "../../kinds/reaction.ts";
import { composeReply } from "../../kinds/reply.ts";
import { composeRetract } from "../../kinds/retract.ts";
import { identityMark, normalizeDisplayName } from "../../chat/display_name.ts";
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { RoomState } from "./room_state.ts";
import type { SendProblem } from "../model/room_model.ts";

export interface RoomCommandsDeps extends Pick<SessionDeps, "clock"> {
  /** My display name; empty until I chose one. */
  name: string;
  /** Resolves when the device's storage has answered. */
  ready(): Promise<void>;
  /** Undefined until then. */
  ground(): RoomState | undefined;
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

  /** Who has no name yet is known by the picture that is theirs anyway: frames and events want a name. */
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

  /** Does nothing where the message is somebody else's. */
  async edit(to: EventId, text: string, isWanted?: () => boolean): Written {
    return this.#isMine(to) ? await this.#write(composeEdit(to, text), undefined, isWanted) : {};
  }

  /** Does nothing where the message is somebody else's. */
  async deleteMessage(to: EventId): Written {
    const timeline = this.#deps.ground()?.timeline;
    const message = timeline?.get(to);
    if (timeline === undefined || message === undefined || message.kind === "deleted" || !this.#isMine(to)) return {};
    return await this.#write({ content: composeRetract(message, timeline.editsOf(message)) });
  }

  async rename(name: string): Written {
    const { ready, ground, onChange, log } = this.#deps;
    const read = normalizeDisplayName(name);
    if ("problem" in read) return read;
    if (read.name === this.#name) return {};
    this.#name = read.name;
    onChange();
    await ready();
    await ground()?.storage.setName(read.name).catch((error) => log(`the name could not be kept: ${error}`));
    return await this.#write({ content: { kind: "profile", body: { name: read.name } } });
  }

  /** Takes a refused message out of the outbox: its text. */
  async discardRefused(id: EventId): Promise<string | undefined> {
    const content = await this.#deps.ground()?.outbox.discardRefused(id);
    return content && saidIn(content)?.text;
  }

  async #write(
    composed: Composed<EventContent>,
    at = this.#deps.clock.now(),
    isWanted?: () => boolean,
  ): Written {
    if ("problem" in composed) return composed;
    const { ready, ground, log } = this.#deps;
    await ready();
    const outbox = ground()?.outbox;
    if (outbox === undefined) return { problem: "not_stored" };
    try {
      return await outbox.enqueue({ at, content: composed.content }, isWanted) ? {} : { problem: "outbox_full" };
    } catch (error) {
      log(`an event could not be kept: ${error}`);
      return { problem: "not_stored" };
    }
  }

  #isMine(id: EventId): boolean {
    const ground = this.#deps.ground();
    return ground !== undefined && ground.timeline.get(id)?.author === ground.signer.author;
  }
}
