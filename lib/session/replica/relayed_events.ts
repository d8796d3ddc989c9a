/**
 * Events that other phones sent over links and that the room's log, as far as this device knows, does not have. They
 * are stored, shown, passed on to phones that lack them, and sent to the server when their authors do not do it.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { AuthorKey, EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
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

export interface RelayedEventsDeps extends Pick<SessionDeps, "steady" | "timers" | "random" | "storage" | "log"> {
  room: RoomId;
  /** Whether this author has a connection to the server, as far as the server reported. */
  present(author: AuthorKey): boolean;
  /** Returns false without a connection. */
  send(frame: ClientFrame<"send">): boolean;
  /** The storage has more events than before. */
  onKept(): void;
}

/** The topic that tabs use when the stored relayed events of a room changed. */
export const relayedTopic = (room: RoomId) => `relayed ${room}`;

interface RelayedEvent {
  wire: WireEvent;
  author: AuthorKey;
  n: number;
  /** Earliest time for sending it to the server, by the steady clock. */
  notBefore: number;
  /** Was sent over the current connection. */
  sent?: boolean;
}

/** Changes are written together after this. It is short because a page may be closed at any moment. */
const SAVE_AFTER_MS = 20;

export class RelayedEvents {
  readonly #deps: RelayedEventsDeps;
  readonly #events = new Map<EventId, RelayedEvent>();
  /**
   * The highest number of each author in the log. The log takes an author's events in order, so it has all up to it.
   */
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

  has(id: EventId): boolean {
    return this.#events.has(id);
  }

  /** All events as they were signed. */
  get wires(): WireEvent[] {
    return [...this.#events.values()].map(({ wire }) => wire);
  }

  /** Adds a verified event of somebody else. `kept`: the storage has it already. */
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
   * These events are in the log, and so are all earlier ones of their authors. Returns the ids of relayed events that
   * can never be stored: their author signed two events with one number, and the log has the other one.
   */
  stored(events: readonly Pick<Event, "id" | "author" | "n">[]): EventId[] {
    const inLog = new Map(events.map(({ id, author, n }) => [`${author} ${n}`, id]));
    const lost = [...this.#events].filter(([id, { author, n }]) => (inLog.get(`${author} ${n}`) ?? id) !== id);
    this.#settle(events);
    return lost.map(([id]) => id);
  }

  /** Drops the old ones and returns their ids. */
  forget(isOld: (id: EventId) => boolean): EventId[] {
    const old = [...this.#events.keys()].filter(isOld);
    for (const id of old) this.#drop(id);
    return old;
  }

  acked(ids: Iterable<EventId>): void {
    this.#settle([...ids].flatMap((id) => this.#events.get(id) ?? []));
  }

  /** The server refused an event. One that it refuses for good stays on the screen and is no longer passed on. */
  refused(id: EventId, reason: Refusal, retryAfterMs = 0, expectedN = 0): void {
    const relayed = this.#events.get(id);
    if (relayed === undefined) return;
    const { author } = relayed;
    if (reason === "missing_previous" && expectedN > 0 && !this.#logN.has(author)) {
      // This event probed how far the log is; the rest may be sent now.
      this.#settle([{ author, n: expectedN - 1 }]);
      for (const other of this.#events.values()) if (other.author === author) other.notBefore = 0;
      relayed.sent = false;
      return this.#forwardLater();
    }
    // An earlier event of its author is missing; the author or another phone will send it.
    if (reason === "missing_previous" || REFUSALS[reason] === "retriable") {
      relayed.notBefore = this.#deps.steady.now() + Math.max(retryAfterMs, FORWARD_AGAIN_MS);
      this.#forwardLater();
    } else this.#drop(id);
  }

  connected(): void {
    this.#connected = true;
    // The authors may be online again too; they go first.
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

  /** Writes the changes. After a failure the next change tries again. */
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
      this.#deps.log(`relayed events: not stored: ${error}`);
      for (const [id, wire] of kept) if (this.#events.has(id)) this.#unsaved.set(id, wire);
      for (const id of dropped) this.#dropped.add(id);
    }
  }

  /** The storage was cleared: writes everything again. */
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
    // An author who is online sends it, perhaps with a delay.
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
    /** The highest number of each author to send now. Earlier events of the author go along, whatever their time. */
    const upTo = new Map<AuthorKey, number>();
    for (const { author, n, notBefore } of all) {
      // With the author's place in the log unknown, only the newest event is sent as a probe: the log may have all of them.
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
