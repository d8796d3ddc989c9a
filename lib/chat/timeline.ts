// Runs in browser and server.
/** The view of a room: a pure fold over its events. */
import { type AuthorKey, compareEvents, type EventId, type SignedEvent } from "../protocol/event.ts";
import {
  aboutIn,
  type DeletedEvent,
  deletedEvent,
  type Event,
  hasLine,
  isNamed,
  isSaid,
  type Line,
  lineOf,
  type LogEvent,
  saidIn,
} from "../kinds/kinds.ts";
import type { DeliveryState, PersonView, Quote, RoomFold } from "../kinds/kind.ts";
import { edit } from "../kinds/edit.ts";
import { erasedBy, isErasable } from "../kinds/retract.ts";
import { isSame } from "../shared/same.ts";
import { LateMessages } from "./timeline_late.ts";
import { Names } from "./timeline_names.ts";
import { type OrderKey, type TimelineRow, TimelineRows } from "./timeline_order.ts";
import { Targets } from "./timeline_targets.ts";

export type { DeliveryState, PersonView } from "../kinds/kind.ts";

/** One line of the conversation. */
export type TimelineItem =
  | Line
  /** `count` events are not here: not loaded yet, or gone from the room's history for good. */
  | { type: "gap"; id: string; count: number; gone: boolean };

/** Events that are not here, right above the first one that is. */
export interface TimelineGap {
  id: string;
  count: number;
  gone: boolean;
  /** The event that the gap stands above. */
  above: OrderKey;
}

/** An event that may have a line of its own. */
interface EventLine {
  event: LogEvent;
  /** Absent: nothing to show (a profile that changed no name). */
  item: TimelineItem | undefined;
}

/**
 * Folds events into lines. Events come in any order and any number of times: the same set gives the same lines. Sealed
 * events come opened (their content in place of `sealed`); those that did not open come as they are.
 *
 * Lines keep their identity as long as what they show is the same, and an event costs what it changes, not what there is.
 */
export class Timeline {
  readonly #me: AuthorKey | undefined;
  #host: AuthorKey | undefined;
  readonly #events = new Map<EventId, LogEvent>();
  /** Events that their authors deleted, whether or not they are here. */
  readonly #erased = new Map<EventId, { author: AuthorKey; quiet: boolean }>();
  readonly #lines = new Map<EventId, EventLine>();
  readonly #linesOf = new Map<AuthorKey, Set<EventLine>>();
  readonly #views = new Map<AuthorKey, PersonView>();
  readonly #names = new Names();
  readonly #targets = new Targets();
  readonly #rows = new TimelineRows<TimelineItem>();
  /** Positions in the room's log of what came from it. */
  readonly #positions = new Map<EventId, number>();
  readonly #late = new LateMessages();
  /** Of my events, how far those got that are not stored. */
  readonly #deliveries = new Map<EventId, DeliveryState>();
  /** Lines of those that nobody else holds: they stand last, in the order of their `n`. Undefined when others wait than before. */
  #pending: readonly EventLine[] | undefined;
  #gaps: readonly TimelineGap[] = [];
  readonly #dirty = new Set<EventLine>();
  #items: readonly TimelineItem[] | undefined = [];

  /** The room as kinds see it when they make their lines. */
  readonly #fold: RoomFold;

