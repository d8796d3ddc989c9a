/** Measures the load of an instance from the runtime: its event loop's delay, its thread's CPU time, its memory. */
import process from "node:process";
import { getHeapStatistics } from "node:v8";
import type { LoadSignals, StoreLoad, TimerDelays } from "./overload.ts";

/** The runtime's measurements; the real ones are the defaults. */
export interface LoadProbes {
  /** CPU time of this thread so far, ms; always 0 where the runtime has no figure, as Deno 2.5. Late timers count anyway. */
  threadCpuMs(): number;
  /** A monotonic clock, ms. */
  steadyNow(): number;
  /** Bytes of the heap in use, and the limit at which the process ends. */
  heap(): { usedBytes: number; limitBytes: number };
  /** The process's bytes in RAM. */
  residentBytes(): number;
}

/** Weight of the newest value: after four measurements, two thirds of the average are new. */
const NEWEST_WEIGHT = 0.25;
/** More tells no more. */
const MAX_STORE_MS = 10_000;

const realProbes: LoadProbes = {
  threadCpuMs: () => {
    if (typeof process.threadCpuUsage !== "function") return 0;
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  },
  steadyNow: () => performance.now(),
  heap: () => {
    const { used_heap_size, heap_size_limit } = getHeapStatistics();
    return { usedBytes: used_heap_size, limitBytes: heap_size_limit };
  },
  residentBytes: () => Deno.memoryUsage().rss,
};

/** Smooths over about a second, so that one long turn of the event loop is no overload. */
export class LoadMeter {
  readonly #probes: LoadProbes;
  readonly #memoryBytes: number;
  #lagMs = 0;
  #busyShare = 0;
  #storeMs = 0;
  #cpuMs: number;
  #at: number;

  /** `memoryBytes`: RAM that the process may use; Infinity: only the heap's own limit counts. */
  constructor(memoryBytes: number, probes: LoadProbes = realProbes) {
    this.#probes = probes;
    this.#memoryBytes = memoryBytes;
    this.#cpuMs = probes.threadCpuMs();
    this.#at = probes.steadyNow();
  }

  measure(timers: TimerDelays, store: StoreLoad): LoadSignals {
    const { threadCpuMs, steadyNow, heap, residentBytes } = this.#probes;
    const cpuMs = threadCpuMs(), at = steadyNow();
    const wallMs = at - this.#at;
    const cpuShare = wallMs > 0 ? Math.min(1, (cpuMs - this.#cpuMs) / wallMs) : 0;
    const busyShare = Math.max(cpuShare, timers.lateShare);
    this.#cpuMs = cpuMs;
    this.#at = at;
    this.#lagMs += (timers.lagMs - this.#lagMs) * NEWEST_WEIGHT;
    this.#busyShare += (busyShare - this.#busyShare) * NEWEST_WEIGHT;
    // A clock that was set during a commit must not distort the average for long.
    this.#storeMs += (Math.min(store.storeMs, MAX_STORE_MS) - this.#storeMs) * NEWEST_WEIGHT;
    const { usedBytes, limitBytes } = heap();
    const memoryShare = Math.max(usedBytes / limitBytes, residentBytes() / this.#memoryBytes);
    const { queueShare } = store;
    return { lagMs: this.#lagMs, busyShare: this.#busyShare, queueShare, storeMs: this.#storeMs, memoryShare };
  }
}
