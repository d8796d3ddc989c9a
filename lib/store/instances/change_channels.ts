/** Change notifications between instances: ten keys and one watch, for any number of rooms. */
import type { RoomId } from "../../protocol/event.ts";
import type { Database } from "../database.ts";
import { CHANGE_CHANNELS, changeChannelOf, keys } from "../keys.ts";
import { watchVersions } from "../watching.ts";

/** A notification says that a room on a channel changed. It may come twice or for nothing, but none is ever missing. */
export class ChangeChannels {
  /** `closed` ends every `listen`. */
  constructor(private readonly database: Database, private readonly closed: AbortSignal) {}

  /** The channel a room shares with others. */
  channelOf(room: RoomId): number {
    return changeChannelOf(room);
  }

  /** Yields the number of each channel that was notified, until `signal` aborts; first every channel once, because earlier
   * notifications are unknown. Notifications close together may be one. */
  async *listen(signal: AbortSignal): AsyncGenerator<number, void, void> {
    const ended = AbortSignal.any([signal, this.closed]);
    const channels = Array.from({ length: CHANGE_CHANNELS }, (_, channel) => keys.channel(channel));
    const heard: (string | null | undefined)[] = Array.from({ length: CHANGE_CHANNELS });
    for await (const versions of watchVersions(this.database, channels, ended)) {
      for (let channel = 0; channel < CHANGE_CHANNELS && !ended.aborted; channel++) {
        if (versions[channel] === heard[channel]) continue;
        heard[channel] = versions[channel];
        yield channel;
      }
    }
  }
}
