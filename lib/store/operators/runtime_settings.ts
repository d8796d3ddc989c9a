/** The operators' settings at run time, and their change notifications to every instance. */
import type { RoomId, WireEvent } from "../../protocol/event.ts";
import { type Database, StorageUnavailable } from "../database.ts";
import { keys } from "../keys.ts";
import { watchVersions } from "../watching.ts";

const PARTS = ["limits", "notices", "suggested", "bans"] as const;
/** Lost races with other operators after which a change is given up. */
const RACES_MAX = 20;

/** A banned key or device. */
export interface Ban {
  /** 12 random bytes, base64url. */
  id: string;
  kind: "key" | "device";
  /** The author's key, or the device's hash (`deviceHash`). */
  who: string;
  /** Absent: everywhere. */
  room?: RoomId;
  /** With a key: the device that uses it is banned as well, as soon as it is seen. */
  withDevice?: true;
  /** Only operators read it. */
  reason: string;
  /** Server's clock, ms. */
  at: number;
  until: number;
}

/** A room that the home page recommends. */
export interface SuggestedRoom {
  room: RoomId;
  /** The operator's name for its purpose: "Main stage", "Lost and found". */
  label: string;
}

/** All settings of operators at run time. */
export interface RuntimeSettingsState {
  /** Limits that differ from the configuration, by their names in lib/server/limits/runtime_limits.ts. */
  limits: Record<string, number>;
  /** Signed notices and withdrawals that have not ended, oldest first. */
  notices: WireEvent[];
  suggested: SuggestedRoom[];
  bans: Ban[];
}

/** Most bans at a time; more are refused. */
export const BANS_MAX = 1_000;

export class RuntimeSettingsStore {
  /** `closed` ends every `listen`. */
  constructor(private readonly database: Database, private readonly closed: AbortSignal) {}

  async read(nowMs: number): Promise<RuntimeSettingsState> {
    const [[limits, notices, suggested], bans] = await Promise.all([
      this.database.getMany<unknown>(PARTS.map(keys.settings)),
      this.database.list<Ban>({ prefix: keys.bans }, { limit: BANS_MAX }),
    ]);
    return {
      limits: (limits?.value ?? {}) as Record<string, number>,
      notices: (notices?.value ?? []) as WireEvent[],
      suggested: (suggested?.value ?? []) as SuggestedRoom[],
      bans: bans.map(({ value }) => value).filter(({ until }) => until > nowMs),
    };
  }

  async setLimits(limits: Record<string, number>): Promise<void> {
    await this.database.commit((atomic) => void atomic.set(keys.settings("limits"), limits));
  }

  async setSuggested(rooms: readonly SuggestedRoom[]): Promise<void> {
    await this.database.commit((atomic) => void atomic.set(keys.settings("suggested"), rooms));
  }

  /** Changes the notices; `change` is pure and may run more than once. When it returns undefined, nothing changes. */
  async changeNotices(
    change: (notices: readonly WireEvent[]) => readonly WireEvent[] | undefined,
  ): Promise<boolean> {
    const key = keys.settings("notices");
    for (let race = 0; race < RACES_MAX; race++) {
      const { value, versionstamp } = await this.database.get<WireEvent[]>(key);
      const changed = change(value ?? []);
      if (changed === undefined) return false;
      const done = await this.database.commit((atomic) => {
        atomic.check({ key, versionstamp });
        atomic.set(key, changed);
      });
      if (done !== undefined) return true;
    }
    throw new StorageUnavailable(`the notices were not changed: ${RACES_MAX} races lost`);
  }

  /** Returns false when there are BANS_MAX already. */
  async putBan(ban: Ban, nowMs: number): Promise<boolean> {
    const bans = await this.database.list({ prefix: keys.bans }, { limit: BANS_MAX });
    if (bans.length >= BANS_MAX) return false;
    await this.database.commit((atomic) => {
      atomic.set(keys.ban(ban.id), ban, { expireIn: Math.max(1, ban.until - nowMs) });
      atomic.set(keys.settings("bans"), 1);
    });
    return true;
  }

  async liftBan(id: string): Promise<boolean> {
    const key = keys.ban(id);
    const { versionstamp } = await this.database.get(key);
    if (versionstamp === null) return false;
    await this.database.commit((atomic) => void atomic.delete(key).set(keys.settings("bans"), 1));
    return true;
  }

  /** Yields at once, and whenever something was set, until `signal` aborts. */
  async *listen(signal: AbortSignal): AsyncGenerator<void, void, void> {
    const ended = AbortSignal.any([signal, this.closed]);
    for await (const _ of watchVersions(this.database, PARTS.map(keys.settings), ended)) yield;
  }
}
