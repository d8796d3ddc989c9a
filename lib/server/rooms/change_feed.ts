/**
 * Brings events that other instances stored to the open rooms of this one. A notification only says "something changed in
 * some of these rooms"; the rooms' heads say what. A slow recheck of every open room makes up for lost notifications.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Store } from "../../store/store.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Hub } from "./hub.ts";
import { type Environment, type OnFailure, repeat } from "../environment.ts";

export interface ChangeFeedDeps {
  store: Pick<Store, "changes" | "log">;
  config: Pick<ServerConfig, "feed">;
  environment: Environment;
  openHubs(): Iterable<Hub>;
  onFailure: OnFailure;
}

export class ChangeFeed {
  readonly #deps: ChangeFeedDeps;
  readonly #closing = new AbortController();
  /** Channels whose rooms are being read, and whether they were notified again meanwhile. */
  readonly #reading = new Map<number, { again: boolean }>();
  /** Per channel: the gap after the next read. Short while other instances write, longer while only our commits notify. */
  readonly #gapMs = new Map<number, number>();
  readonly #gaps = new Set<Cancel>();
  readonly #cancelRecheck: Cancel;
  readonly #listening: Promise<void>;

  constructor(deps: ChangeFeedDeps) {
    this.#deps = deps;
    this.#listening = this.#listen();
    const { config: { feed }, environment: { timers }, openHubs } = deps;
    this.#cancelRecheck = repeat(timers, () => feed.recheckMs, async () => void await this.#readRooms([...openHubs()]));
  }

  /** Stops listening and leaves nothing running. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRecheck();
    for (const cancel of this.#gaps) cancel();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    for await (const channel of this.#deps.store.changes.listen(this.#closing.signal)) this.#changed(channel);
  }

  #changed(channel: number): void {
    const reading = this.#reading.get(channel);
    if (reading !== undefined) reading.again = true;
    else {
      this.#reading.set(channel, { again: false });
      void this.#readChannel(channel);
    }
  }

  /** One read at a time per channel; a notification during it, or within the gap after it, leads to one more. */
  async #readChannel(channel: number): Promise<void> {
    const hubs = [...this.#deps.openHubs()].filter((hub) => hub.changeChannel === channel);
    const foundChange = await this.#readRooms(hubs);
    if (this.#closing.signal.aborted) return;
    const { gapMs, maxGapMs } = this.#deps.config.feed;
    const lastGapMs = this.#gapMs.get(channel) ?? gapMs;
    this.#gapMs.set(channel, foundChange ? gapMs : Math.min(lastGapMs * 2, maxGapMs));
    const cancel = this.#deps.environment.timers.after(lastGapMs, () => {
      this.#gaps.delete(cancel);
      const { again } = this.#reading.get(channel)!;
      this.#reading.delete(channel);
      if (again) this.#changed(channel);
    });
    this.#gaps.add(cancel);
  }

  /** Returns whether another instance had stored something. */
  async #readRooms(hubs: readonly Hub[]): Promise<boolean> {
    if (hubs.length === 0) return false;
    try {
      const heads = await this.#deps.store.log.readHeads(hubs.map((hub) => hub.room.id));
      if (this.#closing.signal.aborted) return false;
      const changes = await Promise.all(hubs.map((hub, index) => {
        hub.presence.readSoon();
        return hub.headSeen(heads[index]);
      }));
      return changes.includes(true);
    } catch (error) {
      this.#deps.onFailure(error); // The next recheck tries again.
      return false;
    }
  }
}
