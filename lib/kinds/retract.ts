// Runs in browser and server.
/**
 * Deletes one's own message for everyone. The server replaces the message and its edits by stubs; phones drop their
 * payloads. The event names what it erases by number as well as by id, because a server cannot read sealed bodies.
 */
import type { EventId, SignedEvent } from "../protocol/event.ts";
import { count, id, list, object, optional, tuple } from "../protocol/fields.ts";
import { type ContentOf, defineKind, type EventOf } from "./kind.ts";

/** Most edits that one event erases along with their message, the newest ones. */
export const RETRACT_MAX_EDITS = 64;

/** `to` and `n`: the message. `edits`: its edits, by id and number. */
export const retract = defineKind(
  "retract",
  object({
    to: id,
    n: count,
    edits: optional(list(tuple<[id: EventId, n: number]>(id, count), 1, RETRACT_MAX_EDITS)),
  }),
  {
    // Unsealed in sealed rooms as well: the server has to know which events to delete, and learns nothing else.
    rooms: "all",
  },
);

/** One of its author's events that a retract erases. */
export interface Erased {
  id: EventId;
  n: number;
  /** It had no line of its own. */
  quiet: boolean;
}

/** The events that a retract erases: only earlier events of its own author. */
export function erasedBy({ n, body: { to, n: toN, edits = [] } }: EventOf<typeof retract>): Erased[] {
  const all = [{ id: to, n: toN, quiet: false }, ...edits.map(([id, n]) => ({ id, n, quiet: true }))];
  return all.filter((erased) => erased.n < n);
}

/** Whether events of this kind can be erased. The genesis event and retracts stay. */
export function isErasable(kind: unknown): boolean {
  return kind !== "room" && kind !== "retract";
}

export function composeRetract(message: SignedEvent, edits: readonly SignedEvent[]): ContentOf<typeof retract> {
  const newest = edits.slice(-RETRACT_MAX_EDITS).map(({ id, n }): [EventId, number] => [id, n]);
  return { kind: "retract", body: { to: message.id, n: message.n, ...(newest.length > 0 && { edits: newest }) } };
}
