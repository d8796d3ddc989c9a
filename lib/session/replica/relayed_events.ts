/**
 * Events that came from other phones and are not in the room's log, as far as this device knows. They are kept over reloads,
 * shown, carried to whoever lacks them, and sent to the server for their authors when nobody else does.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { AuthorKey, Event, EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { SendFrame } from "../../protocol/frames.ts";
import { type Refusal, REFUSALS } from "../../protocol/codes.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import {
  FORWARD_AGAIN_MS,
  FORWARD_LEAST_MS,
  FORWARD_MAX_EVENTS,
  FORWARD_MOST_MS,
  LAZY_HELD_MS,
  RELAYED_MAX_EVENTS,
} from "../ports/session_limits.ts";
import type { SessionStorage } from "../ports/session_storage.ts";

export interface RelayedEventsDeps extends Pick<SessionDeps, "steady" | "timers" | "random"> {
  room: RoomId;
  storage: SessionStorage;
  /** Whether somebody has a connection to the server, as far as it tells. */
  present(author: AuthorKey): boolean;
  /** Gives a frame to the connection; false without one. */
  send(frame: SendFrame): boolean;
  /** The device keeps more than before. */
  onKept(): void;
  log(line: string): void;
}

/** What tabs tell each other when the relayed events of a room have changed in the storage. */
export const relayedTopic = (room: RoomId) => `relayed ${room}`;

interface Loose {
  wire: WireEvent;
  author: AuthorKey;
  n: number;
  /** Not to be sent to the server before this, by the steady clock. */
  notBefore: number;
  /** Was sent over the connection that is open now. */
  sent?: boolean;
}

/** Changes are written together after this: little, because a page may be closed at any moment. */
const SAVE_AFTER_MS = 20;

export class RelayedEvents {
  readonly #deps: RelayedEventsDeps;
  readonly #events = new Map<EventId, Loose>();
  /** Up to which number the log has each author's events: it takes none before the last one, so it has all up to it. */
  readonly #logN = new Map<AuthorKey, number>();
  #connected = false;
  #cancelForward: Cancel | undefined;
  #cancelSave: Cancel | undefined;
  #unsaved = new Map<EventId, WireEvent>();
  #dropped = new Set<EventId>();
  #disposed = false;

