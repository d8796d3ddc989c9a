/** Bells: how an instance learns that others changed something. Ten keys, one watch, whatever the number of rooms. */
import type { RoomId } from "../../protocol/event.ts";
import type { Database } from "../database.ts";
import { CHANGE_CHANNELS, changeChannelOf, keys } from "../keys.ts";
import { watchVersions } from "../watching.ts";

/** Bells tell other instances that something of some rooms changed. They may ring twice or for nothing, never too seldom. */
export class ChangeChannels {
  readonly #database: Database;
  readonly #closed: AbortSignal;

  /** `closed` ends every listening. */
  constructor(database: Database, closed: AbortSignal) {
    this.#database = database;
    this.#closed = closed;
  }

  /** The channel a room shares with others. */
  channelOf(room: RoomId): number {
    return changeChannelOf(room);
  }

  /** The first thing it yields is every channel once: what rang while nobody listened is not known. */
  async *listen(signal: AbortSignal): AsyncGenerator<number, void, void> {
    const ended = AbortSignal.any([signal, this.#closed]);
    const channels = Array.from({ length: CHANGE_CHANNELS }, (_, channel) => keys.channel(channel));
    const heard: (string | null | undefined)[] = Array.from({ length: CHANGE_CHANNELS });
    for await (const versions of watchVersions(this.#database, channels, ended)) {
      for (let channel = 0; channel < CHANGE_CHANNELS && !ended.aborted; channel++) {
        if (versions[channel] === heard[channel]) continue;
        heard[channel] = versions[channel];
        yield channel;
      }
    }
  }
}
