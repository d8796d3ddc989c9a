/** Invariants that must hold when the faults are over and the system is quiet. */
import { compareEvents, type EventId } from "../../lib/protocol/event.ts";
import type { LogEvent } from "../../lib/kinds/kinds.ts";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import type { MemoryDatabase } from "../support/memory_kv.ts";
import { type EventValue, keys } from "../../lib/store/keys.ts";
import { entryOf } from "../../lib/store/rooms/log.ts";
import type { Page } from "./page.ts";
import type { Phone, Typed } from "./phone.ts";
import { type RoomRecord, Violation, type Witness } from "./witness.ts";

/** The part of a screen's line on which all screens must agree. */
interface Line {
  id: EventId;
  author: string;
  text: string | undefined;
}

/** The expected screen of a room, computed from its whole log in the simplest way. */
export function expectedScreen(record: RoomRecord): Line[] {
  const events = [...record.log].sort(compareEvents);
  const lines = new Map<EventId, Line>();
  for (const event of events) {
    const { id, author } = event;
    if (event.kind === "message" || event.kind === "reply") lines.set(id, { id, author, text: event.body.text });
    if (event.kind === "deleted" && !event.wire.quiet) lines.set(id, { id, author, text: undefined });
  }
  // After all messages: an edit may precede its message if the author used a false clock.
  for (const event of events) {
    if (event.kind !== "edit" && event.kind !== "retract") continue;
    const line = lines.get(event.body.to);
    if (line === undefined || line.author !== event.author || line.text === undefined) continue;
    line.text = event.kind === "edit" ? event.body.text : undefined;
  }
  return [...lines.values()];
}

/** The screen that a page shows. Lines about names and the room's creation are compared between pages instead. */
export function shownScreen(items: readonly TimelineItem[]): Line[] {
  return items.flatMap((item): Line[] => {
    if (item.type === "message") return [{ id: item.id, author: item.author.author, text: item.text }];
    if (item.type === "retracted") return [{ id: item.id, author: item.author.author, text: undefined }];
    return [];
  });
}

const counted = new WeakMap<readonly TimelineItem[], number>();

/** The number of lines of shownScreen, without building them: it is called very often. */
export function messagesShown(items: readonly TimelineItem[]): number {
  let count = counted.get(items);
  if (count === undefined) counted.set(items, count = shownScreen(items).length);
  return count;
}

/** The log in the database is the one that the witness saw: no gap, no change, no remains of deleted events. */
export function checkLog(record: RoomRecord, room: string, database: MemoryDatabase): void {
  const kept = database.dump().filter(({ key }) => key[0] === "event" && key[1] === room);
  kept.forEach(({ key, value }, index) => {
    const position = record.oldest + index;
    const event = record.at(position);
    if (key[2] !== position) throw new Violation(`the log has ${String(key[2])} where ${position} should be`);
    if (JSON.stringify(entryOf(value as EventValue).entry) !== JSON.stringify(event?.wire)) {
      throw new Violation(`the log was changed at ${position}`);
    }
  });
  if (kept.length !== record.head - record.oldest + 1) {
    throw new Violation(`the log holds ${kept.length} events from ${record.oldest} to ${record.head}`);
  }
  const head = database.read(keys.head(room)).value as { head: number; oldest: number; clock: number };
  const clock = Math.max(...record.log.map((event) => event.clock));
  if (head.head !== record.head || head.oldest !== record.oldest || head.clock !== clock) {
    throw new Violation(`the head says ${JSON.stringify(head)}, the log ${record.oldest} to ${record.head}, ${clock}`);
  }
  for (const id of record.acked.keys()) {
    if (!record.positions.has(id)) throw new Violation(`acked and lost: ${id}`);
  }
  for (const [id, reason] of record.refused) {
    if (reason !== "expired" && record.positions.has(id)) {
      throw new Violation(`refused as ${reason}, and stored: ${id}`);
    }
  }
  checkClocks(record);
}

/** Each author's clock grows with its numbers, and a reply is ordered after its message. */
function checkClocks(record: RoomRecord): void {
  const last = new Map<string, LogEvent>();
  const byId = new Map(record.log.map((event) => [event.id, event]));
  for (const event of record.log) {
    const before = last.get(event.author);
    if (before !== undefined && before.clock >= event.clock && record.honestAuthors.has(event.author)) {
      throw new Violation(`clock ${event.clock} after ${before.clock}: ${JSON.stringify(event.wire)}`);
    }
    last.set(event.author, event);
    if (event.kind !== "reply") continue;
    const answered = byId.get(event.body.to);
    if (answered !== undefined && compareEvents(answered, event) >= 0) {
      throw new Violation(`a reply stands above what it answers: ${JSON.stringify(event.wire)}`);
    }
  }
}

