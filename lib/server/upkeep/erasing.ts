/** Removes deleted words from the embedded database's file: SQLite only marks their place as free. */
import type { Cancel } from "../../shared/environment.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { PendingErasures } from "../../store/erasures.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import { errorText } from "../logger.ts";
import type { DiskMeasure } from "./disk_space.ts";

/** How often to look for deleted words. */
const LOOK_EVERY_MS = 1_000;
/** Shortest time from one erasure to the next: after a deletion by people, and after one by retention. */
const SOON_GAP_MS = 5_000;
const LATER_GAP_MS = 3_600_000;
/** The next one waits for this many times as long as the last one took: others wait 2 % of the time at most. */
const GAP_PER_DURATION = 50;
/** Larger databases are only erased at a start: other calls wait meanwhile, 0.8 s for this size on a fast disk. */
export const ERASED_WHILE_RUNNING_MAX_BYTES = 128 * 1_048_576;
/** SQLite writes all rows to a temporary file, and all pages to its log, some of them twice. */
const NEEDED_SPACE = 3;
const LEASE_MS = 60_000;

export interface ErasingDeps {
  store: Pick<Store, "erasures" | "leases">;
  environment: Environment;
  /** The name of this process: one of its workers erases. A dead process has another one. */
  process: string;
  instance: string;
  /** Writes the file anew without what was deleted. */
  erase(): Promise<void>;
  disk(): DiskMeasure | undefined;
}

export class Erasing {
  #erasedAt = -Infinity;
  #durationMs = 0;
  #cancel: Cancel | undefined;
  #running = Promise.resolve();
  #closed = false;
  /** Logged once, until an erasure works. */
  #failed = false;

  constructor(private readonly deps: ErasingDeps) {}

  /** Erases what was left by the run before, whatever it takes, and begins to look. */
  async start(): Promise<void> {
    await this.#then(() => this.#look({ maxBytes: Infinity, soonGapMs: 0 }));
    this.#later();
  }

  /** Erases what people deleted since, unless the database is too large for that. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#then(() => this.#look({ maxBytes: ERASED_WHILE_RUNNING_MAX_BYTES, soonGapMs: 0 }));
  }

  #later(): void {
    if (this.#closed) return;
    this.#cancel = this.deps.environment.timers.after(LOOK_EVERY_MS, async () => {
      await this.#then(() =>
        this.#look({
          maxBytes: ERASED_WHILE_RUNNING_MAX_BYTES,
          soonGapMs: Math.max(SOON_GAP_MS, GAP_PER_DURATION * this.#durationMs),
        })
      );
      this.#later();
    });
  }

  #then(work: () => Promise<void>): Promise<void> {
    return this.#running = this.#running.then(work).catch((error) => {
      if (!this.#failed) this.deps.environment.log(`deleted messages were not erased yet: ${errorText(error)}`);
      this.#failed = true;
    });
  }

  async #look({ maxBytes, soonGapMs }: { maxBytes: number; soonGapMs: number }): Promise<void> {
    const { store, environment: { clock }, process, instance, disk, erase } = this.deps;
    const { free = Infinity, database = 0 } = disk() ?? {};
    if (database > maxBytes) return;
    const pending = await store.erasures.pending();
    const sinceMs = clock.now() - this.#erasedAt;
    if (!isDue(pending, sinceMs < 0 ? Infinity : sinceMs, soonGapMs)) return;
    if (free < NEEDED_SPACE * database) throw new StorageUnavailable("the disk has too little space for it");
    if (!await store.leases.acquire(`erasing ${process}`, instance, LEASE_MS, clock.now())) return;
    // Also a failure is not tried again at once.
    const startedAt = this.#erasedAt = clock.now();
    await erase();
    this.#erasedAt = clock.now();
    this.#durationMs = Math.max(0, this.#erasedAt - startedAt);
    await store.erasures.done(pending);
    this.#failed = false;
  }
}

/** Whether to erase now, `sinceMs` after the last time. */
export function isDue({ soon, later }: PendingErasures, sinceMs: number, soonGapMs: number): boolean {
  return soon !== null && sinceMs >= soonGapMs || later !== null && sinceMs >= LATER_GAP_MS;
}
