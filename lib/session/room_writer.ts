/** What one person says and does in a room: it becomes events in the outbox, under the name they have. */
import { type Composed, composeEdit, composeFile, composeMessage, composeReaction } from "../chat/compose.ts";
import { identityMark, normalizeDisplayName } from "../chat/display_name.ts";
import { type AuthorKey, type EventId, isSaid } from "../protocol/event.ts";
import type { FileInfo } from "../protocol/file_info.ts";
import type { SessionDeps } from "./deps.ts";
import type { Ground } from "./room_ground.ts";
import type { SendProblem } from "./room_model.ts";

export interface RoomWriterParts extends Pick<SessionDeps, "clock"> {
  /** My display name; empty until I chose one. */
  name: string;
  /** Resolves when the device's storage has answered. */
  ready(): Promise<void>;
  /** Undefined until then. */
  ground(): Ground | undefined;
  /** I have another name. */
  onChange(): void;
  log(line: string): void;
}

type Written = Promise<{ problem?: SendProblem }>;

export class RoomWriter {
  readonly #parts: RoomWriterParts;
  #name: string;

  constructor(parts: RoomWriterParts) {
    this.#parts = parts;
    this.#name = parts.name;
  }

  get name(): string {
    return this.#name;
  }

  /** Who has no name yet is known by the picture that is theirs anyway: frames and events want a name. */
  nameFor(author: AuthorKey): string {
    return this.#name || identityMark(author).emoji;
  }

  /** `at`: when Send was pressed, if not just now. `isWanted`: see {@linkcode Outbox.put}. */
  say(text: string, replyTo?: EventId, at?: number, isWanted?: () => boolean): Written {
    return this.#write(composeMessage(this.#name, text, replyTo), at, isWanted);
  }

  offer(file: FileInfo, caption: string): Written {
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
  async retract(to: EventId): Written {
    return this.#isMine(to) ? await this.#write({ content: { kind: "retract", body: { to } } }) : {};
  }

  async rename(name: string): Written {
    const { ready, ground, onChange, log } = this.#parts;
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
  async takeBack(id: EventId): Promise<string | undefined> {
    const content = await this.#parts.ground()?.outbox.takeBack(id);
    return content !== undefined && isSaid(content) ? content.body.text ?? "" : undefined;
  }

  async #write(composed: Composed, at = this.#parts.clock.now(), isWanted?: () => boolean): Written {
    if ("problem" in composed) return composed;
    const { ready, ground, log } = this.#parts;
    await ready();
    const outbox = ground()?.outbox;
    if (outbox === undefined) return { problem: "not_stored" };
    try {
      return await outbox.put({ at, content: composed.content }, isWanted) ? {} : { problem: "outbox_full" };
    } catch (error) {
      log(`an event could not be kept: ${error}`);
      return { problem: "not_stored" };
    }
  }

  #isMine(id: EventId): boolean {
    const ground = this.#parts.ground();
    return ground !== undefined && ground.timeline.get(id)?.author === ground.signer.author;
  }
}
