/** Retention: deletes events beyond a room's age and number limits, and unused rooms. */
import type { Cancel } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { AgeMark, LogHead } from "../../store/rooms/log_records.ts";
import type { Store } from "../../store/store.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { errorText } from "../logger.ts";
import { type Environment, type OnFailure, repeat } from "../environment.ts";
import type { TimeKeeper } from "./time_keeper.ts";

/** Rooms read at a time; other work runs between two pages. */
const PAGE_ROOMS = 100;
/** Rooms that wait to be trimmed between sweeps. More wait for the next sweep. */
const TRIMS_WAITING_MAX = 1_000;

/** A room that is nearly full is trimmed to this share of its bytes. */
const KEPT_SHARE = 0.8;

export interface SweepDeps {
  store: Pick<Store, "rooms" | "log" | "presence" | "leases">;
  config: Pick<ServerConfig, "retention" | "limits">;
  environment: Environment;
  time: Pick<TimeKeeper, "look" | "runningMs">;
  instance: string;
  onFailure: OnFailure;
}

export class Sweep {
  readonly #deps: SweepDeps;
  readonly #cancelNext: Cancel;
  #running = Promise.resolve();
  #closed = false;
  readonly #trimsWaiting = new Set<RoomId>();

  constructor(deps: SweepDeps) {
    this.#deps = deps;
    const { config: { retention }, environment: { timers, random } } = deps;
    // Instances that started together should not keep asking for the lease at the same time.
    const delayMs = () => retention.sweepEveryMs * (0.75 + random.fraction() / 2);
    this.#cancelNext = repeat(timers, delayMs, () => this.sweep());
  }

  /** Trims a busy room that exceeds its limit now, one room after another. */
  trimSoon(room: RoomId): void {
    if (this.#closed || this.#trimsWaiting.has(room) || this.#trimsWaiting.size >= TRIMS_WAITING_MAX) return;
    this.#trimsWaiting.add(room);
    this.#then(async () => {
      this.#trimsWaiting.delete(room);
      const { store: { log }, config: { retention, limits } } = this.#deps;
      const [[head], [age]] = await Promise.all([log.readHeads([room]), log.readAges([room])]);
      const freeTo = age !== undefined && age.epoch === head?.epoch ? age.proven : 0;
      await log.trim(room, retention.maxEvents, { freeTo, keepBytes: KEPT_SHARE * limits.roomBytes });
    });
  }

  /** Sweeps all rooms, if no other instance does. Resolves when done. */
  sweep(): Promise<void> {
    this.#then(() => this.#sweep());
    return this.#running;
  }

  /** Finishes the current room and stops. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelNext();
    await this.#running;
  }

  #then(work: () => Promise<void>): void {
    this.#running = this.#running.then(async () => {
      if (this.#closed) return;
      try {
        await work();
      } catch (error) {
        if (error instanceof StorageUnavailable) this.#deps.onFailure(error); // The next sweep continues.
        else this.#deps.environment.log(`the retention sweep failed: ${errorText(error)}`);
      }
    });
  }

  async #sweep(): Promise<void> {
    const { store, config: { retention }, environment: { clock }, time, instance } = this.#deps;
    const { maxEvents, maxAgeMs, idleRoomMs, heldMs, sweepEveryMs } = retention;
    const { nowMs, runningMs, plausible } = await time.look();
    if (!await store.leases.acquire("retention", instance, sweepEveryMs / 2, clock.now())) return;
    await store.rooms.finishRemovals();
    let after: RoomId | undefined;
    for (;;) {
      const rooms: readonly RoomInfo[] = await store.rooms.page(after, PAGE_ROOMS);
      const ids = rooms.map(({ id }) => id);
      const [heads, ages] = await Promise.all([store.log.readHeads(ids), store.log.readAges(ids)]);
      for (const [index, { id }] of rooms.entries()) {
        if (this.#closed) return;
        const head = heads[index];
        if (head === undefined) continue;
        // The heads were read before this, so their events were stored by then.
        const age = nextAge(ages[index], head, { runningMs, markMs: time.runningMs ?? runningMs, heldMs });
        if (age !== ages[index]) await store.log.writeAge(id, age);
        const old = { epoch: age.epoch, upTo: age.proven, beforeMs: nowMs - maxAgeMs };
        const keepBytes = KEPT_SHARE * this.#deps.config.limits.roomBytes;
        await store.log.trim(id, maxEvents, { old: plausible ? old : undefined, freeTo: age.proven, keepBytes });
        if (plausible && age.proven >= head.head && nowMs - head.lastAt > idleRoomMs) await this.#removeIfEmpty(id);
      }
      if (rooms.length < PAGE_ROOMS) return;
      after = rooms.at(-1)!.id;
    }
  }

  async #removeIfEmpty(room: RoomId): Promise<void> {
    const { store, environment: { clock } } = this.#deps;
    const [head, people] = await Promise.all([
      store.log.readHead(room),
      store.presence.read(room, clock.now()),
    ]);
    if (head !== undefined && head.oldest > head.head && people.length === 0) await store.rooms.remove(room);
  }
}

/**
 * A room's mark as it is now; the same one when nothing changed. The events that were in the log at a mark are proven
 * to be old once servers have run for `heldMs` since: `runningMs` by what all of them counted, `markMs` now, at the
 * latest.
 */
export function nextAge(
  before: AgeMark | undefined,
  { epoch, head }: Pick<LogHead, "epoch" | "head">,
  { runningMs, markMs, heldMs }: { runningMs: number; markMs: number; heldMs: number },
): AgeMark {
  let mark: AgeMark = before?.epoch === epoch ? before : { epoch, proven: 0 };
  const { next } = mark;
  if (next !== undefined && runningMs - next.runningMs >= heldMs) mark = { epoch, proven: next.position };
  // A mark from an uncounted time: of another database, or restored with an older one.
  else if (next !== undefined && next.runningMs > markMs) mark = { epoch, proven: mark.proven };
  if (mark.next !== undefined || head <= mark.proven) return mark;
  return { ...mark, next: { position: head, runningMs: markMs } };
}
