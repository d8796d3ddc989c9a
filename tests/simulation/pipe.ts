/** One direction of a connection with TCP's guarantees: the received data is a prefix of the sent data, in order. */
import type { SeededRandom } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** The quality of a connection; drawn per connection. */
export interface LineQuality {
  latencyMs: number;
  jitterMs: number;
  /** Bytes per ms from server to client; Infinity: no limit. */
  downBytesPerMs: number;
}

/** One connection of any transport. */
export interface Line {
  /** Neither end knows of its end. */
  readonly open: boolean;
  /** Blocks or resumes both directions. Several causes may block it at once. */
  stall(why: string, stalled: boolean): void;
  /** Breaks it. Each end learns of it soon, late, or only by its own timeout. */
  cut(): void;
}

/** Connections that may be open. Closed ones are dropped eventually. */
export class Lines<Kind extends Line = Line> {
  #lines: Kind[] = [];
  #forgetAt = 16;

  add(line: Kind): void {
    this.#lines.push(line);
    if (this.#lines.length < this.#forgetAt) return;
    this.#lines = this.open;
    this.#forgetAt = 16 + 2 * this.#lines.length;
  }

  get open(): Kind[] {
    return this.#lines.filter(({ open }) => open);
  }

  cut(): void {
    for (const line of this.#lines) line.cut();
    this.#lines = [];
  }
}

/** One direction of a connection. */
export class Pipe<Data extends { readonly length: number } = string> {
  readonly #queue: { data: Data | undefined; end: (() => void) | undefined }[] = [];
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #quality: LineQuality;
  readonly #bytesPerMs: number;
  readonly #deliver: (data: Data) => void;
  /** The number of frames in flight so far, and of the last one that will still arrive. */
  #sent = 0;
  #arrivesUpTo = Infinity;
  #lastArrivalAt = 0;
  #queuedBytes = 0;
  #transmitting = false;
  readonly #stalls = new Set<string>();
  #cut = false;

  constructor(
    scheduler: Scheduler,
    random: SeededRandom,
    quality: LineQuality,
    bytesPerMs: number,
    deliver: (data: Data) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#quality = quality;
    this.#bytesPerMs = bytesPerMs;
    this.#deliver = deliver;
  }

  /** Buffered bytes. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(data: Data): void {
    if (this.#cut) return;
    this.#queue.push({ data, end: undefined });
    this.#queuedBytes += data.length;
    this.#transmit();
  }

  /** Calls `end` when everything sent before has arrived. */
  finish(end: () => void): void {
    if (this.#cut) return;
    this.#queue.push({ data: undefined, end });
    this.#transmit();
  }

  /** Blocks until no cause is left; buffered data continues then, as in TCP. */
  stall(why: string, stalled: boolean): void {
    if (stalled) this.#stalls.add(why);
    else if (this.#stalls.delete(why)) this.#transmit();
  }

  /** Loses buffered data; a prefix of the data in flight may still arrive. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#arrivesUpTo = this.#random.chance(0.5) ? 0 : this.#random.between(0, this.#sent);
  }

  #transmit(): void {
    while (this.#stalls.size === 0 && !this.#transmitting && !this.#cut) {
      const next = this.#queue[0];
      if (next === undefined) return;
      if (this.#bytesPerMs === Infinity) {
        this.#launch();
        continue;
      }
      this.#transmitting = true;
      this.#scheduler.after((next.data?.length ?? 0) / this.#bytesPerMs, () => {
        this.#transmitting = false;
        if (this.#cut) return;
        this.#launch();
        this.#transmit();
      });
    }
  }

  #launch(): void {
    const { data, end } = this.#queue.shift()!;
    this.#queuedBytes -= data?.length ?? 0;
    const number = ++this.#sent;
    const { latencyMs, jitterMs } = this.#quality;
    const arrivesAt = Math.max(
      this.#lastArrivalAt + 1,
      this.#scheduler.now + latencyMs + this.#random.between(0, jitterMs),
    );
    this.#lastArrivalAt = arrivesAt;
    this.#scheduler.after(arrivesAt - this.#scheduler.now, () => {
      if (number > this.#arrivesUpTo) return;
      if (data !== undefined) this.#deliver(data);
      end?.();
    });
  }
}
