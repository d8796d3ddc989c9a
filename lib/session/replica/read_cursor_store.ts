/** Keeps in the device's storage how far a room was seen, and learns from there what other tabs have seen. */
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
  /** Another tab has seen more. */
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

  /** Something was seen, or came unseen. A page that dies before it is kept shows it as new once more. */
  keepSoon(): void {
    if (!this.#disposed) this.#cancel ??= this.#deps.timers.after(SEEN_KEEP_EVERY_MS, () => void this.keep());
  }

  /** Writes what was seen here, or reads what was seen elsewhere. Where the storage fails, the next change tries again. */
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
      this.#deps.log(`how far the room was seen could not be kept: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel?.();
  }
}
