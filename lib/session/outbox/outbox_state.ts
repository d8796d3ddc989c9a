/**
 * The outbox of one room as a value, and every change of it as a function: what makes a change atomic is the storage,
 * which runs one function per transaction. Tabs of one device share the book.
 *
 * Signed bytes keep their number, even when the one before them was refused for good: they may still be under way on a
 * transport that was replaced, and the same text under another number would then be stored twice. A noop takes the free
 * number instead. Only a text whose number is taken by another event, where its bytes can never be stored, gets a new one.
 */
import type { Refusal } from "../../protocol/codes.ts";
import type { WireEvent } from "../../protocol/event.ts";
import type { EventContent } from "../../kinds/kinds.ts";
import { OUTBOX_MAX_EVENTS } from "../ports/session_limits.ts";

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
  readonly noop?: true;
}

export interface OutboxState {
  /** Random, from its first change on: the storage was cleared where the book has another one. Absent in older outboxes. */
  readonly id?: string;
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
export interface Baseline {
  n: number;
  clock: number;
}

export interface Draft {
  at: number;
  content: EventContent;
}

export const EMPTY_OUTBOX: OutboxState = { revision: 0, n: 0, clock: 0, lastKey: 0, entries: [] };

/** Gives the draft its number and clock. The same book when it is full. */
export function enqueue(book: OutboxState, draft: Draft, floor: Baseline): OutboxState {
  if (book.entries.length >= OUTBOX_MAX_EVENTS) return book;
  const n = Math.max(book.n, floor.n) + 1;
  return add({ ...book, n }, n, draft, floor.clock);
}

/** Keeps what was signed for an entry. The first signature wins: sealing twice gives two texts, and only one may be sent. */
export function sign(book: OutboxState, { key, n }: OutboxEntry, wire: WireEvent): OutboxState {
  return edit(book, key, (entry) => entry.n === n && entry.wire === undefined ? { ...entry, wire } : entry);
}

/** So many other phones hold this entry. */
export function carry(book: OutboxState, key: number, phones: number): OutboxState {
  return edit(book, key, (entry) => phones > (entry.phones ?? 0) ? { ...entry, phones } : entry);
}

/** The server has stored these entries. */
export function settle(book: OutboxState, keys: ReadonlySet<number>): OutboxState {
  const entries = book.entries.filter(({ key }) => !keys.has(key));
  return entries.length === book.entries.length ? book : { ...book, entries };
}

/** The entry's number is taken by another event of this author: it gets a new one and is signed anew. */
export function renumber(book: OutboxState, refused: OutboxEntry, floor: Baseline): OutboxState {
  if (!holds(book, refused)) return book;
  const without = settle(book, new Set([refused.key]));
  const n = Math.max(without.n, floor.n) + 1;
  const { key, at, content } = refused;
  return add({ ...without, n }, n, { at, content }, floor.clock, key);
}

/**
 * The server will never take this entry. Its number is still free there, so `noop`, an event that changes nothing, takes
 * its place; undefined when the number is used up. What was numbered after it stays as it was signed.
 */
export function refuse(book: OutboxState, refused: OutboxEntry, reason: Refusal, noop: Draft | undefined): OutboxState {
  if (!holds(book, refused)) return book;
  const marked = edit(book, refused.key, (entry) => ({ ...entry, refused: reason }));
  return noop === undefined ? marked : addNoop(marked, refused.n, noop);
}

/** Numbers from `from` up to below the lowest waiting one are lost here and there: fills each with `noop`. */
export function fill(book: OutboxState, from: number, noop: Draft, maxEvents: number): OutboxState {
  const waiting = book.entries.filter((entry) => entry.refused === undefined);
  const to = Math.min(book.n + 1, ...waiting.map(({ n }) => n));
  if (to - from > maxEvents) return book;
  for (let n = from; n < to; n++) book = addNoop(book, n, noop);
  return book;
}

/** The room is known to have this much of this author: numbers go on from there. */
export function raise(book: OutboxState, floor: Baseline): OutboxState {
  if (floor.n <= book.n && floor.clock <= book.clock) return book;
  return { ...book, n: Math.max(book.n, floor.n), clock: Math.max(book.clock, floor.clock) };
}

/** Whether `book`, read just now, stands where `known` was: the storage was cleared in between. */
export function isReplaced(known: OutboxState, book: OutboxState): boolean {
  return book.revision < known.revision || (known.id !== undefined && book.id !== known.id);
}

/**
 * Puts all that `known` had into the book that stands in its place; another tab may have put some of it back before. Signed
 * bytes keep their number, as ever. Texts without a signature whose number is taken by now get the next one.
 */
export function restore(book: OutboxState, known: OutboxState): OutboxState {
  const higher = (count: "n" | "clock" | "lastKey") => Math.max(book[count], known[count]);
  let after: OutboxState = { ...book, n: higher("n"), clock: higher("clock"), lastKey: higher("lastKey") };
  for (const entry of known.entries) {
    const there = after.entries.find((other) => isSameEntry(other, entry));
    if (there !== undefined) {
      if (entry.wire !== undefined && there.n === entry.n) after = sign(after, there, entry.wire);
      continue;
    }
    const key = after.entries.some((other) => other.key === entry.key) ? after.lastKey + 1 : entry.key;
    const isTaken = entry.wire === undefined && entry.refused === undefined &&
      after.entries.some(({ n, refused }) => n === entry.n && refused === undefined);
    if (isTaken) {
      const n = after.n + 1;
      after = add({ ...after, n }, n, entry, 0, key);
    } else {
      const entries = [...after.entries, { ...entry, key }].sort(byNumber);
      after = { ...after, lastKey: Math.max(after.lastKey, key), entries };
    }
  }
  return after;
}

/** Whether it is the same key press, under whichever key and number. Fillers are made by the dozen, and told by their keys. */
function isSameEntry(a: OutboxEntry, b: OutboxEntry): boolean {
  return a.at === b.at && (a.key === b.key || !a.noop) && JSON.stringify(a.content) === JSON.stringify(b.content);
}

function byNumber(a: OutboxEntry, b: OutboxEntry): number {
  return a.n - b.n || a.key - b.key;
}

function add(book: OutboxState, n: number, draft: Draft, minClock: number, key = book.lastKey + 1): OutboxState {
  const clock = Math.max(book.clock, minClock) + 1;
  const entries = [...book.entries, { key, n, clock, at: draft.at, content: draft.content }];
  entries.sort(byNumber);
  return { ...book, clock, lastKey: Math.max(book.lastKey, key), entries };
}

function addNoop(book: OutboxState, n: number, draft: Draft): OutboxState {
  const added = add(book, n, draft, 0);
  return edit(added, added.lastKey, (entry) => ({ ...entry, noop: true }));
}

function edit(book: OutboxState, key: number, change: (entry: OutboxEntry) => OutboxEntry): OutboxState {
  const at = book.entries.findIndex((entry) => entry.key === key);
  const before = book.entries[at];
  if (before === undefined) return book;
  const after = change(before);
  return after === before ? book : { ...book, entries: book.entries.map((entry) => entry === before ? after : entry) };
}

/** Whether the book still has this entry as it was sent: another tab may have heard the same refusal first. */
function holds(book: OutboxState, { key, n, wire }: OutboxEntry): boolean {
  return book.entries.some((entry) =>
    entry.key === key && entry.n === n && entry.wire?.[1] === wire?.[1] && entry.refused === undefined
  );
}
