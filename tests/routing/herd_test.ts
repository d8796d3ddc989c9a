/** Ten thousand clients that lose the server together do not return together. */
import { assert } from "@std/assert";
import { isFailure, retryDelayMs } from "../../lib/routing/backoff.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { RateLimiter } from "../../lib/shared/rate_limiter.ts";
import { RetryScheduler } from "../../lib/server/limits/retry_scheduler.ts";
import { SeededRandom } from "../simulation/random.ts";

const CLIENTS = 10_000;
const SLOT_MS = 100;

/** An earlier policy, for comparison: a delay that grows to 8 s, plus up to 500 ms. */
const growingDelay: typeof retryDelayMs = ({ failures, retryAfterMs }, fraction) =>
  retryAfterMs ?? Math.min(8_000, 500 * 1.5 ** failures + fraction * 500);
/** An earlier hint, for comparison: always four seconds. */
const fixedHint = (_: number, fraction: number) => 250 + fraction * 4_000;

interface Herd {
  /** Most attempts within SLOT_MS after the server is back. */
  peak: number;
  allInMs: number;
  tries: number;
}

/** The server fails at 0 and is back at `backMs`; then it admits `perSlot` clients per 100 ms and refuses the rest. */
function herd(
  backMs: number,
  perSlot: number,
  delay: typeof retryDelayMs,
  hint: (now: number, f: number) => number,
): Herd {
  const random = new SeededRandom(1, "herd");
  const gate = new RateLimiter({ burst: perSlot, everyMs: SLOT_MS / perSlot });
  const due: { failures: number }[][] = [];
  const plan = (client: { failures: number }, at: number) => (due[Math.ceil(at)] ??= []).push(client);
  for (let count = 0; count < CLIENTS; count++) {
    plan({ failures: 1 }, Number(delay({ reason: "lost", failures: 0, wasStable: true }, random.fraction())));
  }
  const arrivals: number[] = [];
  let waiting = CLIENTS, tries = 0, now = 0;
  for (; waiting > 0 && now < 600_000; now++) {
    for (const client of due[now] ?? []) {
      tries++;
      const isBack = now >= backMs;
      if (isBack) arrivals[Math.floor(now / SLOT_MS)] = (arrivals[Math.floor(now / SLOT_MS)] ?? 0) + 1;
      if (isBack && gate.take(now) === 0) {
        waiting--;
        continue;
      }
      const lost = isBack
        ? {
          reason: "overloaded" as const,
          failures: client.failures,
          wasStable: false,
          retryAfterMs: hint(now, random.fraction()),
        }
        : { reason: "lost" as const, failures: client.failures, wasStable: false };
      if (isFailure(lost)) client.failures++;
      plan(client, now + Math.max(1, Number(delay(lost, random.fraction()))));
    }
    delete due[now];
  }
  return {
    peak: Math.max(...arrivals.map((count) => count ?? 0).filter((count) => count > 0)),
    allInMs: now - backMs,
    tries,
  };
}

const spreadHint = () => {
  const queue = new RetryScheduler(DEFAULT_CONFIG.closing);
  return (now: number, fraction: number) => queue.next(now, fraction);
};

Deno.test("herd: after an outage of 30 s, 10,000 clients return spread over the whole backoff interval", () => {
  const now = herd(30_000, CLIENTS, retryDelayMs, spreadHint());
  const before = herd(30_000, CLIENTS, growingDelay, spreadHint());
  // Measured: at most 254 within 100 ms, all in after 7.9 s; before 1,006.
  assert(now.peak <= 400, `${now.peak} within ${SLOT_MS} ms`);
  assert(before.peak > 400, `the bound says nothing: ${before.peak}`);
});

Deno.test("herd: a server that admits 100 per 100 ms spreads the others over time, and all are connected soon", () => {
  const now = herd(3_000, 100, retryDelayMs, spreadHint());
  const before = herd(3_000, 100, growingDelay, fixedHint);
  // Measured: at most 796 within 100 ms, all in after 10.4 s, where 10 s is the least; before 1,440 and 12.4 s.
  assert(now.peak <= 1_000 && now.allInMs <= 12_000, JSON.stringify(now));
  assert(before.peak > 1_000 && before.allInMs > 12_000, `the bounds say nothing: ${JSON.stringify(before)}`);
});

Deno.test("retries: each refused client returns later than the one before, and none waits forever", () => {
  const { minRetryMs, retrySpreadMs, maxRetryMs } = DEFAULT_CONFIG.closing;
  const queue = new RetryScheduler(DEFAULT_CONFIG.closing);
  const waits = Array.from({ length: CLIENTS }, () => queue.next(0, 0));
  assert(waits.every((wait, at) => at === 0 || wait > waits[at - 1]!));
  assert(waits[0]! < minRetryMs + 10 && waits.at(-1)! >= CLIENTS);
  const longest = minRetryMs + maxRetryMs + retrySpreadMs;
  for (let count = 0; count < 200_000; count++) assert(queue.next(0, 0.999) <= longest);
  // The schedule resets after a quiet time.
  assert(queue.next(maxRetryMs + 10, 0) < minRetryMs + 10);
});
