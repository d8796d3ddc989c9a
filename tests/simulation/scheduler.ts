/**
 * Virtual time: one queue of tasks, run step by step. Between two steps every promise that can
 * settle has settled, as between two turns of an event loop. Tasks due at the same millisecond run in an order that the
 * seed decides, because real timers guarantee no order either.
 */
import type { Cancel, Timers } from "../../lib/shared/environment.ts";
import { setImmediate } from "node:timers";

import type { StoreTimers } from "../../lib/store/database.ts";
import { Heap } from "../support/heap.ts";
import type { SeededRandom } from "./random.ts";

interface Task {
  at: number;
  tie: number;
  /** Undefined once cancelled or run. */
  run: (() => void) | undefined;
}

/** Characters of a text in the trace: enough for a frame's type, a nonce and a first id. */
const NOTED_CHARS = 80;

export class Scheduler {
  readonly #random: SeededRandom;

  readonly #heap = new Heap(before);
  #now: number;
  #steps = 0;
  /** A running hash of all steps: two runs of one seed must agree on it. */
  #trace = 0;
  #error: { error: unknown } | undefined;

  constructor(random: SeededRandom, startAt: number) {
    this.#random = random;
    this.#now = startAt;
  }

  /** True time in ms since 1970; the clocks of machines may differ from it. */
  get now(): number {
    return this.#now;
  }

  get steps(): number {
    return this.#steps;
  }

  get trace(): number {
    return this.#trace;
  }

  /** Runs `run` once, `delayMs` from now. */
  after(delayMs: number, run: () => void): Cancel {
    if (Number.isNaN(delayMs)) throw new TypeError("a delay that is no number");
    const task: Task = { at: this.#now + Math.max(0, Math.ceil(delayMs)), tie: this.#random.uint32(), run };
    this.#heap.push(task);
    return () => void (task.run = undefined);
  }

  /** Mixes a text into the trace, by its length and first characters. */
  note(text: string): void {
    let trace = this.#trace ^ text.length;
    const end = Math.min(text.length, NOTED_CHARS);
    for (let at = 0; at < end; at++) trace = Math.imul(trace ^ text.charCodeAt(at), 0x01000193);
    this.#trace = trace >>> 0;
  }

  /** Ends the run at its next step with this error: the first one wins. */
  fail(error: unknown): void {
    this.#error ??= { error };
  }

  /** Runs all tasks due within the next `durationMs`, or until `done` returns true. */
  async run(durationMs: number, done: () => boolean = () => false): Promise<void> {
    const until = this.#now + durationMs;
    await drained();
    for (let task = this.#heap.first; task !== undefined && task.at <= until; task = this.#heap.first) {
      this.#heap.pop();
      if (task.run === undefined) continue;
      this.#now = task.at;
      this.#steps++;
      this.#trace = (Math.imul(this.#trace, 31) + task.at) >>> 0;
      const { run } = task;
      task.run = undefined;
      run();
      await drained();
      if (this.#error !== undefined) throw this.#error.error;
      if (done()) return;
    }
    this.#now = until;
  }
}

function before(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

/** Resolves when every promise that can settle has settled. */
export function drained(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => resolve()));
}

/**
 * A process that may die at any time: a server, a page. Its timers die with it. It may also
 * be frozen, as phones do with pages: then its timers fire late, all at once.
 */
export class Life {
  readonly #scheduler: Scheduler;
  readonly #clockOffsetMs: () => number;
  #dead = false;
  #frozen: (() => void)[] | undefined;

  /** `clockOffsetMs`: the current error of its clock. */
  constructor(scheduler: Scheduler, clockOffsetMs = () => 0) {
    this.#scheduler = scheduler;
    this.#clockOffsetMs = clockOffsetMs;
  }

  get dead(): boolean {
    return this.#dead;
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  readonly clock = { now: (): number => this.#scheduler.now + this.#clockOffsetMs() };

  readonly timers: Timers = {
    after: (delayMs, run) => {
      let cancelled = false;
      const cancel = this.#scheduler.after(delayMs, () => this.whenAwake(() => cancelled || run()));
      return () => {
        cancelled = true;
        cancel();
      };
    },
  };

  /** The same as `setTimeout` and `clearTimeout`. */
  readonly timeouts: StoreTimers = timeoutsOf(this.timers);

  /** Runs `run` now, on waking if frozen, or never if dead. */
  whenAwake(run: () => void): void {
    if (this.#dead) return;
    if (this.#frozen !== undefined) this.#frozen.push(run);
    else run();
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  /** A woken page runs its queue in order, one task per turn; new tasks wait behind it. */
  wake(): void {
    const late = this.#frozen;
    if (late === undefined) return;
    const next = () => {
      if (this.#frozen !== late) return;
      const run = late.shift();
      if (run === undefined) {
        this.#frozen = undefined;
        return;
      }
      run();
      this.#scheduler.after(0, next);
    };
    this.#scheduler.after(0, next);
  }

  kill(): void {
    this.#dead = true;
    this.#frozen = undefined;
  }
}

function timeoutsOf(timers: Timers): StoreTimers {
  const running = new Map<number, Cancel>();
  let last = 0;
  return {
    setTimeout(run, afterMs) {
      const id = ++last;
      running.set(
        id,
        timers.after(afterMs, () => {
          running.delete(id);
          run();
        }),
      );
      return id;
    },
    clearTimeout(id) {
      running.get(id)?.();
      running.delete(id);
    },
  };
}
