/** Rooms: made once, found by id or code, listed by activity, and removed with all their data. */
import { roomCodeFor } from "../../chat/room_code_words.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { type Database, StorageUnavailable } from "../database.ts";
import { keys, markErasable } from "../keys.ts";
import { type HeadRecord, notifyChange, refuseOnFullDisk, setAuthor, setEvent } from "./log.ts";

/** Codes that are tried for one room before `no_free_code`. */
export const CODE_ATTEMPTS = 16;

/** Lost races after which making a room gives up; each lost race is another writer's progress. */
const RACES_MAX = 100;
/** Keys that one commit of a removal deletes. */
const PURGE_STEP_KEYS = 100;
/** Entries of the list of rooms that are read at a time. */
const LIST_STEP_KEYS = 500;
/** Interrupted removals that one `finishRemovals` completes. */
const REMOVALS_PER_SWEEP = 100;
/** Adding this to a KvU64 takes one away: its sums wrap at 2^64. */
const MINUS_ONE = 0xffff_ffff_ffff_ffffn;

/** How long a room is known as deleted by an operator: twice the 7 days that phones keep what waits to be sent. */
export const DELETED_KNOWN_MS = 14 * 24 * 3_600_000;

/** Value of the key `removing`. */
export type Removal = { listed: boolean };

export class RoomStore {
  /** `diskProblem`: why no room may be made now. */
  constructor(
    private readonly database: Database,
    private readonly random: (byteLength: number) => Uint8Array,
    private readonly diskProblem: () => string | undefined,
  ) {}

  /**
   * Makes the room of this genesis event (already checked): stores it at position 1 and reserves the room's code in the
   * same commit, so that no code ever names two rooms. Making the same room twice returns it again.
   */
  async create(genesis: Event, nowMs: number): Promise<RoomInfo | { problem: "id_taken" | "no_free_code" }> {
    if (genesis.kind !== "room") {
      throw new TypeError(`a room's genesis event is of kind room, not ${genesis.kind}`);
    }
    refuseOnFullDisk(this.diskProblem());
    const { room, author, wire, clock, n, body } = genesis;
    const info = { id: room, kind: body.roomKind, name: body.name, host: author, genesis: wire, createdAt: nowMs };
    if (await this.wasDeleted(room)) return { problem: "id_taken" };
    for (let race = 0, attempt = 0; race < RACES_MAX; race++) {
      const there = await this.byId(room);
      if (there) return there.genesis[0] === wire[0] ? there : { problem: "id_taken" };
      if (attempt === CODE_ATTEMPTS) return { problem: "no_free_code" };
      const code = body.roomKind === "sealed" ? undefined : roomCodeFor(room, attempt);
      const made: RoomInfo = code === undefined ? info : { ...info, code };
      const log = { epoch: toBase64Url(this.random(8)), head: 1, oldest: 1, clock, lastAt: nowMs };
      const head: HeadRecord = body.roomKind === "listed" ? { ...log, listed: true } : log;
      const versionstamp = await this.database.commit((atomic) => {
        atomic.check({ key: keys.room(room), versionstamp: null }, { key: keys.removing(room), versionstamp: null });
        atomic.set(keys.room(room), made);
        if (code !== undefined) {
          atomic.check({ key: keys.code(code), versionstamp: null });
          atomic.set(keys.code(code), room);
        }
        atomic.set(keys.head(room), head);
        setEvent(atomic, room, 1, genesis, nowMs);
        setAuthor(atomic, room, author, { lastN: n, tatMs: nowMs });
        if (head.listed) atomic.set(keys.listed(nowMs, room), true);
        atomic.sum(keys.roomCount, 1n);
        notifyChange(atomic, room);
      });
      if (versionstamp !== undefined) return made;
      if (code !== undefined && await this.codeExists(code)) attempt++;
      await this.#finishRemoval(room);
    }
    throw new StorageUnavailable(`a room was not made: ${RACES_MAX} races lost`);
  }

  async byId(room: RoomId): Promise<RoomInfo | undefined> {
    return (await this.database.get<RoomInfo>(keys.room(room))).value ?? undefined;
  }

  async byCode(code: string): Promise<RoomInfo | undefined> {
    const { value: room } = await this.database.get<RoomId>(keys.code(code));
    return room === null ? undefined : await this.byId(room);
  }

  /** Whether a code is in use, for suggestions. */
  async codeExists(code: string): Promise<boolean> {
    return (await this.database.get(keys.code(code))).versionstamp !== null;
  }

