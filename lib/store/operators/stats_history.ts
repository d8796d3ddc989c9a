/** Statistics of all instances, as small texts that expire, and the room of the probes. */
import type { RoomId } from "../../protocol/event.ts";
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";

/** The span of time that one record covers. */
export type StatsGrain = "minute" | "ten_minutes";

/** One instance's counts in the span that began `at` (server's clock, ms). */
export interface StatsEntry {
  at: number;
  instance: string;
  text: string;
}

/** Most bytes of one record's text: a KV value holds 65,536. */
export const STATS_TEXT_MAX_BYTES = 60_000;

export class StatsStore {
  constructor(private readonly database: Database) {}

  /** Keeps a record for `lifeMs` at least. Throws RangeError for a text beyond STATS_TEXT_MAX_BYTES. */
  async write(grain: StatsGrain, { at, instance, text }: StatsEntry, lifeMs: number): Promise<void> {
    if (text.length > STATS_TEXT_MAX_BYTES) {
      throw new RangeError(`a record of statistics has at most ${STATS_TEXT_MAX_BYTES} bytes, not ${text.length}`);
    }
    await this.database.commit((atomic) =>
      void atomic.set(keys.stats(grain, at, instance), text, { expireIn: lifeMs })
    );
  }

  /** The newest `limit` records that began at `from` or later, newest first. */
  async read(grain: StatsGrain, from: number, limit: number): Promise<StatsEntry[]> {
    const selector = { start: keys.statsFrom(grain, from), end: keys.statsEnd(grain) };
    const entries = await this.database.list<string>(selector, { limit, reverse: true, consistency: "eventual" });
    return entries.map(({ key, value }) => ({ at: key[2] as number, instance: key[3] as string, text: value }));
  }

  /** The room of the instances' own probes; undefined before there is one. */
  async probeRoom(): Promise<RoomId | undefined> {
    return (await this.database.get<RoomId>(keys.probeRoom)).value ?? undefined;
  }

  /** Sets that room in place of `before`, unless another instance did. Returns the room that is set now. */
  async setProbeRoom(room: RoomId, before: RoomId | undefined): Promise<RoomId> {
    const key = keys.probeRoom;
    const { value, versionstamp } = await this.database.get<RoomId>(key);
    if (value !== null && value !== before) return value;
    const named = await this.database.commit((atomic) => void atomic.check({ key, versionstamp }).set(key, room));
    return named === undefined ? await this.probeRoom() ?? room : room;
  }
}
