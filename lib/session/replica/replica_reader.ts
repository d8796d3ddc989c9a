/**
 * This device's copy of a room's log: which positions it has and which are missing. Frames pass in order, and the
 * position advances only over verified events, shown or not.
 */
import type { AuthorKey, EventId, RoomId } from "../../protocol/event.ts";
import { LATEST_EVENTS } from "../../protocol/limits.ts";
import type { LogEntry } from "../../protocol/stub.ts";
import { type DeletedEvent, isMessage, type LogEvent, readEntry } from "../../kinds/kinds.ts";
import type { LogPosition, ServerFrame } from "../../protocol/frames.ts";
import type { TimelineGap } from "../../chat/timeline.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import {
  CHECKING_TURN_MS,
  CHECKS_AT_ONCE,
  LINES_MAX_PAGES,
  MEMORY_MAX_EVENTS,
  OLDER_EVENTS,
  UNCHECKED_MAX_EVENTS,
} from "../ports/session_limits.ts";
import { clipped, holes, nextOlder, type Ranges, withoutRange, withRange } from "./ranges.ts";
import type { EventVerifier } from "./event_verifier.ts";
import type { Replica, ReplicaEvent } from "../ports/session_storage.ts";

export interface ReplicaReaderDeps extends Pick<SessionDeps, "steady" | "timers" | "log"> {
  room: RoomId;
  verifier: Pick<EventVerifier, "verify">;
  /** Verified events by position, in the order of the log, known ones included. */
  onEvents(events: ReadonlyMap<number, LogEvent>): void;
  /** The log was renumbered: only these events keep their positions. */
  onRenumbered(held: ReadonlyMap<number, LogEvent>): void;
  /** The copy, or what it lacks, has changed. */
  onChange(): void;
  /** Older events may be wanted: ask `takeRequest`. */
  onWanted(): void;
}

/**
 * Older pages are requested until there are this many lines, with `pages` at most; the next one has up to `limit`
 * events.
 */
interface LinesWanted {
  lines: number;
  pages: number;
  limit: number;
}

type Older = { state: "idle" | "wanted" } | { state: "asked"; before: number };

export class ReplicaReader {
  readonly #deps: ReplicaReaderDeps;
  #epoch: string | undefined;
  #ranges: Ranges = [];
  #oldest = 1;
  /** Events by position. */
  readonly #events = new Map<number, LogEvent>();
  /** First position of the next `events` frame of this connection. */
  #next = 0;
  /** This connection has to deliver everything up to here. */
  #due = Infinity;
  /** Counts connections: unverified events of an old one are dropped. */
  #connection = 0;
  #checking: Promise<void> = Promise.resolve();
  #unchecked = 0;
  #older: Older = { state: "idle" };
  #linesWanted: LinesWanted | undefined;
  /** Events of an earlier log are on the screen; that log lost everything after them. */
  #lostLog = false;
  /** Positions whose events the storage does not have yet. */
  readonly #unsaved = new Set<number>();
  /**
   * Ranges received since the last write. Only these may be added to the stored copy, because another tab may have
   * replaced the rest.
   */
  #unsavedRanges: Ranges = [];
  /** The stored copy may be of another log. */
  #replaces = false;

  constructor(deps: ReplicaReaderDeps) {
    this.#deps = deps;
  }

