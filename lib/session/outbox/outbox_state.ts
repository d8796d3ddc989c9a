/**
 * The outbox of one room as a value, and each change of it as a function. The storage runs one function per
 * transaction, which makes the change atomic. All tabs of a device share the state.
 *
 * A signed event keeps its number, even when the one before it was refused for good: its bytes may still be on their
 * way over a replaced transport, and the same text under another number would be stored twice. A no-op event takes the
 * free number instead. Only a text whose number belongs to another event gets a new one, because its bytes can never be
 * stored.
 */
import type { Refusal } from "../../protocol/codes.ts";
import type { WireEvent } from "../../protocol/event.ts";
import type { EventContent } from "../../kinds/kinds.ts";
import { OUTBOX_MAX_EVENTS } from "../ports/session_limits.ts";

export interface OutboxEntry {
  /** Identifies the entry for its whole life, even when its `n` changes. */
  readonly key: number;
  readonly n: number;
  readonly clock: number;
  /** Wall clock of the key press, ms. */
  readonly at: number;
  /** In the clear, in a sealed room too: it never leaves the device like this. */
  readonly content: EventContent;
  /** The signed bytes that are sent; absent until signed. */
  readonly wire?: WireEvent;
  /** Set when the server will never accept this event. */
  readonly refused?: Refusal;
  /** How many other phones signed that they hold it, while there was no server. */
  readonly phones?: number;
  /** Changes nothing; keeps the numbers without gaps. */
  readonly noop?: true;
}

export interface OutboxState {
  /** Random, set by the first change. A different id means that the storage was cleared. Absent in older outboxes. */
  readonly id?: string;
  /** Counts changes, to recognise late answers. */
  readonly revision: number;
  /** The highest number and Lamport clock given out or heard of. */
  readonly n: number;
  readonly clock: number;
  readonly lastKey: number;
  /** In the order of `n`; a refused entry may share its `n` with its replacement. */
  readonly entries: readonly OutboxEntry[];
}

/** The highest number and clock that the room is known to have of this author; the next event follows. */
export interface Baseline {
  n: number;
  clock: number;
}

export interface Draft {
  at: number;
  content: EventContent;
}

export const EMPTY_OUTBOX: OutboxState = { revision: 0, n: 0, clock: 0, lastKey: 0, entries: [] };

/** Gives the draft its number and clock. Returns the same state when the outbox is full. */
export function enqueue(state: OutboxState, draft: Draft, baseline: Baseline): OutboxState {
  if (state.entries.length >= OUTBOX_MAX_EVENTS) return state;
  const n = Math.max(state.n, baseline.n) + 1;
  return add({ ...state, n }, n, draft, baseline.clock);
}

/** Keeps an entry's signed bytes. The first signature wins: sealing twice gives two texts, and only one may be sent. */
export function sign(state: OutboxState, { key, n }: OutboxEntry, wire: WireEvent): OutboxState {
  return edit(state, key, (entry) => entry.n === n && entry.wire === undefined ? { ...entry, wire } : entry);
}

/** Records how many other phones hold this entry. */
export function carry(state: OutboxState, key: number, phones: number): OutboxState {
  return edit(state, key, (entry) => phones > (entry.phones ?? 0) ? { ...entry, phones } : entry);
}

/** Removes entries that are stored or discarded. */
export function settle(state: OutboxState, keys: ReadonlySet<number>): OutboxState {
  const entries = state.entries.filter(({ key }) => !keys.has(key));
  return entries.length === state.entries.length ? state : { ...state, entries };
}

/** Another event of this author took the entry's number: the entry gets a new one and is signed again. */
export function renumber(state: OutboxState, refused: OutboxEntry, baseline: Baseline): OutboxState {
  if (!holds(state, refused)) return state;
  const without = settle(state, new Set([refused.key]));
  const n = Math.max(without.n, baseline.n) + 1;
  const { key, at, content } = refused;
  return add({ ...without, n }, n, { at, content }, baseline.clock, key);
}

