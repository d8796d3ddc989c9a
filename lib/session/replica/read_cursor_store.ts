/** Stores how far a room was read, and learns there what other tabs have read. */
import type { Cancel } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { SEEN_KEEP_EVERY_MS } from "../ports/session_limits.ts";
import { furthest, type ReadCursor } from "./read_cursor.ts";
import type { SessionStorage } from "../ports/session_storage.ts";

export interface ReadCursorStoreDeps extends Pick<SessionDeps, "timers"> {
  room: RoomId;
  readCursor: ReadCursor;
  storage: SessionStorage;
  /** Another tab has read further. */
  onChange(): void;
  log(line: string): void;
}

export class ReadCursorStore {
  readonly #deps: ReadCursorStoreDeps;
  #cancel: Cancel | undefined;
  #disposed = false;

  constructor(deps: ReadCursorStoreDeps) {
    this.#deps = deps;
  }

  /** Schedules storing. A page that dies before shows the messages as new again. */
  keepSoon(): void {
    if (!this.#disposed) this.#cancel ??= this.#deps.timers.after(SEEN_KEEP_EVERY_MS, () => void this.keep());
  }

  /** Writes the position, or reads that of other tabs. After a failure the next change tries again. */
  async keep(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const { room, readCursor, storage } = this.#deps;
    const { unsaved } = readCursor;
    try {
      if (unsaved === undefined) {
        if (readCursor.learn(await storage.readCursor(room))) this.#deps.onChange();
        return;
      }
      const { seen, replaces } = unsaved;
      const kept = await storage.changeReadCursor(room, (before) => replaces ? seen : furthest(before, seen));
      readCursor.saved(seen);
      if (readCursor.learn(kept)) this.#deps.onChange();
    } catch (error) {
      this.#deps.log(`read cursor: not stored: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel?.();
  }
}
