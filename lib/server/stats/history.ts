/**
 * 24 hours of statistics of all instances, in the database. Each instance writes one record a minute, which lives an
 * hour, and one in ten minutes, which lives a day: 66 writes an hour and at most 204 records per instance, whatever the
 * number of rooms and people. Read only while somebody views it, and then only new records.
 */
import type { Cancel, Clock, Timers } from "../../shared/environment.ts";
import type { StatsGrain, StatsStore } from "../../store/operators/stats_history.ts";
import { type OnFailure, repeat } from "../environment.ts";
import { GAUGES } from "./figures.ts";
import type { ServerStats } from "./server_stats.ts";
import {
  add,
  byLabel,
  type Gauges,
  NO_TOTALS,
  readRecord,
  since,
  type StatsRecord,
  type Totals,
  writeRecord,
} from "./totals.ts";

const MINUTE_MS = 60_000;
const GRAIN_MS: Record<StatsGrain, number> = { minute: MINUTE_MS, ten_minutes: 10 * MINUTE_MS };
/** How far back each grain is read. */
export const KEPT_MS: Record<StatsGrain, number> = { minute: 60 * MINUTE_MS, ten_minutes: 24 * 60 * MINUTE_MS };
/** Records live somewhat longer than they are read: clocks of instances differ. */
const SPARE_MS = 10 * MINUTE_MS;
/** Most records that are read at once, the newest: 30 instances. With more, the oldest part of the history is missing. */
const READ_MAX: Record<StatsGrain, number> = { minute: 1_800, ten_minutes: 4_320 };
/** Records come at most this late. */
const LATE_MS = 3 * MINUTE_MS;
/** Own records that wait to be read back. A viewer reads every 15 s, so there is usually one. */
const UNREAD_MAX = 3;
/** An instance without a newer record is gone. */
const GONE_MS = 130_000;

/** The counts of all instances in one span of time. */
export interface Slot extends StatsRecord {
  instances: number;
}

export interface HistoryView {
  /** By minutes, oldest first, one hour, without the current minute. */
  minutes: readonly Slot[];
  /** By ten minutes, oldest first, 24 hours. */
  tens: readonly Slot[];
  /** The newest records of the other running instances. */
  others: readonly StatsRecord[];
  /** This instance's counts that no minute has yet: the current minute, and records not yet read back. */
  unseen: Totals;
}

export interface HistoryDeps {
  store: Pick<StatsStore, "write" | "read">;
  instance: string;
  stats: ServerStats;
  gauges(): Gauges;
  clock: Clock;
  timers: Timers;
  refreshMs: number;
  onFailure: OnFailure;
}

interface Stretch {
  /** The counts at its beginning. */
  from: Totals;
  at: number;
}