  constructor({ me, host }: { me?: AuthorKey; host?: AuthorKey } = {}) {
    this.#me = me;
    this.#host = host;
    this.#fold = {
      me,
      person: (author) => this.#viewOf(author),
      about: (kind, target) => this.#targets.about(kind, target),
      ownAbout: (kind, event) => this.#targets.ownAbout(kind, event),
      nameBefore: (event) => this.#names.nameBefore(event),
      quote: (id) => this.#quoteOf(id),
      isLate: (id) => this.#late.has(id),
      delivery: (id) => this.#deliveries.get(id) ?? { state: "stored" },
    };
  }

  /**
   * Adds what is new of these events. Returns what is left of those that are deleted by now: whatever else holds them drops
   * their payloads, too.
   */
  add(events: Iterable<LogEvent>): DeletedEvent[] {
    const deleted: DeletedEvent[] = [];
    let again = false;
    const put = (event: DeletedEvent) => {
      again ||= this.#events.has(event.id);
      this.#events.set(event.id, event);
      deleted.push(event);
    };
    for (const event of events) {
      const held = this.#events.get(event.id);
      if (held !== undefined) {
        if (event.kind === "deleted" && held.kind !== "deleted") put(event);
        continue;
      }
      const erased = this.#erased.get(event.id);
      if (erased?.author === event.author && event.kind !== "deleted" && isErasable(event.kind)) {
        put(deletedEvent(event, erased.quiet));
      } else this.#events.set(event.id, event);
      if (!again) this.#add(this.#events.get(event.id)!);
      if (event.kind !== "retract") continue;
      for (const { id, quiet } of erasedBy(event)) {
        const target = this.#events.get(id);
        if (!this.#erased.has(id)) this.#erased.set(id, { author: event.author, quiet });
        if (target === undefined || target.kind === "deleted" || target.author !== event.author) continue;
        if (isErasable(target.kind)) put(deletedEvent(target, quiet));
      }
    }
    if (again) this.#addAllAgain();
    return deleted;
  }

  /** Says where in the room's log these events stand; what is not held, or was said before, changes nothing. */
  setPositions(events: Iterable<readonly [position: number, event: LogEvent]>): void {
    for (const [position, { id }] of events) {
      const event = this.#events.get(id);
      if (event === undefined || this.#positions.has(id)) continue;
      this.#positions.set(id, position);
      this.#arrive(event);
    }
  }

  /** Another log, or a shorter one: positions are counted anew. */
  forgetPositions(): void {
    for (const id of this.#positions.keys()) if (this.#late.has(id)) this.#touch(id);
    this.#positions.clear();
    this.#late.clear();
  }

  has(id: EventId): boolean {
    return this.#events.has(id);
  }

  get(id: EventId): LogEvent | undefined {
    return this.#events.get(id);
  }

  /** Events that are stored, as far as anybody said, and whose clocks are at most this. */
  storedUpTo(clock: number): EventId[] {
    return [...this.#events.values()].filter((event) => event.clock <= clock && !this.#deliveries.has(event.id))
      .map(({ id }) => id);
  }

  /** Events held. */
  get size(): number {
    return this.#events.size;
  }

  /** Forgets these events, as if they had never come. Costs as much as adding all the others anew. */
  remove(ids: Iterable<EventId>): void {
    let removed = false;
    for (const id of ids) {
      const event = this.#events.get(id);
      // The log brings stubs for the events that it erased.
      if (event?.kind === "retract") { for (const erased of erasedBy(event)) this.#erased.delete(erased.id); }
      removed = this.#events.delete(id) || removed;
      this.#deliveries.delete(id);
      this.#positions.delete(id);
    }
    if (removed) this.#addAllAgain();
  }

  /** All edits of this message by its author that are here, in their order. */
  editsOf({ id, author }: SignedEvent): Event[] {
    return [...this.#events.values()].flatMap((event) =>
      event.kind === "edit" && event.body.to === id && event.author === author ? [event] : []
    ).sort(compareEvents);
  }

  #addAllAgain(): void {
    this.#items = this.#pending = undefined;
    const before = new Map([...this.#lines].map(([id, { item }]) => [id, item]));
    const parts = [this.#lines, this.#linesOf, this.#names, this.#targets, this.#rows, this.#late, this.#dirty];
    for (const part of parts) part.clear();
    for (const gap of this.#gaps) this.#rows.put(gapRow(gap));
    for (const event of this.#events.values()) this.#add(event, before.get(event.id));
    for (const author of this.#views.keys()) this.#viewChanged(author);
  }

  /** Says how far an event of mine got. Events without a state count as stored. */
  setDelivery(id: EventId, delivery: DeliveryState): void {
    const line = this.#lines.get(id);
    const waited = this.#waits(id);
    if (delivery.state === "stored") this.#deliveries.delete(id);
    else this.#deliveries.set(id, delivery);
    const waits = this.#waits(id);
    if (waits !== waited) this.#pending = undefined;
    if (line === undefined) return;
    if (waits && !waited && line.item !== undefined) this.#rows.delete({ place: line.event, role: "line" });
    line.item = undefined;
    this.#dirty.add(line);
    this.#items = undefined;
  }

  /** Declares what is missing; replaces what was declared before. */
  setGaps(gaps: readonly TimelineGap[]): void {
    const unchanged = gaps.length === this.#gaps.length && gaps.every(({ id, count, gone, above }, at) => {
      const before = this.#gaps[at]!;
      return before.id === id && before.count === count && before.gone === gone && before.above.id === above.id;
    });
    if (unchanged) return;
    for (const gap of this.#gaps) this.#rows.delete(gapRow(gap));
    this.#gaps = gaps;
    for (const gap of gaps) this.#rows.put(gapRow(gap));
    this.#items = undefined;
  }

  setHost(host: AuthorKey): void {
    if (host === this.#host) return;
    const before = this.#host;
    this.#host = host;
    for (const author of [before, host]) if (author !== undefined) this.#viewChanged(author);
  }

  /** Somebody as screens show them. `name`: what they are called where no event says it. */
  person(author: AuthorKey, name?: string): PersonView {
    const shown = name ?? this.#names.nameOf(author) ?? "";
    const view = this.#views.get(author);
    const copiedName = shown !== "" && this.#names.isCopied(author, shown);
    if (view?.name === shown && view.copiedName === copiedName && view.host === (author === this.#host)) return view;
    return { author, name: shown, copiedName, me: author === this.#me, host: author === this.#host };
  }

  /** The lines in order, mine that wait last. The same array as long as nothing changed. */
  get items(): readonly TimelineItem[] {
    this.#refreshDirty();
    return this.#items ??= this.#rows.items(this.#pendingItems());
  }

  #add(event: LogEvent, itemBefore?: TimelineItem): void {
    if (hasLine(event)) {
      const line: EventLine = { event, item: itemBefore };
      this.#lines.set(event.id, line);
      if (this.#waits(event.id)) this.#pending = undefined;
      let lines = this.#linesOf.get(event.author);
      if (lines === undefined) this.#linesOf.set(event.author, lines = new Set());
      lines.add(line);
      this.#touch(event.id);
      if (itemBefore !== undefined) this.#place(line);
    }
    this.#arrive(event);
    this.#targets.add(event);
    const about = aboutIn(event);
    if (about !== undefined) this.#touch(about.to);
    if (!isNamed(event)) return;
    const { authors, next } = this.#names.add({ place: event, name: event.body.name });
    for (const author of authors) this.#viewChanged(author);
    if (next !== undefined) {
      const line = this.#lines.get(next.place.id);
      if (line !== undefined) this.#dirty.add(line);
    }
  }

  /** Where the event came among the others is known; some may be late now. */
  #arrive(event: LogEvent): void {
    const position = this.#positions.get(event.id);
    // A deleted message counts as well: phones that never held it mark the same ones.
    const isMessage = event.kind === "deleted" ? !event.wire.quiet : isSaid(event);
    if (position === undefined || !isMessage) return;
    for (const id of this.#late.add({ place: event, position })) this.#touch(id);
  }

  /** The line of this event, and those that quote it, may look different. */
  #touch(id: EventId): void {
    for (const touched of [id, ...this.#targets.quotesOf(id)]) {
      const line = this.#lines.get(touched);
      if (line !== undefined) this.#dirty.add(line);
    }
  }

  #viewChanged(author: AuthorKey): void {
    const before = this.#views.get(author);
    const view = this.person(author);
    if (view === before) return;
    this.#views.set(author, view);
    for (const line of this.#linesOf.get(author) ?? []) this.#touch(line.event.id);
  }

  #viewOf(author: AuthorKey): PersonView {
    let view = this.#views.get(author);
    if (view === undefined) this.#views.set(author, view = this.person(author));
    return view;
  }

  #refreshDirty(): void {
    for (const line of this.#dirty) {
      const item = lineOf(line.event, this.#fold);
      if (isSame(line.item, item)) continue;
      line.item = item;
      this.#place(line);
    }
    this.#dirty.clear();
  }

  /** Shows the line as its item is now. */
  #place(line: EventLine): void {
    this.#items = undefined;
    if (this.#waits(line.event.id)) return;
    if (line.item === undefined) this.#rows.delete({ place: line.event, role: "line" });
    else this.#rows.put({ place: line.event, role: "line", item: line.item });
  }

  /** Only this device holds it. An event that others hold has its place among theirs. */
  #waits(id: EventId): boolean {
    const delivery = this.#deliveries.get(id);
    return delivery !== undefined && delivery.state !== "on_phones";
  }

  #pendingItems(): TimelineItem[] {
    this.#pending ??= [...this.#deliveries.keys()].filter((id) => this.#waits(id))
      .flatMap((id) => this.#lines.get(id) ?? [])
      .sort((a, b) => a.event.n - b.event.n);
    return this.#pending.flatMap(({ item }) => item ?? []);
  }

  #quoteOf(id: EventId): Quote {
    const event = this.#events.get(id);
    if (event?.kind === "deleted") return { id, author: this.#viewOf(event.author) };
    const said = event && saidIn(event);
    if (event === undefined || said === undefined) return { id };
    const author = this.#viewOf(event.author);
    return {
      id,
      author,
      text: this.#targets.ownAbout(edit, event)?.body.text ?? (said.text || (said.file?.name ?? "")),
    };
  }
}

function gapRow({ id, count, gone, above }: TimelineGap): TimelineRow<TimelineItem> {
  return { place: above, role: gone ? "lost" : "gap", item: { type: "gap", id, count, gone } };
}
