/** Statistics of all instances: small texts that go by themselves, and the room of the probes. */
import type { RoomId } from "../../protocol/event.ts";
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";
import { STATS_TEXT_MAX_BYTES, type StatsEntry, type StatsGrain, type StatsStore } from "../store.ts";

export class KvStats implements StatsStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async write(grain: StatsGrain, { at, instance, text }: StatsEntry, lifeMs: number): Promise<void> {
    if (text.length > STATS_TEXT_MAX_BYTES) {
      throw new RangeError(`a record of statistics has at most ${STATS_TEXT_MAX_BYTES} bytes, not ${text.length}`);
    }
    await this.#database.commit((atomic) =>
      void atomic.set(keys.stats(grain, at, instance), text, { expireIn: lifeMs })
    );
  }

  async read(grain: StatsGrain, from: number, limit: number): Promise<StatsEntry[]> {
    const selector = { start: keys.statsFrom(grain, from), end: keys.statsEnd(grain) };
    const entries = await this.#database.list<string>(selector, { limit, reverse: true, consistency: "eventual" });
    return entries.map(({ key, value }) => ({ at: key[2] as number, instance: key[3] as string, text: value }));
  }

  async probeRoom(): Promise<RoomId | undefined> {
    return (await this.#database.get<RoomId>(keys.probeRoom)).value ?? undefined;
  }

  async nameProbeRoom(room: RoomId, before: RoomId | undefined): Promise<RoomId> {
    const key = keys.probeRoom;
    const { value, versionstamp } = await this.#database.get<RoomId>(key);
    if (value !== null && value !== before) return value;
    const named = await this.#database.commit((atomic) => void atomic.check({ key, versionstamp }).set(key, room));
    return named === undefined ? await this.probeRoom() ?? room : room;
  }
}
