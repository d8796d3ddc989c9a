/**
 * The workers of one process (`deno serve --parallel`), each an instance of its own: the first one to stop must not end the
 * process under the others. They know each other by a channel that all workers of a process share.
 */
import type { Timers } from "../shared/environment.ts";
import { inTime } from "./environment.ts";

/** Messages on the channel. `here`: this worker runs; `done`: it has stopped. */
export interface WorkerMessage {
  type: "here" | "done";
  name: string;
}

/** The used part of a BroadcastChannel. Events carry a WorkerMessage as `data`. */
export interface WorkerChannel {
  postMessage(message: WorkerMessage): void;
  onmessage: (event: MessageEvent) => void;
  close(): void;
}

export class WorkerGroup {
  readonly #channel: WorkerChannel;
  readonly #name: string;
  /** The other running workers; at most one per core. */
  readonly #running = new Set<string>();
  readonly #allDone = Promise.withResolvers<void>();
  #done = false;

  /** `name`: unlike any other instance's. */
  constructor(channel: WorkerChannel, name: string) {
    this.#channel = channel;
    this.#name = name;
    channel.onmessage = ({ data }) => this.#hear(data);
    channel.postMessage({ type: "here", name });
  }

  /** Announces that this worker has stopped. Resolves when every other one has too, or after `graceMs`. */
  async done(timers: Timers, graceMs: number): Promise<void> {
    this.#done = true;
    this.#channel.postMessage({ type: "done", name: this.#name });
    this.#look();
    await inTime(timers, graceMs, this.#allDone.promise);
    this.#channel.close();
  }

  #hear({ type, name }: WorkerMessage): void {
    if (type === "done") this.#running.delete(name);
    else if (!this.#running.has(name)) {
      this.#running.add(name);
      if (!this.#done) this.#channel.postMessage({ type: "here", name: this.#name });
    }
    this.#look();
  }

  #look(): void {
    if (this.#done && this.#running.size === 0) this.#allDone.resolve();
  }
}

/** The channel of this process. Node's BroadcastChannel reaches all workers, and needs no flag of Deno's. */
export async function workerChannel(): Promise<WorkerChannel> {
  const { BroadcastChannel } = await import("node:worker_threads");
  // Its types are those of Node, whose events are the same.
  return new BroadcastChannel("festival-chat instances") as unknown as WorkerChannel;
}