export class History {
  readonly #deps: HistoryDeps;
  readonly #stretches: Record<StatsGrain, Stretch>;
  readonly #slots: Record<StatsGrain, Map<number, Slot>> = { minute: new Map(), ten_minutes: new Map() };
  readonly #readTo: Record<StatsGrain, number> = { minute: -Infinity, ten_minutes: -Infinity };
  #others: readonly StatsRecord[] = [];
  /** Own minutes that were written and not yet read back. */
  #unread: readonly StatsRecord[] = [];
  /** The newest own minute that was read back. */
  #ownReadAt = -Infinity;
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;
  #writing = Promise.resolve();
  readonly #cancel: Cancel;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
    const at = deps.clock.now();
    this.#stretches = { minute: { from: NO_TOTALS, at }, ten_minutes: { from: NO_TOTALS, at } };
    // Just after each full minute of the wall clock, which instances share approximately.
    const delayMs = () => MINUTE_MS - (deps.clock.now() % MINUTE_MS) + 100;
    this.#cancel = repeat(deps.timers, delayMs, () => {
      this.#writing = this.#write("minute", false).then(() => this.#write("ten_minutes", false));
    });
  }

  /** This instance's counts since its last record. */
  get current(): Totals {
    return since(this.#stretches.minute.from, this.#deps.stats.totals());
  }

  /** The current history, read again when older than `refreshMs`. When the database fails, it stays as it was. */
  async view(): Promise<HistoryView> {
    const { clock, refreshMs } = this.#deps;
    if (clock.now() - this.#readAt >= refreshMs || clock.now() < this.#readAt) {
      await (this.#reading ??= this.#read().finally(() => this.#reading = undefined));
    }
    const sorted = (grain: StatsGrain) => [...this.#slots[grain].values()].sort((a, b) => a.at - b.at);
    // Assigned together, so that no record is counted twice or missed.
    return {
      minutes: sorted("minute"),
      tens: sorted("ten_minutes"),
      others: this.#others,
      unseen: this.#unread.reduce<Totals>(add, this.current),
    };
  }

  /** Writes the counts since the last records, and stops. */
  async close(): Promise<void> {
    this.#cancel();
    await this.#write("minute", true);
    await this.#write("ten_minutes", true);
  }

  // ---- writing ----

  /** The counts of a record that could not be written go into the next one. */
  async #write(grain: StatsGrain, ending: boolean): Promise<void> {
    const { store, instance, stats, gauges, clock, onFailure } = this.#deps;
    if (ending) await this.#writing;
    const now = clock.now();
    const stretch = this.#stretches[grain];
    const at = startOf(stretch.at, grain);
    if (!ending && now >= at && now - at < GRAIN_MS[grain]) return;
    const totals = stats.totals();
    const record: StatsRecord = {
      ...since(stretch.from, totals),
      at,
      forMs: Math.max(0, now - stretch.at),
      // An instance that ends has no people any more.
      gauges: ending ? {} : gauges(),
    };
    try {
      await store.write(grain, { at, instance, text: writeRecord(record) }, KEPT_MS[grain] + SPARE_MS);
    } catch (error) {
      return onFailure(error);
    }
    this.#stretches[grain] = { from: totals, at: now };
    if (grain === "minute" && at > this.#ownReadAt) this.#unread = [...this.#unread, record].slice(-UNREAD_MAX);
  }

  // ---- reading ----

  async #read(): Promise<void> {
    try {
      await Promise.all([this.#readGrain("minute"), this.#readGrain("ten_minutes")]);
      this.#readAt = this.#deps.clock.now();
    } catch (error) {
      this.#deps.onFailure(error);
    }
  }

  async #readGrain(grain: StatsGrain): Promise<void> {
    const { store, clock, instance } = this.#deps;
    const now = clock.now();
    const oldest = startOf(now - KEPT_MS[grain], grain);
    const from = Math.max(oldest, startOf(this.#readTo[grain] - LATE_MS, grain));
    const entries = await store.read(grain, from, READ_MAX[grain]);
    const slots = this.#slots[grain];
    const merged = new Map<number, Slot>();
    const others = new Map<string, StatsRecord>();
    for (const { at, instance: writer, text } of entries) {
      const record = readRecord(text);
      if (record === undefined) continue;
      merged.set(at, joined(merged.get(at), { ...record, at }));
      if (grain === "minute" && writer === instance) this.#ownReadAt = Math.max(this.#ownReadAt, at);
      // Newest first: an instance's first record is its newest.
      if (writer !== instance && !others.has(writer) && now - at - record.forMs < GONE_MS) others.set(writer, record);
    }
    for (const [at, slot] of merged) slots.set(at, slot);
    for (const at of slots.keys()) if (at < oldest) slots.delete(at);
    this.#readTo[grain] = now;
    // An ended instance left a last record without gauges.
    if (grain !== "minute") return;
    this.#others = [...others.values()].filter(({ gauges }) => gauges.users !== undefined);
    this.#unread = this.#unread.filter(({ at }) => at > this.#ownReadAt);
  }
}

function startOf(at: number, grain: StatsGrain): number {
  return Math.floor(at / GRAIN_MS[grain]) * GRAIN_MS[grain];
}

function joined(slot: Slot | undefined, record: StatsRecord): Slot {
  if (slot === undefined) return { ...record, instances: 1 };
  return {
    ...add(slot, record),
    at: slot.at,
    forMs: Math.max(slot.forMs, record.forMs),
    gauges: addGauges(slot.gauges, record.gauges),
    instances: slot.instances + 1,
  };
}

/** The sum of several instances' gauges. Rooms are not summed: all instances count the same database. */
export function addGauges(a: Gauges, b: Gauges): Gauges {
  return byLabel(GAUGES, (name, label) => {
    const x = a[name]?.[label], y = b[name]?.[label];
    if (x === undefined || y === undefined) return x ?? y;
    return name === "rooms" ? Math.max(x, y) : x + y;
  });
}
