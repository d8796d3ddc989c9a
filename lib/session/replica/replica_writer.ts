/** Writes what a session received into the device's own copy of the log: at once, and not too often. */
import type { Cancel } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { COPY_SAVE_EVERY_MS } from "../ports/session_limits.ts";
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
  /** Set for a while after each write. */
  #cancelPause: Cancel | undefined;
  /** Something may be new since the last write. */
  #due = false;
  #disposed = false;

  constructor(deps: ReplicaWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Something may be new: written at once, or when the pause after the last write is over. A browser may be killed at any
   * moment, and what it had not written cannot be read without a network.
   */
  saveSoon(): void {
    this.#due = true;
    if (!this.#disposed && this.#cancelPause === undefined) void this.save();
  }

  /** Writes now. Where the storage fails, the next change tries again. */
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
      this.#deps.log(`the local copy could not be kept: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelPause?.();
  }

  #pause(): void {
    this.#cancelPause?.();
    this.#cancelPause = this.#deps.timers.after(COPY_SAVE_EVERY_MS, () => {
      this.#cancelPause = undefined;
      if (this.#due) this.saveSoon();
    });
  }
}
