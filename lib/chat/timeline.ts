// Runs in browser and server.
/** The view of a room: a pure fold over its events. */
import { type AuthorKey, compareEvents, type EventId, type SignedEvent } from "../protocol/event.ts";
import {
  aboutIn,
  type DeletedEvent,
  deletedEvent,
  type Event,
  hasLine,
  isMessage,
  isNamed,
  type Line,
  lineOf,
  type LogEvent,
  messageIn,
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
  /** `count` missing events: not loaded yet, or deleted from the room's history. */
  | { type: "gap"; id: string; count: number; gone: boolean };

/** Missing events, directly above the first one that is present. */
export interface TimelineGap {
  id: string;
  count: number;
  gone: boolean;
  /** The event below the gap. */
  above: OrderKey;
}

/** An event that may have a line of its own. */
interface HeldLine {
  event: LogEvent;
  /** Absent: nothing to show, such as a profile without a new name. */
  item: TimelineItem | undefined;
}

/**
 * Folds events into lines. Events may arrive in any order and repeatedly: the same set gives the same lines. Sealed events
 * arrive opened, with their content in place of `sealed`; those that did not open arrive unchanged.
 *
 * Unchanged lines keep their identity, and the cost of an event depends on its changes, not on the size of the room.
 */
export class Timeline {
  readonly #me: AuthorKey | undefined;
  #host: AuthorKey | undefined;
  readonly #events = new Map<EventId, LogEvent>();
  /**
   * Erasures by `erasureKey`, also of events that this phone lacks: whether they are quiet. An id alone is not enough, else
   * anybody's retract that arrives before the event would displace its author's.
   */
  readonly #erased = new Map<string, boolean>();
  readonly #lines = new Map<EventId, HeldLine>();
  readonly #linesOf = new Map<AuthorKey, Set<HeldLine>>();
  readonly #views = new Map<AuthorKey, PersonView>();
  readonly #names = new Names();
  readonly #targets = new Targets();
  readonly #rows = new TimelineRows<TimelineItem>();
  /** Positions of events in the room's log. */
  readonly #positions = new Map<EventId, number>();
  readonly #late = new LateMessages();
  /** Delivery states of own events that are not stored. */
  readonly #deliveries = new Map<EventId, DeliveryState>();
  /** Lines of own events that only this device holds: shown last, by `n`. Undefined after a change of that set. */
  #pending: readonly HeldLine[] | undefined;
  #gaps: readonly TimelineGap[] = [];
  readonly #dirty = new Set<HeldLine>();
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
   * Adds the new ones of these events. Returns the remains of those that are deleted now, so that other holders drop their
   * payloads as well.
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
      const quiet = this.#erased.get(erasureKey(event));
      if (quiet !== undefined && event.kind !== "deleted" && isErasable(event.kind)) {
        put(deletedEvent(event, quiet));
      } else this.#events.set(event.id, event);
      if (!again) this.#add(this.#events.get(event.id)!);
      if (event.kind !== "retract") continue;
      for (const { id, quiet } of erasedBy(event)) {
        const target = this.#events.get(id);
        const key = erasureKey({ id, author: event.author });
        if (!this.#erased.has(key)) this.#erased.set(key, quiet);
        if (target === undefined || target.kind === "deleted" || target.author !== event.author) continue;
        if (isErasable(target.kind)) put(deletedEvent(target, quiet));
      }
    }
    if (again) this.#addAllAgain();
    return deleted;
  }

  /** Sets the log positions of these events. Ignores missing events and known positions. */
  setPositions(events: Iterable<readonly [position: number, event: LogEvent]>): void {
    for (const [position, { id }] of events) {
      const event = this.#events.get(id);
      if (event === undefined || this.#positions.has(id)) continue;
      this.#positions.set(id, position);
      this.#arrive(event);
    }
  }

  /** Forgets all positions, for another or a shorter log. */
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

  /** Events that are stored, as far as this phone knows, with clocks up to this one. */
  storedUpTo(clock: number): EventId[] {
    return [...this.#events.values()].filter((event) => event.clock <= clock && !this.#deliveries.has(event.id))
      .map(({ id }) => id);
  }

  /** Events held. */
  get size(): number {
    return this.#events.size;
  }

  /** Forgets these events, as if they had never arrived. Costs as much as adding all others again. */
  remove(ids: Iterable<EventId>): void {
    let removed = false;
    for (const id of ids) {
      const event = this.#events.get(id);
      // The log has stubs for the events that it erased.
      if (event?.kind === "retract") {
        for (const { id } of erasedBy(event)) this.#erased.delete(erasureKey({ id, author: event.author }));
      }
      removed = this.#events.delete(id) || removed;
      this.#deliveries.delete(id);
      this.#positions.delete(id);
    }
    if (removed) this.#addAllAgain();
  }

  /** All known edits of this message by its author, in order. */
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

  /** Sets the delivery state of an own event. Events without a state count as stored. */
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

  /** Replaces the declared gaps. */
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

  /** A person as screens show them. `name`: for people without an event that has their name. */
  person(author: AuthorKey, name?: string): PersonView {
    const shown = name ?? this.#names.nameOf(author) ?? "";
    const view = this.#views.get(author);
    const copiedName = shown !== "" && this.#names.isCopied(author, shown);
    if (view?.name === shown && view.copiedName === copiedName && view.host === (author === this.#host)) return view;
    return { author, name: shown, copiedName, me: author === this.#me, host: author === this.#host };
  }

  /** The lines in order, own waiting ones last. The same array as long as nothing changed. */
  get items(): readonly TimelineItem[] {
    this.#refreshDirty();
    return this.#items ??= this.#rows.items(this.#pendingItems());
  }

  #add(event: LogEvent, itemBefore?: TimelineItem): void {
    if (hasLine(event)) {
      const line: HeldLine = { event, item: itemBefore };
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

  /** Records an event's arrival, which may make messages late. */
  #arrive(event: LogEvent): void {
    const position = this.#positions.get(event.id);
    // A deleted message counts as well, so that phones that never held it mark the same messages.
    const isShown = event.kind === "deleted" ? !event.wire.quiet : isMessage(event);
    if (position === undefined || !isShown) return;
    for (const id of this.#late.add({ place: event, position })) this.#touch(id);
  }

  /** Marks the line of this event, and those that quote it, for an update. */
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

  /** Updates the line's row to its item. */
  #place(line: HeldLine): void {
    this.#items = undefined;
    if (this.#waits(line.event.id)) return;
    if (line.item === undefined) this.#rows.delete({ place: line.event, role: "line" });
    else this.#rows.put({ place: line.event, role: "line", item: line.item });
  }

  /** Whether only this device holds the event. Events that others hold are shown in order. */
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
    const quoted = event && messageIn(event);
    if (event === undefined || quoted === undefined) return { id };
    const author = this.#viewOf(event.author);
    return {
      id,
      author,
      text: this.#targets.ownAbout(edit, event)?.body.text ?? (quoted.text || (quoted.file?.name ?? "")),
    };
  }
}

function erasureKey({ id, author }: Pick<SignedEvent, "id" | "author">): string {
  return `${author} ${id}`;
}

function gapRow({ id, count, gone, above }: TimelineGap): TimelineRow<TimelineItem> {
  return { place: above, role: gone ? "lost" : "gap", item: { type: "gap", id, count, gone } };
}
