/** Writes received events into the local copy of the log: at once, but not too often. */
import type { Cancel } from "../../shared/environment.ts";
import { REPLICA_SAVE_EVERY_MS } from "../ports/session_limits.ts";
import type { RoomParts } from "../room/room_parts.ts";

export class ReplicaWriter {
  readonly #room: RoomParts;
  /** Set during the pause after a write. */
  #cancelPause: Cancel | undefined;
  /** There may be changes since the last write. */
  #due = false;
  #disposed = false;

  constructor(room: RoomParts) {
    this.#room = room;
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
    const { reader, verifier, state: { room, storage }, deps } = this.#room;
    const [unsaved, info] = [reader.unsaved(), verifier.known?.info];
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
      deps.log(`copy: not stored: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelPause?.();
  }

  #pause(): void {
    this.#cancelPause?.();
    this.#cancelPause = this.#room.deps.timers.after(REPLICA_SAVE_EVERY_MS, () => {
      this.#cancelPause = undefined;
      if (this.#due) this.saveSoon();
    });
  }
}
