/** What of a room this device's owner has not seen. Pure: read_keeper.ts keeps it. */
import type { EventId } from "../../protocol/event.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import { UNREAD_MAX_EVENTS } from "../ports/session_limits.ts";

/** Of what two tabs of a device say of one log, what reaches further; of two logs, what the later speaker says. */
export function furthest(before: LogPosition | undefined, said: LogPosition): LogPosition {
  return before?.epoch === said.epoch && before.position > said.position ? before : said;
}

/**
 * How far the room was seen, as a position of its log, and which messages came after it. Positions are the order of
 * arrival, so what came later is new even where it stands above what was read.
 */
export class ReadCursor {
  #seen: LogPosition | undefined;
  readonly #unread = new Map<EventId, number>();
  #ids: ReadonlySet<EventId> | undefined;
  #unsaved = false;
  #replaces = false;

  /** Undefined before the first visit. */
  get seen(): LogPosition | undefined {
    return this.#seen;
  }

  /** Messages that came and were not seen. The same set as long as nothing changed. */
  get unread(): ReadonlySet<EventId> {
    return this.#ids ??= new Set(this.#unread.keys());
  }

  /** What the device does not remember yet. `replaces`: what it remembers is of a log that is no more. */
  get unsaved(): { seen: LogPosition; replaces: boolean } | undefined {
    return this.#unsaved && this.#seen !== undefined ? { seen: this.#seen, replaces: this.#replaces } : undefined;
  }

  /** The device remembers this now, as far as nothing was seen since. */
  saved(seen: LogPosition): void {
    if (seen === this.#seen) this.#unsaved = this.#replaces = false;
  }

  /** What the device remembers: from an earlier page, or because another tab has seen more. True when that is news. */
  learn(seen: LogPosition | undefined): boolean {
    if (seen === undefined || this.#replaces) return false;
    if (this.#seen !== undefined && (seen.epoch !== this.#seen.epoch || seen.position <= this.#seen.position)) {
      return false;
    }
    this.#seen = seen;
    for (const [id, position] of this.#unread) if (position <= seen.position) this.#drop(id);
    return true;
  }

  /** A connection begins, to a log that ends at `head`. */
  follow(epoch: string, head: number): void {
    // Who was never here has missed nothing: all that was said before is history.
    if (this.#seen === undefined) return this.#move({ epoch, position: head });
    const isOther = this.#seen.epoch !== epoch;
    if (!isOther && this.#seen.position <= head) return;
    // Another log, or one that lost its end and uses its positions again. What was unread stays so until it is seen.
    this.#replaces = true;
    for (const [id, position] of this.#unread) if (isOther || position > head) this.#unread.set(id, Infinity);
    this.#move({ epoch, position: isOther ? 0 : head });
  }

  /** Somebody else's message came, for the first time. */
  add(id: EventId, position: number): void {
    if (this.#seen === undefined || position <= this.#seen.position || this.#unread.size >= UNREAD_MAX_EVENTS) return;
    this.#unread.set(id, position);
    this.#ids = undefined;
  }

  /** No longer held. */
  forget(ids: Iterable<EventId>): void {
    for (const id of ids) this.#drop(id);
  }

  /** All that came so far has been seen; the log is held up to `top`. */
  see(top: LogPosition | undefined): void {
    for (const id of this.#unread.keys()) this.#drop(id);
    if (this.#seen?.epoch === top?.epoch && top !== undefined && top.position > this.#seen!.position) this.#move(top);
  }

  #move(seen: LogPosition): void {
    this.#seen = seen;
    this.#unsaved = true;
  }

  #drop(id: EventId): void {
    if (this.#unread.delete(id)) this.#ids = undefined;
  }
}