/**
 * The server will never accept this entry. `noop`, an event that changes nothing, takes its number, which is still free
 * there; undefined when the number is used up. Later entries keep their signatures.
 */
export function refuse(
  state: OutboxState,
  refused: OutboxEntry,
  reason: Refusal,
  noop: Draft | undefined,
): OutboxState {
  if (!holds(state, refused)) return state;
  const marked = edit(state, refused.key, (entry) => ({ ...entry, refused: reason }));
  return noop === undefined ? marked : addNoop(marked, refused.n, noop);
}

/** Fills numbers that were lost on both sides, from `from` to below the lowest waiting entry, with `noop`. */
export function fill(state: OutboxState, from: number, noop: Draft, maxEvents: number): OutboxState {
  const waiting = state.entries.filter((entry) => entry.refused === undefined);
  const to = Math.min(state.n + 1, ...waiting.map(({ n }) => n));
  if (to - from > maxEvents) return state;
  for (let n = from; n < to; n++) state = addNoop(state, n, noop);
  return state;
}

/** Raises the numbers to what the room is known to have of this author. */
export function raise(state: OutboxState, baseline: Baseline): OutboxState {
  if (baseline.n <= state.n && baseline.clock <= state.clock) return state;
  return { ...state, n: Math.max(state.n, baseline.n), clock: Math.max(state.clock, baseline.clock) };
}

/** Whether `state`, just read, replaced `known` because the storage was cleared. */
export function isReplaced(known: OutboxState, state: OutboxState): boolean {
  return state.revision < known.revision || (known.id !== undefined && state.id !== known.id);
}

/**
 * Adds everything of `known` to the state that replaced it; another tab may have done so partly. Signed bytes keep
 * their number. Unsigned texts whose number is taken get the next one.
 */
export function restore(state: OutboxState, known: OutboxState): OutboxState {
  const higher = (count: "n" | "clock" | "lastKey") => Math.max(state[count], known[count]);
  let after: OutboxState = { ...state, n: higher("n"), clock: higher("clock"), lastKey: higher("lastKey") };
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

/**
 * Whether both are the same key press, whatever their key and number. No-op events are made in dozens, so only their
 * key tells them apart.
 */
function isSameEntry(a: OutboxEntry, b: OutboxEntry): boolean {
  return a.at === b.at && (a.key === b.key || !a.noop) && JSON.stringify(a.content) === JSON.stringify(b.content);
}

function byNumber(a: OutboxEntry, b: OutboxEntry): number {
  return a.n - b.n || a.key - b.key;
}

function add(state: OutboxState, n: number, draft: Draft, minClock: number, key = state.lastKey + 1): OutboxState {
  const clock = Math.max(state.clock, minClock) + 1;
  const entries = [...state.entries, { key, n, clock, at: draft.at, content: draft.content }];
  entries.sort(byNumber);
  return { ...state, clock, lastKey: Math.max(state.lastKey, key), entries };
}

function addNoop(state: OutboxState, n: number, draft: Draft): OutboxState {
  const added = add(state, n, draft, 0);
  return edit(added, added.lastKey, (entry) => ({ ...entry, noop: true }));
}

function edit(state: OutboxState, key: number, change: (entry: OutboxEntry) => OutboxEntry): OutboxState {
  const at = state.entries.findIndex((entry) => entry.key === key);
  const before = state.entries[at];
  if (before === undefined) return state;
  const after = change(before);
  return after === before
    ? state
    : { ...state, entries: state.entries.map((entry) => entry === before ? after : entry) };
}

/** Whether the state still has this entry as it was sent: another tab may have handled the same refusal first. */
function holds(state: OutboxState, { key, n, wire }: OutboxEntry): boolean {
  return state.entries.some((entry) =>
    entry.key === key && entry.n === n && entry.wire?.[1] === wire?.[1] && entry.refused === undefined
  );
}
