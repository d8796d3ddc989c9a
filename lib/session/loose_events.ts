/**
 * Events that came from other phones and are not in the room's log, as far as this device knows. They are kept over reloads,
 * shown, carried to whoever lacks them, and sent to the server for their authors when nobody else does.
 */
import type { AuthorKey, Event, EventId, RoomId, WireEvent } from "../protocol/event.ts";
import type { SendFrame } from "../protocol/frames.ts";
import { type Refusal, REFUSALS } from "../protocol/codes.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import { FORWARD_AGAIN_MS, FORWARD_LEAST_MS, FORWARD_MAX_EVENTS, FORWARD_MOST_MS, LOOSE_MAX_EVENTS } from "./limits.ts";
import type { SessionStorage } from "./storage.ts";

export interface LooseEventsParts extends Pick<SessionDeps, "steady" | "timers" | "random"> {
  room: RoomId;
  storage(): SessionStorage | undefined;
  /** Gives a frame to the connection; false without one. */
  send(frame: SendFrame): boolean;
  log(line: string): void;
}

interface Loose {
  wire: WireEvent;
  author: AuthorKey;
  n: number;
  /** Not to be sent to the server before this, by the steady clock. */
  notBefore: number;
  /** Was sent over the connection that is open now. */
  sent?: boolean;
}

/** Changes are written together after this. */
const SAVE_AFTER_MS = 200;

export class LooseEvents {
  readonly #parts: LooseEventsParts;
  readonly #events = new Map<EventId, Loose>();
  #connected = false;
  #cancelForward: Cancel | undefined;
  #cancelSave: Cancel | undefined;
  #unsaved = new Map<EventId, WireEvent>();
  #dropped = new Set<EventId>();
  #disposed = false;

  constructor(parts: LooseEventsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#events.size;
  }

  has(id: EventId): boolean {
    return this.#events.has(id);
  }

  /** Wires of all, for those who want to carry them on. */
  get wires(): WireEvent[] {
    return [...this.#events.values()].map(({ wire }) => wire);
  }

  /** An event of somebody else, checked. `kept`: the device has it already. */
  add({ id, author, n, wire }: Pick<Event, "id" | "author" | "n" | "wire">, kept = false): void {
    if (this.#events.has(id)) return;
    this.#events.set(id, { wire, author, n, notBefore: this.#soon() });
    const [oldest] = this.#events.keys();
    if (this.#events.size > LOOSE_MAX_EVENTS && oldest !== undefined) this.#drop(oldest);
    if (!kept) {
      this.#unsaved.set(id, wire);
      this.#saveLater();
    }
    this.#forwardLater();
  }

  /** These are in the log. */
  stored(ids: Iterable<EventId>): void {
    for (const id of ids) if (this.#events.has(id)) this.#drop(id);
  }

  /** The server does not take one. What it never will is shown here and carried no further. */
  refused(id: EventId, reason: Refusal, retryAfterMs = 0): void {
    const loose = this.#events.get(id);
    if (loose === undefined) return;
    // What its author wrote before is missing: the author, or who has it, will bring it.
    if (reason === "missing_previous" || REFUSALS[reason] === "retriable") {
      loose.notBefore = this.#parts.steady.now() + Math.max(retryAfterMs, FORWARD_AGAIN_MS);
      this.#forwardLater();
    } else this.#drop(id);
  }

  connected(): void {
    this.#connected = true;
    // Their authors may be back as well: they come first.
    for (const loose of this.#events.values()) {
      loose.notBefore = this.#soon();
      loose.sent = false;
    }
    this.#forwardLater();
  }

  disconnected(): void {
    this.#connected = false;
    this.#cancelForward?.();
    this.#cancelForward = undefined;
  }

  /** Writes what the device does not have yet. Where the storage fails, the next change tries again. */
  async save(): Promise<void> {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    const storage = this.#parts.storage();
    if (storage === undefined || (this.#unsaved.size === 0 && this.#dropped.size === 0)) return;
    const [kept, dropped] = [this.#unsaved, this.#dropped];
    this.#unsaved = new Map();
    this.#dropped = new Set();
    try {
      await storage.changeLoose(this.#parts.room, kept, dropped);
    } catch (error) {
      this.#parts.log(`what other phones sent could not be kept: ${error}`);
      for (const [id, wire] of kept) if (this.#events.has(id)) this.#unsaved.set(id, wire);
      for (const id of dropped) this.#dropped.add(id);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.disconnected();
    this.#cancelSave?.();
  }

  #soon(): number {
    const { steady, random } = this.#parts;
    return steady.now() + FORWARD_LEAST_MS + random.fraction() * (FORWARD_MOST_MS - FORWARD_LEAST_MS);
  }

  #drop(id: EventId): void {
    this.#events.delete(id);
    if (!this.#unsaved.delete(id)) this.#dropped.add(id);
    this.#saveLater();
  }

  #saveLater(): void {
    if (!this.#disposed) this.#cancelSave ??= this.#parts.timers.after(SAVE_AFTER_MS, () => void this.save());
  }

  #forwardLater(): void {
    this.#cancelForward?.();
    this.#cancelForward = undefined;
    if (!this.#connected || this.#events.size === 0 || this.#disposed) return;
    const next = Math.min(...[...this.#events.values()].map(({ notBefore }) => notBefore));
    const delayMs = Math.max(0, next - this.#parts.steady.now());
    this.#cancelForward = this.#parts.timers.after(delayMs, () => this.#forward());
  }

  #forward(): void {
    this.#cancelForward = undefined;
    const now = this.#parts.steady.now();
    const dueN = new Map<AuthorKey, number>();
    for (const { author, n, notBefore } of this.#events.values()) {
      if (notBefore <= now) dueN.set(author, Math.max(n, dueN.get(author) ?? 0));
    }
    // What its author wrote before goes along, whatever its own time: the server takes no number before the last one.
    const due = [...this.#events.values()]
      .filter(({ author, n, notBefore, sent }) => notBefore <= now || (!sent && n < (dueN.get(author) ?? 0)))
      .sort((a, b) => a.author < b.author ? -1 : a.author > b.author ? 1 : a.n - b.n)
      .slice(0, FORWARD_MAX_EVENTS);
    const sent = due.length > 0 && this.#parts.send({ type: "send", events: due.map(({ wire }) => wire) });
    for (const loose of due) {
      loose.notBefore = now + (sent ? FORWARD_AGAIN_MS : FORWARD_LEAST_MS);
      loose.sent ||= sent;
    }
    this.#forwardLater();
  }
}
