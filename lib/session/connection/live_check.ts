/**
 * Whether the page shows everything that the server has. After a sleep that is unknown until the server answers again.
 */
import type { ReplicaReader } from "../replica/replica_reader.ts";

export interface LiveCheckDeps {
  reader: Pick<ReplicaReader, "idle" | "caughtUp">;
  /** The connection to the server is up. */
  isConnected(): boolean;
  /** The server has answered, and everything it sent before is verified. */
  onHeard(): void;
}

export class LiveCheck {
  readonly #deps: LiveCheckDeps;
  #heard = false;
  /** Counts the events that make `#heard` doubtful. */
  #doubts = 0;

  constructor(deps: LiveCheckDeps) {
    this.#deps = deps;
  }

  get upToDate(): boolean {
    return this.#heard && this.#deps.reader.caughtUp;
  }

  /** Frames may be missing or still on their way. */
  suspect(): void {
    this.#doubts++;
    this.#heard = false;
  }

  /** A connection begins: nothing is missed from here on. */
  welcomed(): void {
    this.#heard = true;
  }

  /** A probe was answered, so everything sent before it has arrived. It counts once it is verified. */
  async answered(): Promise<void> {
    const doubts = this.#doubts;
    const { reader, isConnected, onHeard } = this.#deps;
    await reader.idle();
    if (doubts !== this.#doubts || this.#heard || !isConnected()) return;
    this.#heard = true;
    onHeard();
  }
}
