/** Rates counted over all instances, by the generic cell rate algorithm (ITU-T I.371) with a pause on top. */
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";
import { type PausingRateLimit, takeTokens } from "../../shared/rate_limiter.ts";

/** Value of the key `limit`. */
export interface Allowance {
  /** Theoretical arrival time, server's clock, ms. */
  tatMs: number;
  /** Nothing is allowed before this, server's clock, ms; 0 when there is no pause. */
  pausedUntil: number;
}

/** Takes that may wait for the database on one key; further ones are refused at once. */
const TAKES_WAITING_MAX = 10_000;
/** Lost races with other instances after which takes are refused: a limit fails closed. */
const RACES_MAX = 20;

interface Take {
  rate: PausingRateLimit;
  nowMs: number;
  resolve(waitMs: number | undefined): void;
  reject(error: unknown): void;
}

/** Takes one from `allowance`. Returns the rest, and the wait in ms when there was nothing to take. */
function takeOne(
  allowance: Allowance | undefined,
  limit: PausingRateLimit,
  nowMs: number,
): { allowance: Allowance; waitMs?: number } {
  const { burst, everyMs, pauseMs } = limit;
  // An arrival time further ahead than a whole burst came from an instance with a fast clock.
  const tatMs = Math.min(allowance?.tatMs ?? 0, nowMs + burst * everyMs);
  const pausedUntil = Math.min(allowance?.pausedUntil ?? 0, nowMs + pauseMs);
  if (pausedUntil > nowMs) return { allowance: { tatMs, pausedUntil }, waitMs: pausedUntil - nowMs };
  const taken = takeTokens(tatMs, limit, 1, nowMs);
  if (taken.ok) return { allowance: { tatMs: taken.tatMs, pausedUntil: 0 } };
  const { retryAfterMs } = taken;
  if (pauseMs <= retryAfterMs) return { allowance: { tatMs, pausedUntil: 0 }, waitMs: retryAfterMs };
  return { allowance: { tatMs, pausedUntil: nowMs + pauseMs }, waitMs: pauseMs };
}

export class LimitStore {
  /** Waiting takes of this instance, by key. All that wait when a commit begins share it. */
  readonly #waiting = new Map<string, Take[]>();

  constructor(private readonly database: Database) {}

  /**
   * Takes one from the allowance of `who` for `what`, counted over all instances. Returns undefined when allowed, else the
   * wait in ms; a refused try does not lengthen the wait.
   */
  take(what: string, who: string, rate: PausingRateLimit, nowMs: number): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const name = JSON.stringify([what, who]);
      const take: Take = { rate, nowMs, resolve, reject };
      const waiting = this.#waiting.get(name);
      if (!waiting) {
        this.#waiting.set(name, [take]);
        void this.#serve(name, keys.limit(what, who));
      } else if (waiting.length < TAKES_WAITING_MAX) {
        waiting.push(take);
      } else {
        resolve(Math.max(rate.everyMs, rate.pauseMs));
      }
    });
  }

  /** Serves the takes of one key, batch after batch, until none waits. */
  async #serve(name: string, key: Deno.KvKey): Promise<void> {
    for (;;) {
      const batch = this.#waiting.get(name) ?? [];
      if (batch.length === 0) return void this.#waiting.delete(name);
      this.#waiting.set(name, []);
      try {
        const waits = await this.#takeAll(key, batch);
        batch.forEach((take, at) => take.resolve(waits[at]));
      } catch (error) {
        for (const take of batch) take.reject(error);
      }
    }
  }

  async #takeAll(key: Deno.KvKey, batch: readonly Take[]): Promise<(number | undefined)[]> {
    for (let race = 0; race < RACES_MAX; race++) {
      const before = await this.database.get<Allowance>(key);
      let allowance = before.value ?? undefined, changed = false, endsAt = 0;
      const waits = batch.map(({ rate, nowMs }) => {
        const taken = takeOne(allowance, rate, nowMs);
        // A refusal only counts when it begins a pause: a refused try never lengthens the wait.
        if (taken.waitMs === undefined || taken.allowance.pausedUntil !== (allowance?.pausedUntil ?? 0)) changed = true;
        allowance = taken.allowance;
        endsAt = Math.max(allowance.tatMs, allowance.pausedUntil) - nowMs;
        return taken.waitMs;
      });
      if (!changed) return waits;
      const versionstamp = await this.database.commit((atomic) => {
        atomic.check({ key, versionstamp: before.versionstamp });
        atomic.set(key, allowance, { expireIn: Math.ceil(endsAt) });
      });
      if (versionstamp !== undefined) return waits;
    }
    return batch.map(({ rate }) => Math.max(rate.everyMs, rate.pauseMs));
  }
}