  /**
   * Up to `limit` listed rooms, newest activity first. The index knows minutes, so which rooms of the last minute on the
   * list are cut is arbitrary.
   */
  async listed(limit: number): Promise<{ room: RoomInfo; lastAt: number }[]> {
    if (limit < 1) return [];
    // The home page accepts a list some seconds old, and nearby replicas answer faster.
    const entries = await this.database.list({ prefix: keys.allListed }, {
      limit,
      reverse: true,
      consistency: "eventual",
    });
    const rooms = entries.map(({ key }) => String(key[2]));
    const [infos, heads] = await Promise.all([
      this.database.getMany<RoomInfo>(rooms.map(keys.room), "eventual"),
      this.database.getMany<HeadRecord>(rooms.map(keys.head), "eventual"),
    ]);
    const listed = infos.flatMap(({ value: room }, at) => {
      const lastAt = heads[at]?.value?.lastAt;
      return room && lastAt !== undefined ? [{ room, lastAt }] : [];
    });
    return listed.sort((a, b) => b.lastAt - a.lastAt);
  }

  /** All rooms, page by page, for the sweep. `after` is the last id of the page before. */
  async page(after: RoomId | undefined, limit: number): Promise<RoomInfo[]> {
    if (limit < 1) return [];
    const from = { prefix: keys.rooms, ...after !== undefined && { start: [...keys.room(after), 0] } };
    return (await this.database.list<RoomInfo>(from, { limit })).map(({ value }) => value);
  }

  /** How many rooms there are. */
  async count(): Promise<number> {
    const { value } = await this.database.get<Deno.KvU64>(keys.roomCount, "eventual");
    return Number(value?.value ?? 0n);
  }

  /** As `remove`, by an operator: for DELETED_KNOWN_MS the room is known as deleted and cannot be made again. */
  async deleteForGood(room: RoomId, nowMs: number): Promise<void> {
    await this.database.commit((atomic) => void atomic.set(keys.deleted(room), nowMs, { expireIn: DELETED_KNOWN_MS }));
    await this.remove(room);
  }

  /** Whether an operator deleted this room within DELETED_KNOWN_MS. */
  async wasDeleted(room: RoomId): Promise<boolean> {
    return (await this.database.get(keys.deleted(room))).versionstamp !== null;
  }

  /**
   * Deletes a room with all its data: log, indexes, authors, code. After its first commit nobody finds the room or appends
   * to it; `finishRemovals` completes an interrupted removal.
   */
  async remove(room: RoomId): Promise<void> {
    const { value: info, versionstamp } = await this.database.get<RoomInfo>(keys.room(room));
    if (info) {
      // Deletes the head unchecked, so no append can delay this; appends check the head, so none follows.
      await this.database.commit((atomic) => {
        atomic.check({ key: keys.room(room), versionstamp });
        atomic.delete(keys.room(room)).delete(keys.head(room)).delete(keys.age(room));
        if (info.code !== undefined) atomic.delete(keys.code(info.code));
        atomic.sum(keys.roomCount, MINUS_ONE);
        atomic.set(keys.removing(room), { listed: info.kind === "listed" } satisfies Removal);
        notifyChange(atomic, room);
      });
    }
    await this.#finishRemoval(room);
  }

  /** Completes removals that a crash interrupted, for the sweep. Returns how many. */
  async finishRemovals(): Promise<number> {
    const entries = await this.database.list({ prefix: keys.allRemoving }, { limit: REMOVALS_PER_SWEEP });
    for (const { key } of entries) await this.#finishRemoval(String(key[1]));
    return entries.length;
  }

  /** Deletes the rest of a room whose removal began. Every commit checks that nobody else finished it meanwhile. */
  async #finishRemoval(room: RoomId): Promise<void> {
    const { value: removal, versionstamp } = await this.database.get<Removal>(keys.removing(room));
    if (!removal) return;
    const check = { key: keys.removing(room), versionstamp };
    if (removal.listed) await this.#takeOffList(room, check);
    for (const prefix of keys.prefixesOf(room)) {
      if (await this.database.deleteAll(prefix, PURGE_STEP_KEYS, check) === undefined) return;
    }
    await this.database.commit((atomic) => {
      atomic.check(check).delete(check.key);
      markErasable(atomic, "soon");
    });
  }

  /** Searches the whole list: only the deleted head knew the room's minute on it. */
  async #takeOffList(room: RoomId, check: Deno.AtomicCheck): Promise<void> {
    for await (const { key } of this.database.all({ prefix: keys.allListed }, LIST_STEP_KEYS)) {
      if (key[2] === room) await this.database.commit((atomic) => void atomic.check(check).delete(key));
    }
  }
}
