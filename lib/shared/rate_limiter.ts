/** The generic cell rate algorithm (ITU-T I.371): one number, the theoretical arrival time, is all there is to remember. */

/** `burst` tokens at once, then one per `everyMs`. */
export interface TokenRate {
  burst: number;
  everyMs: number;
}

/**
 * Takes `cost` tokens: the new theoretical arrival time, or how long to wait. What costs more than a whole burst is
 * let through by a full bucket, and paid for afterwards.
 */
export function takeTokens(
  tatMs: number,
  rate: TokenRate,
  cost: number,
  nowMs: number,
): { ok: true; tatMs: number } | { ok: false; retryAfterMs: number } {
  const from = Math.max(tatMs, nowMs);
  const ahead = from - nowMs;
  const allowed = Math.max(0, rate.burst - cost) * rate.everyMs;
  if (ahead > allowed) return { ok: false, retryAfterMs: Math.ceil(ahead - allowed) };
  return { ok: true, tatMs: from + cost * rate.everyMs };
}

/** A rate of one owner, kept in memory. */
export class TokenBucket {
  #tatMs = 0;
  constructor(readonly rate: TokenRate) {}

  /** Takes one token: undefined, or how long to wait, ms. */
  take(nowMs: number): number | undefined {
    const taken = takeTokens(this.#tatMs, this.rate, 1, nowMs);
    if (!taken.ok) return taken.retryAfterMs;
    this.#tatMs = taken.tatMs;
  }
}
