/** Writes what a session received into the device's own copy of the log: soon, and not too often. */
import type { RoomId } from "../protocol/event.ts";
import type { RoomInfo } from "../protocol/frames.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import { COPY_SAVE_EVERY_MS } from "./limits.ts";
import type { LogReader } from "./log_reader.ts";
import type { SessionStorage } from "./storage.ts";

export interface CopyKeeperParts extends Pick<SessionDeps, "timers"> {
  room: RoomId;
  reader: LogReader;
  /** Undefined until the storage has answered. */
  storage(): SessionStorage | undefined;
  /** Undefined until the room is known. */
  info(): RoomInfo | undefined;
  log(line: string): void;
}

export class CopyKeeper {
  readonly #parts: CopyKeeperParts;
  #cancelSave: Cancel | undefined;
  #disposed = false;

  constructor(parts: CopyKeeperParts) {
    this.#parts = parts;
  }

  /** Something may be new. A page that dies before it is written receives it again. */
  saveSoon(): void {
    if (this.#disposed || this.#parts.reader.unsaved() === undefined) return;
    this.#cancelSave ??= this.#parts.timers.after(COPY_SAVE_EVERY_MS, () => void this.save());
  }

  /** Writes now. Where the storage fails, the next change tries again. */
  async save(): Promise<void> {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    const { reader, room } = this.#parts;
    const [unsaved, storage, info] = [reader.unsaved(), this.#parts.storage(), this.#parts.info()];
    if (unsaved === undefined || storage === undefined || info === undefined) return;
    const { copy, replaces } = unsaved;
    try {
      await storage.saveCopy(room, { ...copy, room: info }, replaces);
      reader.saved(copy);
    } catch (error) {
      this.#parts.log(`the local copy could not be kept: ${error}`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelSave?.();
  }
}