  /** Takes over the stored copy; its events were verified before they were stored. */
  restore(copy: Replica, events: ReadonlyMap<number, LogEvent>): void {
    if (this.#epoch !== undefined) return;
    this.#epoch = copy.epoch;
    this.#ranges = copy.ranges;
    this.#oldest = copy.oldest;
    for (const [position, event] of events) this.#events.set(position, event);
    this.#deps.onEvents(events);
    this.#deps.onChange();
  }

  /** Where the copy ends; undefined when there is none. */
  get position(): LogPosition | undefined {
    const top = this.#ranges.at(-1)?.to;
    return this.#epoch === undefined || top === undefined ? undefined : { epoch: this.#epoch, position: top };
  }

  /** Everything in the log at the beginning of this connection is here and verified. */
  get caughtUp(): boolean {
    return (this.#ranges.at(-1)?.to ?? 0) >= this.#due;
  }

  /** All events, in the order of the log. */
  get events(): LogEvent[] {
    return [...this.#events].sort(([a], [b]) => a - b).map(([, event]) => event);
  }

  get older(): "available" | "loading" | "none" {
    if (this.#older.state !== "idle") return "loading";
    return this.#epoch !== undefined && nextOlder(this.#ranges, this.#oldest) !== undefined ? "available" : "none";
  }

  /** A connection begins. False: the welcome does not answer the position that was asked for. */
  welcome(frame: ServerFrame<"welcome">, asked: LogPosition | undefined): boolean {
    this.#connection++;
    this.#unchecked = 0;
    if (this.#older.state === "asked") this.#older = { state: "wanted" };
    if (frame.mode === "resume" && (asked?.epoch !== frame.epoch || asked.position + 1 !== frame.from)) return false;
    if (frame.from < frame.oldest || frame.from > frame.head + 1) return false;
    if (this.#epoch !== frame.epoch) {
      // Another log with other positions. Shown messages stay on the screen; what came after them is lost.
      this.#lostLog ||= this.#events.size > 0;
      this.#epoch = frame.epoch;
      this.#ranges = [];
      this.#events.clear();
      this.#unsaved.clear();
      this.#unsavedRanges = [];
      this.#deps.onRenumbered(this.#events);
    }
    if ((this.#ranges.at(-1)?.to ?? 0) > frame.head) {
      // A log shorter than our copy lost its end and will reuse these positions.
      for (const position of this.#events.keys()) if (position > frame.head) this.#events.delete(position);
      this.#ranges = clipped(this.#ranges, 1, frame.head);
      for (const position of this.#events.keys()) this.#unsaved.add(position);
      this.#unsavedRanges = this.#ranges;
      this.#replaces = true;
      this.#deps.onRenumbered(this.#events);
    }
    this.#oldest = frame.oldest;
    this.#next = frame.from;
    this.#due = frame.from > frame.head ? 0 : frame.head;
    // The newest events may all be reactions, and people come to read messages.
    this.#linesWanted = { lines: LATEST_EVENTS, pages: LINES_MAX_PAGES, limit: LATEST_EVENTS };
    this.#deps.onChange();
    return true;
  }

  /** The epoch of the log that the copy is of. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** The operator cleared the room: drops the copy, and the stored one with the next write. */
  forget(): LogEvent[] {
    const forgotten = [...this.#events.values()];
    this.#connection++;
    this.#epoch = undefined;
    this.#ranges = [];
    this.#events.clear();
    this.#unsaved.clear();
    this.#unsavedRanges = [];
    this.#lostLog = false;
    this.#replaces = true;
    return forgotten;
  }

  /** Replaces the payloads of deleted events, here and in the storage. */
  erase(deleted: Iterable<DeletedEvent>): void {
    const byId = new Map([...deleted].map((event) => [event.id, event]));
    if (byId.size === 0) return;
    for (const [position, { id, kind }] of this.#events) {
      const left = kind === "deleted" ? undefined : byId.get(id);
      if (left === undefined) continue;
      this.#events.set(position, left);
      this.#unsaved.add(position);
      this.#unsavedRanges = withRange(this.#unsavedRanges, position, position);
    }
  }

  /** Takes the next events. False: they do not follow, or there are too many to verify in time. */
  take({ from, events }: ServerFrame<"events">): boolean {
    if (from !== this.#next) {
      this.#deps.log(`events from ${from}, expected ${this.#next}`);
      return false;
    }
    if (this.#unchecked + events.length > UNCHECKED_MAX_EVENTS) return false;
    this.#next += events.length;
    this.#queue(from, events);
    return true;
  }

  /** Somebody scrolls up: older events are requested now, or on the next connection. */
  wantOlder(): void {
    if (this.older === "available") {
      this.#older = { state: "wanted" };
      // A page without any message would look as if nothing had been loaded.
      this.#linesWanted = { lines: this.#lines() + 1, pages: LINES_MAX_PAGES, limit: OLDER_EVENTS };
      this.#deps.onChange();
    }
  }

  /** The next request for history, if one is wanted and none is running. */
  takeRequest(): { before: number; limit: number } | undefined {
    if (this.#older.state === "asked" || (this.#older.state === "idle" && !this.#wantsLines())) return undefined;
    const missing = nextOlder(this.#ranges, this.#oldest);
    if (missing === undefined) {
      this.#linesWanted = undefined;
      if (this.#older.state === "idle") return undefined;
      this.#older = { state: "idle" };
      this.#deps.onChange();
      return undefined;
    }
    const before = missing.to + 1;
    this.#older = { state: "asked", before };
    this.#deps.onChange();
    const limit = this.#linesWanted?.limit ?? OLDER_EVENTS;
    return { before, limit: Math.min(limit, missing.to - missing.from + 1) };
  }

  /** The request was not sent or not answered: it will be repeated. */
  askAgain(): void {
    if (this.#older.state === "asked") this.#older = { state: "wanted" };
  }

  /** Takes a page of history. False: nobody requested it, or it ends at the wrong position. */
  takePage({ before, from, events, oldest }: ServerFrame<"page">): boolean {
    if (this.#older.state !== "asked" || this.#older.before !== before) return false;
    if (from + events.length !== before) return false;
    // An empty page where events should be ends the search.
    this.#oldest = events.length === 0 ? Math.max(oldest, before) : oldest;
    if (this.#linesWanted !== undefined) this.#linesWanted.pages--;
    this.#queue(from, events, () => this.#older = { state: "idle" });
    return true;
  }

  /** The gaps between the events that are here, for the timeline. */
  gaps(): TimelineGap[] {
    const gaps: TimelineGap[] = [];
    for (const { from, to } of holes(this.#ranges)) {
      const above = this.#firstFrom(to + 1);
      if (above === undefined) continue;
      const goneTo = Math.min(to, this.#oldest - 1);
      if (goneTo >= from) gaps.push({ id: `gone ${from}`, count: goneTo - from + 1, gone: true, above });
      const left = to - Math.max(from, goneTo + 1) + 1;
      if (left > 0) gaps.push({ id: `gap ${to}`, count: left, gone: false, above });
    }
    const first = this.#lostLog ? this.#firstFrom(1) : undefined;
    if (first !== undefined) gaps.push({ id: `gone ${this.#epoch}`, count: 0, gone: true, above: first });
    return gaps;
  }

  /**
   * The part of the copy that the storage does not have yet; undefined when it has all. `replaces`: it replaces the
   * stored copy.
   */
  unsaved(): { copy: Omit<Replica, "room">; replaces: boolean } | undefined {
    if (this.#epoch === undefined || (this.#unsavedRanges.length === 0 && !this.#replaces)) return undefined;
    const events: ReplicaEvent[] = [];
    for (const position of this.#unsaved) {
      const event = this.#events.get(position);
      if (event !== undefined) events.push({ position, wire: event.wire });
    }
    const copy = { epoch: this.#epoch, ranges: this.#unsavedRanges, oldest: this.#oldest, events };
    return { copy, replaces: this.#replaces };
  }

  /** The storage has this part now. */
  saved(copy: Omit<Replica, "room">): void {
    if (copy.epoch !== this.#epoch) return;
    this.#unsavedRanges = withoutRange(this.#unsavedRanges, copy.ranges);
    for (const { position } of copy.events) this.#unsaved.delete(position);
    for (const position of this.#unsaved) if (!this.#events.has(position)) this.#unsaved.delete(position);
    this.#replaces = false;
  }

  /** The storage lost the copy. */
  notSaved(): void {
    for (const position of this.#events.keys()) this.#unsaved.add(position);
    this.#unsavedRanges = this.#ranges;
  }

  /** Resolves when everything received so far is verified. */
  async idle(): Promise<void> {
    await this.#checking;
  }

  /** When memory is full: drops the lowest positions and returns their events, which can be loaded again. */
  trim(keep: number): LogEvent[] {
    if (this.#events.size <= MEMORY_MAX_EVENTS) return [];
    const positions = [...this.#events.keys()].sort((a, b) => b - a);
    const lowest = positions[keep - 1]!;
    const forgotten = positions.slice(keep).map((position) => this.#events.get(position)!);
    for (const position of positions.slice(keep)) this.#events.delete(position);
    this.#ranges = clipped(this.#ranges, lowest, Infinity);
    this.#unsavedRanges = clipped(this.#unsavedRanges, lowest, Infinity);
    this.#deps.onChange();
    return forgotten;
  }

  #queue(from: number, wires: readonly LogEntry[], then: () => void = () => {}): void {
    const connection = this.#connection;
    const epoch = this.#epoch!;
    this.#unchecked += wires.length;
    this.#checking = this.#checking.then(async () => {
      // The next transport delivers these events again.
      if (connection !== this.#connection) return;
      const events = await this.#check(wires);
      // A new epoch or a shorter log may have arrived while signatures were verified.
      if (epoch !== this.#epoch || connection !== this.#connection) return;
      this.#unchecked -= wires.length;
      const checked = new Map<number, LogEvent>();
      events.forEach((event, at) => {
        if (event === undefined) return;
        checked.set(from + at, event);
        if (this.#events.has(from + at) && event.kind !== "deleted") return;
        this.#events.set(from + at, event);
        this.#unsaved.add(from + at);
      });
      const to = from + wires.length - 1;
      this.#ranges = withRange(this.#ranges, from, to);
      this.#unsavedRanges = withRange(this.#unsavedRanges, from, to);
      then();
      this.#deps.onEvents(checked);
      this.#deps.onChange();
      this.#deps.onWanted();
    }).catch((error) => this.#deps.log(`events: not verified: ${error}`));
  }

  async #check(wires: readonly LogEntry[]): Promise<(LogEvent | undefined)[]> {
    const { steady, timers } = this.#deps;
    const checked: (LogEvent | undefined)[] = [];
    let resumedAt = steady.now();
    for (let at = 0; at < wires.length; at += CHECKS_AT_ONCE) {
      const part = wires.slice(at, at + CHECKS_AT_ONCE).map(async (wire) => {
        const read = readEntry(wire, this.#deps.room);
        if (!read.ok) return undefined;
        if (read.event.kind === "deleted") return read.event;
        const verified = await this.#deps.verifier.verify(read.event);
        return typeof verified === "string" ? undefined : verified;
      });
      checked.push(...await Promise.all(part));
      // Without the platform's Ed25519 this blocks the page's thread: lets taps and frames in between.
      if (steady.now() - resumedAt < CHECKING_TURN_MS) continue;
      await new Promise<void>((resolve) => void timers.after(0, resolve));
      resumedAt = steady.now();
    }
    return checked;
  }

  /** Whether lines are missing; sets the limit of the next page. */
  #wantsLines(): boolean {
    const wanted = this.#linesWanted;
    if (wanted === undefined || !this.caughtUp) return false;
    const missing = wanted.lines - this.#lines();
    if (missing <= 0 || wanted.pages <= 0) {
      this.#linesWanted = undefined;
      return false;
    }
    wanted.limit = wanted.pages === LINES_MAX_PAGES ? missing : OLDER_EVENTS;
    return true;
  }

  /** Messages that are not deleted, in the newest part without a gap. */
  #lines(): number {
    const { from } = this.#ranges.at(-1) ?? { from: 1 };
    const messages = new Map<EventId, AuthorKey>();
    const newest = [...this.#events].flatMap(([position, event]) => position >= from ? [event] : []);
    for (const event of newest) if (isMessage(event)) messages.set(event.id, event.author);
    for (const event of newest) {
      if (event.kind === "retract" && messages.get(event.body.to) === event.author) messages.delete(event.body.to);
    }
    return messages.size;
  }

  /** The first event at or above this position. */
  #firstFrom(position: number): LogEvent | undefined {
    const top = this.#ranges.at(-1)?.to ?? 0;
    for (let at = position; at <= top; at++) {
      const event = this.#events.get(at);
      if (event !== undefined) return event;
    }
  }
}
