/** Writes received events into the local copy of the log: at once, but not too often. */
import type { Cancel } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { REPLICA_SAVE_EVERY_MS } from "../ports/session_limits.ts";
import type { ReplicaReader } from "./replica_reader.ts";
import type { SessionStorage } from "../ports/session_storage.ts";

export interface ReplicaWriterDeps extends Pick<SessionDeps, "timers"> {
  room: RoomId;
  reader: ReplicaReader;
  storage: SessionStorage;
  /** Undefined until the room is known. */
  info(): RoomInfo | undefined;
  log(line: string): void;
}

export class ReplicaWriter {
  readonly #deps: ReplicaWriterDeps;
  /** Set during the pause after a write. */
  #cancelPause: Cancel | undefined;
  /** There may be changes since the last write. */
  #due = false;
  #disposed = false;

  constructor(deps: ReplicaWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Writes at once, or after the pause that follows a write. A browser may be killed at any moment, and unwritten
   * events cannot be read without a network.
   */
  saveSoon(): void {
    this.#due = true;
    if (!this.#disposed && this.#cancelPause === undefined) void this.save();
  }

  /** Writes now. After a failure the next change tries again. */
  async save(): Promise<void> {
    const { reader, room, storage } = this.#deps;
    const [unsaved, info] = [reader.unsaved(), this.#deps.info()];
    this.#due = false;
    if (unsaved === undefined) return;
    if (!this.#disposed) this.#pause();
    if (info === undefined) {
      this.#due = true;
      return;
    }
    const { copy, replaces } = unsaved;
    try {
      await storage.saveReplica(room, { ...copy, room: info }, replaces);
      reader.saved(copy);
    } catch (error) {
      this.#deps.log(`copy: not stored: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelPause?.();
  }

  #pause(): void {
    this.#cancelPause?.();
    this.#cancelPause = this.#deps.timers.after(REPLICA_SAVE_EVERY_MS, () => {
      this.#cancelPause = undefined;
      if (this.#due) this.saveSoon();
    });
  }
}
