// Runs in browser and server.
/**
 * The one rate limiter: the generic cell rate algorithm (ITU-T I.371). It remembers one number per owner, the
 * theoretical arrival time (TAT) of the next token.
 */
import { BoundedMap } from "./bounded.ts";

/** `burst` tokens at once, then one per `everyMs`. */
export interface RateLimit {
  burst: number;
  everyMs: number;
}

/** A rate limit that, once exceeded, allows nothing for `pauseMs`. */
export interface PausingRateLimit extends RateLimit {
  pauseMs: number;
}

/**
 * Takes `cost` tokens. Returns the new theoretical arrival time or the time to wait, both ms. A cost above the burst
 * passes when the bucket is full and delays later ones.
 */
export function takeTokens(
  tatMs: number,
  { burst, everyMs }: RateLimit,
  cost: number,
  nowMs: number,
): { ok: true; tatMs: number } | { ok: false; retryAfterMs: number } {
  const from = Math.max(tatMs, nowMs);
  const ahead = from - nowMs;
  const allowed = Math.max(0, burst - cost) * everyMs;
  if (ahead > allowed) return { ok: false, retryAfterMs: Math.ceil(ahead - allowed) };
  return { ok: true, tatMs: from + cost * everyMs };
}

/** The limit of one owner, in memory. */
export class RateLimiter {
  #tatMs = 0;

  /** `limit` may be replaced later; tokens taken before count against the new one. */
  constructor(public limit: RateLimit) {}

  /** Takes `cost` tokens. Returns 0, or the ms to wait before asking again. */
  take(nowMs: number, cost = 1): number {
    const taken = takeTokens(this.#tatMs, this.limit, cost, nowMs);
    if (!taken.ok) return taken.retryAfterMs;
    this.#tatMs = taken.tatMs;
    return 0;
  }

  /** The number of tokens available now. */
  left(nowMs: number): number {
    const { burst, everyMs } = this.limit;
    return Math.floor(burst - Math.max(0, this.#tatMs - nowMs) / everyMs);
  }
}

/** The same limit for each of a bounded number of keys. A dropped key starts again with a full burst. */
export class KeyedRateLimiter<Key> {
  readonly #limiters: BoundedMap<Key, RateLimiter>;

  constructor(readonly limit: RateLimit, maxKeys: number) {
    this.#limiters = new BoundedMap(maxKeys);
  }

  /** Takes one of the key's tokens. Returns 0, or the ms to wait. */
  take(key: Key, nowMs: number): number {
    let limiter = this.#limiters.get(key);
    if (limiter === undefined) this.#limiters.set(key, limiter = new RateLimiter(this.limit));
    return limiter.take(nowMs);
  }

  /** The number of the key's tokens available now. */
  left(key: Key, nowMs: number): number {
    return this.#limiters.get(key)?.left(nowMs) ?? this.limit.burst;
  }

  delete(key: Key): void {
    this.#limiters.delete(key);
  }
}
