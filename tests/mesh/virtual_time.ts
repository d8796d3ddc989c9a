/** Virtual time without promises: nothing happens but by a step, and a step is one call. A million take a second or so. */
interface Task {
  at: number;
  /** Things due at the same ms keep their order. */
  order: number;
  run: (() => void) | undefined;
}

export class VirtualTime {
  /** A binary heap: the next task is the first. */
  readonly #heap: Task[] = [];
  #order = 0;
  steps = 0;

  constructor(public now = 0) {}

  after(delayMs: number, run: () => void): () => void {
    const task: Task = { at: this.now + Math.max(0, delayMs), order: this.#order++, run };
    const heap = this.#heap;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(task, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = task;
    return () => void (task.run = undefined);
  }

  /** Runs everything that is due within the next `durationMs`. */
  run(durationMs: number): void {
    const until = this.now + durationMs;
    for (let task = this.#heap[0]; task !== undefined && task.at <= until; task = this.#heap[0]) {
      this.#pop();
      if (task.run === undefined) continue;
      this.now = task.at;
      this.steps++;
      const { run } = task;
      task.run = undefined;
      run();
    }
    this.now = until;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
