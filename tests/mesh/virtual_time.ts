/** Virtual time without promises: each step is one callback. A million steps take about a second. */
import { Heap } from "../support/heap.ts";

interface Task {
  at: number;
  /** Tasks due at the same ms keep their order. */
  order: number;
  run: (() => void) | undefined;
}

export class VirtualTime {
  readonly #heap = new Heap(before);
  #order = 0;
  steps = 0;

  constructor(public now = 0) {}

  after(delayMs: number, run: () => void): () => void {
    const task: Task = { at: this.now + Math.max(0, delayMs), order: this.#order++, run };
    this.#heap.push(task);
    return () => void (task.run = undefined);
  }

  /** Runs all tasks due within the next `durationMs`. */
  run(durationMs: number): void {
    const until = this.now + durationMs;
    for (let task = this.#heap.first; task !== undefined && task.at <= until; task = this.#heap.first) {
      this.#heap.pop();
      if (task.run === undefined) continue;
      this.now = task.at;
      this.steps++;
      const { run } = task;
      task.run = undefined;
      run();
    }
    this.now = until;
  }
}

function before(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
