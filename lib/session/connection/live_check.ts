/** Whether the page shows all that the server has. After a sleep nobody knows, until the server was heard from again. */
import type { ReplicaReader } from "../replica/replica_reader.ts";

export interface LiveCheckDeps {
  reader: Pick<ReplicaReader, "idle" | "caughtUp">;
  /** The connection to the server is up. */
  isConnected(): boolean;
  /** The server was heard from, and all that it sent before is checked. */
  onHeard(): void;
}

export class LiveCheck {
  readonly #deps: LiveCheckDeps;
  #heard = false;
  /** Counts what makes `#heard` doubtful. */
  #doubts = 0;

  constructor(deps: LiveCheckDeps) {
    this.#deps = deps;
  }

  get upToDate(): boolean {
    return this.#heard && this.#deps.reader.caughtUp;
  }

  /** Nobody knows what is still on its way. */
  suspect(): void {
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
    const { reader, isConnected, onHeard } = this.#deps;
    await reader.idle();
    if (doubts !== this.#doubts || this.#heard || !isConnected()) return;
    this.#heard = true;
    onHeard();
  }
}
