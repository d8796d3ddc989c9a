/** The people in one open room, and the timers: when clients and other instances learn of changes among them. */
import type { Cancel } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { Person } from "../../protocol/frames.ts";
import type { PresenceEntry } from "../../store/instances/presence.ts";
import type { Store } from "../../store/store.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { People } from "./people.ts";
import type { Environment, OnFailure } from "../environment.ts";

export interface RoomPresenceDeps {
  room: RoomId;
  store: Pick<Store, "presence">;
  config: Pick<ServerConfig, "presence">;
  environment: Environment;
  instance: string;
  /** Connections in this room. With more of them, frames are less frequent. */
  sockets(): number;
  /** Sends a frame to everybody in the room. */
  tell(text: string): void;
  onFailure: OnFailure;
}

export class RoomPresence extends People {
  readonly #deps: RoomPresenceDeps;
  #cancelTell: Cancel | undefined;
  #cancelWrite: Cancel | undefined;
  #cancelRead: Cancel | undefined;
  #lastReadAt = 0;
  #written = false;
  #writing = Promise.resolve();
  #refreshing = false;
  #closed = false;

  constructor(deps: RoomPresenceDeps) {
    super(deps.config.presence);
    this.#deps = deps;
  }

  override enter(person: Person): void {
    super.enter(person);
    this.#changedHere();
  }

  override leave(author: Person["author"]): void {
    super.leave(author);
    this.#changedHere();
  }

  override rename(author: Person["author"], name: string): void {
    super.rename(author, name);
    this.#changedHere();
  }

  override setElsewhere(entries: readonly PresenceEntry[]): void {
    super.setElsewhere(entries.filter(({ instance }) => instance !== this.#deps.instance));
    this.#tellSoon();
  }

  /** Reads the other instances' entries after a notification or periodically, at least `readGapMs` apart. */
  readSoon(): void {
    if (this.#closed || this.#cancelRead !== undefined) return;
    const { store, environment, config: { presence } } = this.#deps;
    const waitMs = Math.max(0, this.#lastReadAt + presence.readGapMs - environment.clock.now());
    this.#cancelRead = environment.timers.after(waitMs, () => {
      this.#cancelRead = undefined;
      this.#lastReadAt = environment.clock.now();
      store.presence.read(this.#deps.room, this.#lastReadAt)
        .then((entries) => this.#closed || this.setElsewhere(entries), this.#deps.onFailure);
    });
  }

  /** Deletes this instance's entry and leaves no timer. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of [this.#cancelTell, this.#cancelWrite, this.#cancelRead]) cancel?.();
    await this.#writing;
    if (this.#written) await this.#write(0);
  }

  #changedHere(): void {
    this.#tellSoon();
    this.#writeAfter(this.#deps.config.presence.writeGapMs, false);
  }

  #tellSoon(): void {
    if (this.#closed || this.#cancelTell !== undefined) return;
    const { windowMs, windowPerSocketMs, maxWindowMs } = this.#deps.config.presence;
    const ms = Math.min(maxWindowMs, windowMs + this.#deps.sockets() * windowPerSocketMs);
    this.#cancelTell = this.#deps.environment.timers.after(ms, () => {
      this.#cancelTell = undefined;
      const frame = this.takeChanges();
      if (frame !== undefined) this.#deps.tell(JSON.stringify(frame));
      if (this.pending) this.#tellSoon();
    });
  }

  /** Writes the entry once, `ms` from now; a change replaces a scheduled refresh. */
  #writeAfter(ms: number, refresh: boolean): void {
    if (this.#closed || (this.#cancelWrite !== undefined && (refresh || !this.#refreshing))) return;
    this.#cancelWrite?.();
    this.#refreshing = refresh;
    this.#cancelWrite = this.#deps.environment.timers.after(ms, () => {
      this.#cancelWrite = undefined;
      // One after another: an older count must not overwrite a newer one.
      this.#writing = this.#writing.then(() => this.#write(this.here));
    });
  }

  async #write(count: number): Promise<void> {
    const { store, room, instance, config: { presence: { ttlMs } }, environment } = this.#deps;
    const now = environment.clock.now();
    try {
      const { shown } = count === 0 ? { shown: [] } : this.entry();
      await store.presence.write(room, { instance, count, shown, expiresAt: now + ttlMs }, now);
      this.#written = count > 0;
    } catch (error) {
      this.#deps.onFailure(error);
    }
    if (count > 0) this.#writeAfter(ttlMs / 3, true);
  }
}
