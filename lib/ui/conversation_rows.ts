// Runs in browser and server.
/** Turns the timeline's items into the rows of the screen: days, groups of one author, notes, gaps. */
import type { EventId } from "../protocol/event.ts";
import type { PersonView, TimelineItem } from "../chat/timeline.ts";

/** A line under its author's name: a message, or another line that its author caused. */
export type GroupItem = Exclude<TimelineItem, { type: "note" | "gap" }>;

export type ConversationRow =
  /** A new day begins. `at`: a moment of it. */
  | { type: "day"; key: string; at: number }
  /** The line above the first unseen message. */
  | { type: "new"; key: string }
  | { type: "group"; key: string; author: PersonView; items: GroupItem[] }
  | { type: "note"; key: string; item: Extract<TimelineItem, { type: "note" }> }
  | { type: "gap"; key: string; item: Extract<TimelineItem, { type: "gap" }> };

/** A longer silence than this starts a new group, with its time. */
export const GROUP_GAP_MS = 5 * 60_000;

/**
 * The rows of these items. `dayOf` names the day of a time on this device. The "new" line stands above the item
 * `newFrom`, and above a gap right before that item.
 */
export function rowsOf(
  items: readonly TimelineItem[],
  dayOf: (at: number) => string,
  newFrom?: string,
): ConversationRow[] {
  const rows: ConversationRow[] = [];
  let day: string | undefined;
  let group: Extract<ConversationRow, { type: "group" }> | undefined;
  let lastAt = 0;
  for (const item of items) {
    if (item.type !== "gap") {
      const itsDay = dayOf(item.at);
      if (itsDay !== day) {
        rows.push({ type: "day", key: `day ${item.id}`, at: item.at });
        day = itsDay;
        group = undefined;
      }
    }
    if (item.id === newFrom) {
      let at = rows.length;
      let above = at - 1;
      while (rows[above]?.type === "day") above--;
      for (; rows[above]?.type === "gap"; above--) at = above;
      rows.splice(at, 0, { type: "new", key: "new" });
      group = undefined;
    }
    if (item.type === "gap" || item.type === "note") {
      rows.push(item.type === "gap" ? { type: "gap", key: item.id, item } : { type: "note", key: item.id, item });
      group = undefined;
      continue;
    }
    // Phones' clocks differ, so a step back in time is no silence.
    if (group === undefined || group.author.author !== item.author.author || item.at - lastAt > GROUP_GAP_MS) {
      group = { type: "group", key: item.id, author: item.author, items: [] };
      rows.push(group);
    }
    // Many in a row say no more than one does.
    if (item.type !== "newer" || group.items.at(-1)?.type !== "newer") group.items.push(item);
    lastAt = item.at;
  }
  return rows;
}

/** The first unread message on the screen, and how many unread messages it shows. */
export function unreadIn(
  items: readonly TimelineItem[],
  unread: ReadonlySet<EventId>,
): { first: EventId | undefined; count: number } {
  const shown = unread.size === 0 ? [] : items.filter(({ id, type }) => type === "message" && unread.has(id));
  return { first: shown[0]?.id, count: shown.length };
}
