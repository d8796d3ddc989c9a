/** Whether the page shows all that the server has. After a sleep nobody knows, until the server was heard from again. */
import type { LogReader } from "./log_reader.ts";

export interface LiveCheckParts {
  reader: Pick<LogReader, "idle" | "caughtUp">;
  /** The connection to the server is up. */
  isConnected(): boolean;
  /** The server was heard from, and all that it sent before is checked. */
  onHeard(): void;
}

export class LiveCheck {
  readonly #parts: LiveCheckParts;
  #heard = false;
  /** Counts what makes `#heard` doubtful. */
  #doubts = 0;

  constructor(parts: LiveCheckParts) {
    this.#parts = parts;
  }

  get upToDate(): boolean {
    return this.#heard && this.#parts.reader.caughtUp;
  }

  /** Nobody knows what is still on its way. */
  doubt(): void {
    this.#doubts++;
    this.#heard = false;
  }

  /** A connection begins: from here on nothing is missed. */
  welcomed(): void {
    this.#heard = true;
  }

  /** A probe was answered: all that the server sent before this has come. It counts once it is checked. */
  async answered(): Promise<void> {
    const doubts = this.#doubts;
    const { reader, isConnected, onHeard } = this.#parts;
    await reader.idle();
    if (doubts !== this.#doubts || this.#heard || !isConnected()) return;
    this.#heard = true;
    onHeard();
  }
}