  constructor(deps: RelayedEventsDeps) {
    this.#deps = deps;
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
    if (this.#events.has(id) || n <= this.#inLog(author)) return;
    this.#events.set(id, { wire, author, n, notBefore: this.#soon(author) });
    const [oldest] = this.#events.keys();
    if (this.#events.size > RELAYED_MAX_EVENTS && oldest !== undefined) this.#drop(oldest);
    if (!kept) {
      this.#unsaved.set(id, wire);
      this.#saveLater();
    }
    this.#forwardLater();
  }

  /**
   * These are in the log, and so is what their authors wrote before. Returns what can never be: relayed events whose number
   * the log has given to another event of their author, who signed two with one number.
   */
  stored(events: readonly Pick<Event, "id" | "author" | "n">[]): EventId[] {
    const inLog = new Map(events.map(({ id, author, n }) => [`${author} ${n}`, id]));
    const lost = [...this.#events].filter(([id, { author, n }]) => (inLog.get(`${author} ${n}`) ?? id) !== id);
    this.#settle(events);
    return lost.map(([id]) => id);
  }

  /** Drops those that are old, and names them. */
  forget(isOld: (id: EventId) => boolean): EventId[] {
    const old = [...this.#events.keys()].filter(isOld);
    for (const id of old) this.#drop(id);
    return old;
  }

  acked(ids: Iterable<EventId>): void {
    this.#settle([...ids].flatMap((id) => this.#events.get(id) ?? []));
  }

  /** The server does not take one. What it never will is shown here and carried no further. */
  refused(id: EventId, reason: Refusal, retryAfterMs = 0, expectedN = 0): void {
    const relayed = this.#events.get(id);
    if (relayed === undefined) return;
    const { author } = relayed;
    if (reason === "missing_previous" && expectedN > 0 && !this.#logN.has(author)) {
      // It was asked by this one how far the log is: now the rest may go.
      this.#settle([{ author, n: expectedN - 1 }]);
      for (const other of this.#events.values()) if (other.author === author) other.notBefore = 0;
      relayed.sent = false;
      return this.#forwardLater();
    }
    // What its author wrote before is missing: the author, or who has it, will bring it.
    if (reason === "missing_previous" || REFUSALS[reason] === "retriable") {
      relayed.notBefore = this.#deps.steady.now() + Math.max(retryAfterMs, FORWARD_AGAIN_MS);
      this.#forwardLater();
    } else this.#drop(id);
  }

  connected(): void {
    this.#connected = true;
    // Their authors may be back as well: they come first.
    for (const relayed of this.#events.values()) {
      relayed.notBefore = this.#soon(relayed.author);
      relayed.sent = false;
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
    if (this.#unsaved.size === 0 && this.#dropped.size === 0) return;
    const [kept, dropped] = [this.#unsaved, this.#dropped];
    this.#unsaved = new Map();
    this.#dropped = new Set();
    try {
      await this.#deps.storage.changeRelayed(this.#deps.room, kept, dropped);
      if (kept.size > 0) this.#deps.onKept();
    } catch (error) {
      this.#deps.log(`what other phones sent could not be kept: ${error}`);
      for (const [id, wire] of kept) if (this.#events.has(id)) this.#unsaved.set(id, wire);
      for (const id of dropped) this.#dropped.add(id);
    }
  }

  /** The device keeps none of them any more. */
  notSaved(): void {
    for (const [id, { wire }] of this.#events) this.#unsaved.set(id, wire);
    this.#saveLater();
  }

  dispose(): void {
    this.#disposed = true;
    this.disconnected();
    this.#cancelSave?.();
  }

  #settle(events: readonly Pick<Event, "author" | "n">[]): void {
    for (const { author, n } of events) this.#logN.set(author, Math.max(n, this.#inLog(author)));
    for (const [id, { author, n }] of this.#events) if (n <= this.#inLog(author)) this.#drop(id);
  }

  #inLog(author: AuthorKey): number {
    return this.#logN.get(author) ?? 0;
  }

  #soon(author: AuthorKey): number {
    const { steady, random, present } = this.#deps;
    // Who is here sends it, and may have reason not to do so at once.
    return steady.now() + (present(author) ? LAZY_HELD_MS : 0) + FORWARD_LEAST_MS +
      random.fraction() * (FORWARD_MOST_MS - FORWARD_LEAST_MS);
  }

  #drop(id: EventId): void {
    this.#events.delete(id);
    if (!this.#unsaved.delete(id)) this.#dropped.add(id);
    this.#saveLater();
  }

  #saveLater(): void {
    if (!this.#disposed) this.#cancelSave ??= this.#deps.timers.after(SAVE_AFTER_MS, () => void this.save());
  }

  #forwardLater(): void {
    this.#cancelForward?.();
    this.#cancelForward = undefined;
    if (!this.#connected || this.#events.size === 0 || this.#disposed) return;
    const next = Math.min(...[...this.#events.values()].map(({ notBefore }) => notBefore));
    const delayMs = Math.max(0, next - this.#deps.steady.now());
    this.#cancelForward = this.#deps.timers.after(delayMs, () => this.#forward());
  }

  #forward(): void {
    this.#cancelForward = undefined;
    const now = this.#deps.steady.now();
    const all = [...this.#events.values()];
    const authors = new Set(all.filter(({ notBefore }) => notBefore <= now).map(({ author }) => author));
    /** The highest number of each author that goes now. What its author wrote before goes along, whatever its own time. */
    const upTo = new Map<AuthorKey, number>();
    for (const { author, n, notBefore } of all) {
      // Where an author's place in the log is not known, the newest event alone asks for it: the log may have them all.
      if (notBefore <= now || (authors.has(author) && !this.#logN.has(author))) {
        upTo.set(author, Math.max(n, upTo.get(author) ?? 0));
      }
    }
    const due = all.filter(({ author, n, notBefore, sent }) => {
      const last = upTo.get(author) ?? 0;
      return this.#logN.has(author) ? n <= last && (!sent || notBefore <= now) : n === last;
    }).sort((a, b) => a.author < b.author ? -1 : a.author > b.author ? 1 : a.n - b.n).slice(0, FORWARD_MAX_EVENTS);
    const sent = due.length > 0 && this.#deps.send({ type: "send", events: due.map(({ wire }) => wire) });
    const again = now + (sent ? FORWARD_AGAIN_MS : FORWARD_LEAST_MS);
    const asked = new Set(due.filter(({ author }) => !this.#logN.has(author)).map(({ author }) => author));
    for (const relayed of all) if (asked.has(relayed.author)) relayed.notBefore = again;
    for (const relayed of due) {
      relayed.notBefore = again;
      relayed.sent ||= sent;
    }
    this.#forwardLater();
  }
}
