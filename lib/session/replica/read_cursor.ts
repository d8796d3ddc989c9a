/** How far this device's owner has read a room, and what is unread. Pure; read_cursor_store.ts stores it. */
import type { EventId } from "../../protocol/event.ts";
import type { LogPosition } from "../../protocol/frames.ts";
import { UNREAD_MAX_EVENTS } from "../ports/session_limits.ts";

/** Joins what two tabs say: of one log the further position, of two logs the later word. */
export function furthest(before: LogPosition | undefined, said: LogPosition): LogPosition {
  return before?.epoch === said.epoch && before.position > said.position ? before : said;
}

/**
 * How far the room was read, as a position of its log, and which messages came after it. Positions are the order of
 * arrival, so a message that arrived later is new even where it stands above messages that were read.
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

  /** Messages that were not seen yet. The same set while nothing changes. */
  get unread(): ReadonlySet<EventId> {
    return this.#ids ??= new Set(this.#unread.keys());
  }

  /**
   * The position that the storage does not have yet. `replaces`: the storage has one of a log that no longer exists.
   */
  get unsaved(): { seen: LogPosition; replaces: boolean } | undefined {
    return this.#unsaved && this.#seen !== undefined ? { seen: this.#seen, replaces: this.#replaces } : undefined;
  }

  /** The storage has this position; later changes are still unsaved. */
  saved(seen: LogPosition): void {
    if (seen === this.#seen) this.#unsaved = this.#replaces = false;
  }

  /** Takes the stored position, from an earlier page or another tab. Returns true when it reaches further. */
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
    // First visit: earlier messages are history, not unread.
    if (this.#seen === undefined) return this.#move({ epoch, position: head });
    const isOther = this.#seen.epoch !== epoch;
    if (!isOther && this.#seen.position <= head) return;
    // Another log, or one that lost its end and reuses positions. Unread messages stay unread until they are seen.
    this.#replaces = true;
    for (const [id, position] of this.#unread) if (isOther || position > head) this.#unread.set(id, Infinity);
    this.#move({ epoch, position: isOther ? 0 : head });
  }

  /** A message of somebody else arrived for the first time. */
  add(id: EventId, position: number): void {
    if (this.#seen === undefined || position <= this.#seen.position || this.#unread.size >= UNREAD_MAX_EVENTS) return;
    this.#unread.set(id, position);
    this.#ids = undefined;
  }

  /** These messages are no longer in memory. */
  forget(ids: Iterable<EventId>): void {
    for (const id of ids) this.#drop(id);
  }

  /** Everything so far has been seen; the log is here up to `top`. */
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