/** Outcomes of typed texts. `unknown`: the page died, or lost its disk, before it reported one. */
export type EventOutcomes = Record<"arrived" | "refused" | "turnedAway" | "unknown", number>;

/** Every typed text is in the room once, or was refused and its author was told. */
export function checkTyped(phone: Phone, witness: Witness): EventOutcomes {
  const fates: EventOutcomes = { arrived: 0, refused: 0, turnedAway: 0, unknown: 0 };
  for (const typed of phone.typed) fates[fateOf(typed, phone, witness)]++;
  return fates;
}

function fateOf({ room, text, page, outcome }: Typed, phone: Phone, witness: Witness): keyof EventOutcomes {
  const stored = witness.room(room).texts.get(text) ?? 0;
  const waits = page.disk.outboxes.get(room)?.entries.find(({ content }) =>
    (content.kind === "message" || content.kind === "reply") && content.body.text === text
  );
  if (stored > 1) throw new Violation(`stored ${stored} times: ${text}`);
  const ended = phone.private && page.life.dead;
  if (stored === 1 && waits !== undefined && !ended) throw new Violation(`stored, and still in the outbox: ${text}`);
  if (outcome === "turned_away") {
    if (stored > 0) throw new Violation(`turned away, and stored: ${text}`);
    return "turnedAway";
  }
  if (stored === 1) return "arrived";
  if (waits === undefined && (witness.room(room).unseen.get(page.model.me.value?.author ?? "") ?? 0) > 0) {
    return "arrived";
  }
  // Unsent texts of a page without persistent storage end with it, as the page says.
  if (outcome === "unknown" || ended) return "unknown";
  if (waits?.refused === undefined) throw new Violation(`lost: ${text}`);
  for (const other of phone.pages) {
    if (other.room !== room || other.disk !== page.disk) continue;
    const shown = other.items.find((item) => item.type === "message" && item.text === text);
    if (shown?.type !== "message" || shown.delivery?.state !== "refused") {
      throw new Violation(`refused as ${waits.refused}, and ${other.name} does not say so: ${text}`);
    }
  }
  return "refused";
}

/** A fully loaded page shows the whole room in the canonical order, and nothing else. */
export function checkScreen(page: Page, record: RoomRecord): void {
  const expected = expectedScreen(record).filter(({ id }) => record.positions.get(id)! >= record.oldest);
  const shown = shownScreen(page.items.filter((item) => !isRefused(item)));
  const at = expected.findIndex((line, index) => JSON.stringify(line) !== JSON.stringify(shown[index]));
  if (at >= 0 || shown.length !== expected.length) {
    const place = at >= 0 ? at : expected.length;
    throw new Violation(
      `${page.name} shows ${JSON.stringify(shown[place])} as line ${place} of ${shown.length}, and the room's is ` +
        `${JSON.stringify(expected[place])} of ${expected.length}`,
    );
  }
  for (const item of page.items) {
    if (item.type === "gap" && !(item.gone && record.oldest > 1)) {
      throw new Violation(`${page.name} shows a gap of ${item.count} in a room that has everything`);
    }
    const delivery = item.type === "message" ? item.delivery : undefined;
    if (delivery !== undefined && delivery.state !== "stored" && delivery.state !== "refused") {
      throw new Violation(`${page.name} says ${delivery.state} of what is stored`);
    }
  }
}

/** All pages show the same lines, except those that concern only their owner. */
export function checkSameScreens(pages: readonly Page[]): void {
  const [first, ...others] = pages.map((page) => ({ page, lines: commonLines(page.items) }));
  for (const { page, lines } of others) {
    const at = lines.findIndex((line, index) => line !== first!.lines[index]);
    if (at >= 0 || lines.length !== first!.lines.length) {
      const place = at >= 0 ? at : lines.length;
      throw new Violation(`line ${place}: ${page.name} ${lines[place]}, ${first!.page.name} ${first!.lines[place]}`);
    }
  }
}

function commonLines(items: readonly TimelineItem[]): string[] {
  return items.filter((item) => !isRefused(item) && item.type !== "gap").map((item) =>
    JSON.stringify(item, (key, value) => key === "delivery" || key === "me" || key === "mine" ? undefined : value)
  );
}

function isRefused(item: TimelineItem): boolean {
  return item.type === "message" && item.delivery?.state === "refused";
}

/** All pages show the correct number of people. */
export function checkPresence(pages: readonly Page[]): void {
  const authors = new Set(pages.map((page) => page.model.me.value?.author));
  for (const page of pages) {
    const { count, shown } = page.model.people.value;
    const seen = new Set(shown.map(({ author }) => author));
    if (count !== authors.size || seen.size !== authors.size || shown.length !== seen.size) {
      throw new Violation(
        `${page.name} counts ${count} people and names ${shown.length}, and ${authors.size} are here`,
      );
    }
  }
}
