/**
 * Texts that were sent on screen and that the outbox does not have yet. The outbox is a database that answers later,
 * and a page that is reloaded or left in between would lose the text. So it is also written to storage that answers at
 * once, until the outbox has it; the next page of this tab that opens the room sends what it finds there.
 */
import type { EventId, RoomId } from "../../protocol/event.ts";
import type { ConversationModel, SendProblem } from "../model/conversation_model.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { RoomCommands } from "../room/room_commands.ts";

interface UnsentText {
  /** When Send was pressed, ms since 1970. Becomes the `at` of the event, which shows whether the outbox got it. */
  at: number;
  text: string;
  /** The message it answers … */
  replyTo?: EventId;
  /** … or the one whose new text it is. */
  edits?: EventId;
}

/** Takes texts that become events. */
export type TextSink = Pick<RoomCommands, "sendMessage" | "edit">;

export interface UnsentTextsDeps extends Pick<SessionDeps, "clock"> {
  room: RoomId;
  outbox: TextSink;
  session: Pick<ConversationModel, "messages"> & { ready: Promise<void> };
  storage: NonNullable<SessionDeps["unsent"]>;
}

const PREFIX = "festival-chat.unsent.";

export class UnsentTexts implements TextSink {
  readonly #deps: UnsentTextsDeps;
  readonly #key: string;
  /** Resolves when the texts of an earlier page are in the outbox: new texts come after them. */
  readonly #leftSent: Promise<void>;
  #lastAt = 0;

  constructor(deps: UnsentTextsDeps) {
    this.#deps = deps;
    this.#key = PREFIX + deps.room;
    this.#leftSent = this.#sendLeft(this.#read());
  }

  sendMessage(text: string, replyTo?: EventId): Promise<{ problem?: SendProblem }> {
    return this.#send({ at: this.#now(), text, ...(replyTo !== undefined && { replyTo }) });
  }

  edit(edits: EventId, text: string): Promise<{ problem?: SendProblem }> {
    return this.#send({ at: this.#now(), text, edits });
  }

  async #send(unsent: UnsentText): Promise<{ problem?: SendProblem }> {
    this.#write([...this.#read(), unsent]);
    await this.#leftSent;
    const result = await this.#toOutbox(unsent);
    // The outbox has it, or the composer still does.
    this.#remove(unsent);
    return result;
  }

  /** Sends the texts of an earlier page, unless its outbox got them in time. */
  async #sendLeft(left: readonly UnsentText[]): Promise<void> {
    if (left.length === 0) return;
    const { session } = this.#deps;
    await session.ready;
    for (const unsent of left) {
      const kept = session.messages.peek().some((item) =>
        item.type === "message" && item.author.me && item.at === unsent.at
      );
      const { problem } = kept ? {} : await this.#toOutbox(unsent);
      // The next page may find room for it.
      if (problem !== "not_stored" && problem !== "outbox_full") this.#remove(unsent);
    }
  }

  #toOutbox(unsent: UnsentText): Promise<{ problem?: SendProblem }> {
    const { outbox } = this.#deps;
    const { at, text, replyTo, edits } = unsent;
    // A page may be left before its outbox has the text and be shown again after a later page of this tab sent it.
    const written = this.#has(unsent);
    const isWanted = () => !written || this.#has(unsent);
    return edits === undefined ? outbox.sendMessage(text, replyTo, at, isWanted) : outbox.edit(edits, text, isWanted);
  }

  /** Never returns the same time twice: it tells the texts apart. */
  #now(): number {
    return this.#lastAt = Math.max(this.#lastAt + 1, this.#deps.clock.now());
  }

  #has({ at }: UnsentText): boolean {
    return this.#read().some((unsent) => unsent.at === at);
  }

  #remove({ at }: UnsentText): void {
    this.#write(this.#read().filter((unsent) => unsent.at !== at));
  }

  #read(): readonly UnsentText[] {
    try {
      const read: unknown = JSON.parse(this.#deps.storage().getItem(this.#key) ?? "[]");
      return Array.isArray(read) ? read : [];
    } catch {
      // No storage, or a text that this app did not write.
      return [];
    }
  }

  #write(texts: readonly UnsentText[]): void {
    try {
      const storage = this.#deps.storage();
      if (texts.length === 0) storage.removeItem(this.#key);
      else storage.setItem(this.#key, JSON.stringify(texts));
    } catch {
      // No storage, or it is full: the outbox has the text in a moment if the page stays.
    }
  }
}
