/** Keeps in the device's storage how far a room was seen, and learns from there what other tabs have seen. */
import type { RoomId } from "../protocol/event.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import { SEEN_KEEP_EVERY_MS } from "./limits.ts";
import { furthest, type ReadMarker } from "./read_marker.ts";
import type { SessionStorage } from "./storage.ts";

export interface ReadKeeperParts extends Pick<SessionDeps, "timers"> {
  room: RoomId;
  marker: ReadMarker;
  /** Undefined until the storage has answered. */
  storage(): SessionStorage | undefined;
  /** Another tab has seen more. */
  onChange(): void;
  log(line: string): void;
}

export class ReadKeeper {
  readonly #parts: ReadKeeperParts;
  #cancel: Cancel | undefined;
  #disposed = false;

  constructor(parts: ReadKeeperParts) {
    this.#parts = parts;
  }

  /** Something was seen, or came unseen. A page that dies before it is kept shows it as new once more. */
  keepSoon(): void {
    if (!this.#disposed) this.#cancel ??= this.#parts.timers.after(SEEN_KEEP_EVERY_MS, () => void this.keep());
  }

  /** Writes what was seen here, or reads what was seen elsewhere. Where the storage fails, the next change tries again. */
  async keep(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const { room, marker } = this.#parts;
    const [storage, unsaved] = [this.#parts.storage(), marker.unsaved];
    if (storage === undefined) return;
    try {
      if (unsaved === undefined) {
        if (marker.learn(await storage.seen(room))) this.#parts.onChange();
        return;
      }
      const { seen, replaces } = unsaved;
      const kept = await storage.changeSeen(room, (before) => replaces ? seen : furthest(before, seen));
      marker.saved(seen);
      if (marker.learn(kept)) this.#parts.onChange();
    } catch (error) {
      this.#parts.log(`how far the room was seen could not be kept: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel?.();
  }
}
