/**
 * Brings what other instances stored to the open rooms of this one. A bell only says "something changed in some of these
 * rooms"; the rooms' heads say what. A slow look at every open room makes up for any ring that was lost.
 */
import { type LogStore, StorageUnavailable, type Store } from "../store/store.ts";
import type { RoomId } from "../protocol/event.ts";
import type { ServerConfig } from "./config.ts";
import type { Hub } from "./hub.ts";
import type { Cancel, Surroundings } from "./surroundings.ts";

export interface FeedParts {
  store: Pick<Store, "bells"> & { log: Pick<LogStore, "readHeads"> };
  config: ServerConfig["feed"];
  surroundings: Surroundings;
  openHubs(): Iterable<Hub>;
  onFailure(error: StorageUnavailable): void;
}

export class Feed {
  readonly #parts: FeedParts;
  readonly #closing = new AbortController();
  /** Bells that are being looked at, and whether they rang again meanwhile. */
  readonly #looking = new Map<number, { again: boolean }>();
  /** Per bell: the gap after the next look. Short while other instances write, longer when only our own commits ring. */
  readonly #gapMs = new Map<number, number>();
  readonly #gaps = new Set<Cancel>();
  #cancelRecheck: Cancel | undefined;
  readonly #listening: Promise<void>;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#listening = this.#listen();
    this.#recheckLater();
  }

  /** Stops listening; nothing is left running. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRecheck?.();
    for (const cancel of this.#gaps) cancel();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    for await (const bell of this.#parts.store.bells.listen(this.#closing.signal)) this.#rang(bell);
  }

  #rang(bell: number): void {
    const looking = this.#looking.get(bell);
    if (looking !== undefined) looking.again = true;
    else {
      this.#looking.set(bell, { again: false });
      void this.#look(bell);
    }
  }

  /** One look at a time per bell; a ring during it, or within the gap after it, leads to one more. */
  async #look(bell: number): Promise<void> {
    const hubs = [...this.#parts.openHubs()].filter((hub) => hub.bell === bell);
    const foundNews = await this.#check(hubs);
    if (this.#closing.signal.aborted) return;
    const { gapMs, maxGapMs } = this.#parts.config;
    const lastGapMs = this.#gapMs.get(bell) ?? gapMs;
    this.#gapMs.set(bell, foundNews ? gapMs : Math.min(lastGapMs * 2, maxGapMs));
    const cancel = this.#parts.surroundings.timers.after(lastGapMs, () => {
      this.#gaps.delete(cancel);
      const { again } = this.#looking.get(bell)!;
      this.#looking.delete(bell);
      if (again) this.#rang(bell);
    });
    this.#gaps.add(cancel);
  }

  /** Whether another instance had stored something. */
  async #check(hubs: readonly Hub[]): Promise<boolean> {
    if (hubs.length === 0) return false;
    const rooms: RoomId[] = hubs.map((hub) => hub.room.id);
    try {
      const heads = await this.#parts.store.log.readHeads(rooms);
      if (this.#closing.signal.aborted) return false;
      const news = await Promise.all(hubs.map((hub, index) => {
        hub.presence.readSoon();
        return hub.headSeen(heads[index]);
      }));
      return news.includes(true);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      this.#parts.onFailure(error); // The recheck comes again.
      return false;
    }
  }

  #recheckLater(): void {
    this.#cancelRecheck = this.#parts.surroundings.timers.after(this.#parts.config.recheckMs, async () => {
      await this.#check([...this.#parts.openHubs()]);
      if (!this.#closing.signal.aborted) this.#recheckLater();
    });
  }
}
