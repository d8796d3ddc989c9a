/** Stores how far a room was read, and learns there what other tabs have read. */
import type { Cancel } from "../../shared/environment.ts";
import { SEEN_KEEP_EVERY_MS } from "../ports/session_limits.ts";
import type { RoomParts } from "../room/room_parts.ts";
import { furthest } from "./read_cursor.ts";

export class ReadCursorStore {
  readonly #room: RoomParts;
  #cancel: Cancel | undefined;
  #disposed = false;

  constructor(room: RoomParts) {
    this.#room = room;
  }

  /** Schedules storing. A page that dies before shows the messages as new again. */
  keepSoon(): void {
    if (!this.#disposed) this.#cancel ??= this.#room.deps.timers.after(SEEN_KEEP_EVERY_MS, () => void this.keep());
  }

  /** Writes the position, or reads that of other tabs. After a failure the next change tries again. */
  async keep(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const { readCursor, state: { room, storage }, deps } = this.#room;
    const { unsaved } = readCursor;
    try {
      if (unsaved === undefined) {
        if (readCursor.learn(await storage.readCursor(room))) deps.onChange();
        return;
      }
      const { seen, replaces } = unsaved;
      const kept = await storage.changeReadCursor(room, (before) => replaces ? seen : furthest(before, seen));
      readCursor.saved(seen);
      if (readCursor.learn(kept)) deps.onChange();
    } catch (error) {
      deps.log(`read cursor: not stored: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel?.();
  }
}
