/**
 * Brings what other instances stored to the open rooms of this one. A channel only says "something changed in some of these
 * rooms"; the rooms' heads say what. A slow look at every open room makes up for any ring that was lost.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { LogStore } from "../../store/rooms/log.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { Store } from "../../store/store.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Hub } from "./hub.ts";
import type { Environment } from "../environment.ts";

export interface ChangeFeedDeps {
  store: Pick<Store, "changes"> & { log: Pick<LogStore, "readHeads"> };
  config: ServerConfig["feed"];
  environment: Environment;
  openHubs(): Iterable<Hub>;
  onFailure(error: StorageUnavailable): void;
}

export class ChangeFeed {
  readonly #deps: ChangeFeedDeps;
  readonly #closing = new AbortController();
  /** Bells that are being looked at, and whether they rang again meanwhile. */
  readonly #looking = new Map<number, { again: boolean }>();
  /** Per channel: the gap after the next look. Short while other instances write, longer when only our own commits ring. */
  readonly #gapMs = new Map<number, number>();
  readonly #gaps = new Set<Cancel>();
  #cancelRecheck: Cancel | undefined;
  readonly #listening: Promise<void>;

  constructor(deps: ChangeFeedDeps) {
    this.#deps = deps;
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
    for await (const channel of this.#deps.store.changes.listen(this.#closing.signal)) this.#changed(channel);
  }

  #changed(channel: number): void {
    const looking = this.#looking.get(channel);
    if (looking !== undefined) looking.again = true;
    else {
      this.#looking.set(channel, { again: false });
      void this.#look(channel);
    }
  }

  /** One look at a time per channel; a ring during it, or within the gap after it, leads to one more. */
  async #look(channel: number): Promise<void> {
    const hubs = [...this.#deps.openHubs()].filter((hub) => hub.changeChannel === channel);
    const foundNews = await this.#check(hubs);
    if (this.#closing.signal.aborted) return;
    const { gapMs, maxGapMs } = this.#deps.config;
    const lastGapMs = this.#gapMs.get(channel) ?? gapMs;
    this.#gapMs.set(channel, foundNews ? gapMs : Math.min(lastGapMs * 2, maxGapMs));
    const cancel = this.#deps.environment.timers.after(lastGapMs, () => {
      this.#gaps.delete(cancel);
      const { again } = this.#looking.get(channel)!;
      this.#looking.delete(channel);
      if (again) this.#changed(channel);
    });
    this.#gaps.add(cancel);
  }

  /** Whether another instance had stored something. */
  async #check(hubs: readonly Hub[]): Promise<boolean> {
    if (hubs.length === 0) return false;
    const rooms: RoomId[] = hubs.map((hub) => hub.room.id);
    try {
      const heads = await this.#deps.store.log.readHeads(rooms);
      if (this.#closing.signal.aborted) return false;
      const news = await Promise.all(hubs.map((hub, index) => {
        hub.presence.readSoon();
        return hub.headSeen(heads[index]);
      }));
      return news.includes(true);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      this.#deps.onFailure(error); // The recheck comes again.
      return false;
    }
  }

  #recheckLater(): void {
    this.#cancelRecheck = this.#deps.environment.timers.after(this.#deps.config.recheckMs, async () => {
      await this.#check([...this.#deps.openHubs()]);
      if (!this.#closing.signal.aborted) this.#recheckLater();
    });
  }
}
