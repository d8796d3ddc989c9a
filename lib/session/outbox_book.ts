/**
 * The outbox of one room as a value, and every change of it as a function: what makes a change atomic is the storage,
 * which runs one function per transaction. Tabs of one device share the book.
 *
 * Signed bytes keep their number, even when the one before them was refused for good: they may still be under way on a
 * road that was replaced, and the same text under another number would then be stored twice. A filler takes the free
 * number instead. Only a text whose number is taken by another event, where its bytes can never be stored, gets a new one.
 */
import type { Refusal } from "../protocol/codes.ts";
import type { EventContent, WireEvent } from "../protocol/event.ts";
import { OUTBOX_MAX_EVENTS } from "./limits.ts";

export interface OutboxEntry {
  /** Names the entry for as long as it exists, also when its `n` changes. */
  readonly key: number;
  readonly n: number;
  readonly clock: number;
  /** Wall clock of the key press, ms. */
  readonly at: number;
  /** In the clear, also in a sealed room: it never leaves the device like this. */
  readonly content: EventContent;
  /** What is sent; absent between giving out `n` and signing. */
  readonly wire?: WireEvent;
  /** Set once the server said that it will never take this event. */
  readonly refused?: Refusal;
  /** So many other phones were proven to hold it while there was no server. */
  readonly phones?: number;
  /** Says nothing new; only keeps the numbers without holes. */
  readonly filler?: true;
}

export interface OutboxBook {
  /** Counts changes, so that an answer that comes late is known to be old. */
  readonly revision: number;
  /** The highest number and Lamport clock given out or known of. */
  readonly n: number;
  readonly clock: number;
  readonly lastKey: number;
  /** In the order of `n`; a refused entry may share its `n` with what took its place. */
  readonly entries: readonly OutboxEntry[];
}

/** What the room is known to have: the next event comes after it. */
export interface Floor {
  n: number;
  clock: number;
}

export interface Draft {
  at: number;
  content: EventContent;
}

export const EMPTY_BOOK: OutboxBook = { revision: 0, n: 0, clock: 0, lastKey: 0, entries: [] };

/** Gives the draft its number and clock. The same book when it is full. */
export function enqueue(book: OutboxBook, draft: Draft, floor: Floor): OutboxBook {
  if (book.entries.length >= OUTBOX_MAX_EVENTS) return book;
  const n = Math.max(book.n, floor.n) + 1;
  return add({ ...book, n }, n, draft, floor.clock);
}

/** Keeps what was signed for an entry. The first signature wins: sealing twice gives two texts, and only one may be sent. */
export function sign(book: OutboxBook, { key, n }: OutboxEntry, wire: WireEvent): OutboxBook {
  return edit(book, key, (entry) => entry.n === n && entry.wire === undefined ? { ...entry, wire } : entry);
}

/** So many other phones hold this entry. */
export function carry(book: OutboxBook, key: number, phones: number): OutboxBook {
  return edit(book, key, (entry) => phones > (entry.phones ?? 0) ? { ...entry, phones } : entry);
}

/** The server has stored these entries. */
export function settle(book: OutboxBook, keys: ReadonlySet<number>): OutboxBook {
  const entries = book.entries.filter(({ key }) => !keys.has(key));
  return entries.length === book.entries.length ? book : { ...book, entries };
}

/** The entry's number is taken by another event of this author: it gets a new one and is signed anew. */
export function renumber(book: OutboxBook, refused: OutboxEntry, floor: Floor): OutboxBook {
  if (!holds(book, refused)) return book;
  const without = settle(book, new Set([refused.key]));
  const n = Math.max(without.n, floor.n) + 1;
  const { key, at, content } = refused;
  return add({ ...without, n }, n, { at, content }, floor.clock, key);
}

/**
 * The server will never take this entry. Its number is still free there, so `filler`, an event that changes nothing, takes
 * its place; undefined when the number is used up. What was numbered after it stays as it was signed.
 */
export function refuse(book: OutboxBook, refused: OutboxEntry, reason: Refusal, filler: Draft | undefined): OutboxBook {
  if (!holds(book, refused)) return book;
  const marked = edit(book, refused.key, (entry) => ({ ...entry, refused: reason }));
  return filler === undefined ? marked : addFiller(marked, refused.n, filler);
}

/** Numbers from `from` up to below the lowest waiting one are lost here and there: fills each with `filler`. */
export function fill(book: OutboxBook, from: number, filler: Draft, maxEvents: number): OutboxBook {
  const waiting = book.entries.filter((entry) => entry.refused === undefined);
  const to = Math.min(book.n + 1, ...waiting.map(({ n }) => n));
  if (to - from > maxEvents) return book;
  for (let n = from; n < to; n++) book = addFiller(book, n, filler);
  return book;
}

/** The room is known to have this much of this author: numbers go on from there. */
export function raise(book: OutboxBook, floor: Floor): OutboxBook {
  if (floor.n <= book.n && floor.clock <= book.clock) return book;
  return { ...book, n: Math.max(book.n, floor.n), clock: Math.max(book.clock, floor.clock) };
}

function add(book: OutboxBook, n: number, draft: Draft, minClock: number, key = book.lastKey + 1): OutboxBook {
  const clock = Math.max(book.clock, minClock) + 1;
  const entries = [...book.entries, { key, n, clock, at: draft.at, content: draft.content }];
  entries.sort((a, b) => a.n - b.n || a.key - b.key);
  return { ...book, clock, lastKey: Math.max(book.lastKey, key), entries };
}

function addFiller(book: OutboxBook, n: number, draft: Draft): OutboxBook {
  const added = add(book, n, draft, 0);
  return edit(added, added.lastKey, (entry) => ({ ...entry, filler: true }));
}

function edit(book: OutboxBook, key: number, change: (entry: OutboxEntry) => OutboxEntry): OutboxBook {
  const at = book.entries.findIndex((entry) => entry.key === key);
  const before = book.entries[at];
  if (before === undefined) return book;
  const after = change(before);
  return after === before ? book : { ...book, entries: book.entries.map((entry) => entry === before ? after : entry) };
}

/** Whether the book still has this entry as it was sent: another tab may have heard the same refusal first. */
function holds(book: OutboxBook, { key, n, wire }: OutboxEntry): boolean {
  return book.entries.some((entry) =>
    entry.key === key && entry.n === n && entry.wire?.[1] === wire?.[1] && entry.refused === undefined
  );
}
