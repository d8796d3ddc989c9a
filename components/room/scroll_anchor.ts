/** Keeps the reader's place in the list, and marks unseen messages. */
import { type RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import { unreadIn } from "../../lib/ui/conversation_rows.ts";
import type { EventId } from "../../lib/protocol/event.ts";

/** Within this distance of the end counts as being at the end, in CSS px: less than one line of text. */
const END_PX = 24;
/** Older messages load within this distance of the top, in CSS px. */
const TOP_PX = 600;
/** Distance between the top of the view and the "new" line, in CSS px. */
const LINE_TOP_PX = 12;

/** The reader's position in the list. */
export interface ScrollPosition {
  /** The newest message is in view. */
  atEnd: boolean;
  /** The same right now, before the next render. */
  isAtEnd: () => boolean;
  toEnd: () => void;
  /** Restores the view after the list has changed. With `hold`, a view at the end stops at the "new" line; true if it did. */
  restore: (hold?: boolean) => boolean;
}

/**
 * Keeps the reader's place. At the end, the view follows the end; elsewhere the message at the top of the view stays
 * where it is, whether messages come above or below or the keyboard opens. Calls `onNearTop` while scrolling near the top.
 */
export function useScrollAnchor(scroller: RefObject<HTMLDivElement>, onNearTop: () => void): ScrollPosition {
  const [atEnd, setAtEnd] = useState(true);
  /** `at`: the scroll position that was set when the view went to the end. */
  const place = useRef<{ end: boolean; at?: number; id?: string; top?: number }>({ end: true });
  const nearTop = useRef(onNearTop);
  nearTop.current = onNearTop;

  const look = useCallback((box: HTMLElement) => {
    const end = box.scrollHeight - box.scrollTop - box.clientHeight < END_PX;
    place.current = end ? { end } : { end, ...firstInView(box) };
    setAtEnd(end);
    return end;
  }, []);

  const restore = useCallback((hold = false) => {
    const box = scroller.current;
    if (box === null) return false;
    const { end, id, top } = place.current;
    if (end) {
      box.scrollTop = box.scrollHeight;
      place.current.at = box.scrollTop;
      const line = hold ? box.querySelector(".new-line") : null;
      const beyond = line === null ? 0 : topOf(box) + LINE_TOP_PX - topOf(line);
      if (beyond <= 0) return false;
      box.scrollTop -= beyond;
      return !look(box);
    }
    if (id !== undefined && top !== undefined) {
      const item = box.querySelector(`[data-item="${CSS.escape(id)}"]`);
      if (item) box.scrollTop += topOf(item) - top;
    }
    return false;
  }, []);

  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const onScroll = () => {
      const { end, at } = place.current;
      // The list grew and nobody scrolled up, so the view follows.
      if (end && at !== undefined && box.scrollTop >= at) return void restore();
      if (!look(box) && box.scrollTop < TOP_PX) nearTop.current();
    };
    box.addEventListener("scroll", onScroll, { passive: true });
    const sizes = new ResizeObserver(() => {
      if (place.current.end) restore();
    });
    sizes.observe(box);
    if (box.firstElementChild) sizes.observe(box.firstElementChild);
    return () => {
      box.removeEventListener("scroll", onScroll);
      sizes.disconnect();
    };
  }, []);

  const toEnd = useCallback(() => {
    place.current = { end: true };
    setAtEnd(true);
    restore();
  }, []);
  return { atEnd, isAtEnd: () => place.current.end, toEnd, restore };
}

function topOf(element: Element): number {
  return element.getBoundingClientRect().top;
}

function firstInView(box: HTMLElement): { id?: string; top?: number } {
  const boxTop = topOf(box);
  const all = box.querySelectorAll<HTMLElement>("[data-item]");
  // A binary search measures few of the items.
  let low = 0;
  let high = all.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle]!.getBoundingClientRect().bottom > boxTop) high = middle;
    else low = middle + 1;
  }
  const item = all[low];
  return item?.dataset.item === undefined ? {} : { id: item.dataset.item, top: topOf(item) };
}

/**
 * The "new" line, and the number of unseen messages. The reader is looking while the page is visible, up to date, and at
 * its end.
 *
 * While the reader is not looking, the line stands above all unread messages and moves up if one arrives above it. Once
 * they look, the line stays in place until they write or leave; messages that arrive meanwhile need no line. A view that
 * follows the end stops when the line reaches its top, so that reading starts with the missed messages.
 *
 * `settled`: the first messages have loaded, so screen readers may announce later ones.
 */
export function useNewMarker(
  place: ScrollPosition,
  { items, unread, upToDate, onSeen }: {
    items: readonly TimelineItem[];
    unread: ReadonlySet<EventId>;
    upToDate: boolean;
    onSeen: () => void;
  },
): { newFrom: EventId | undefined; unseen: number; settled: boolean } {
  const [line, setLine] = useState<EventId>();
  const [settled, setSettled] = useState(false);
  const visible = useVisible();
  /** The reader was looking at the last render. */
  const wasLooking = useRef(false);
  /** The line at which the view has stopped. It stops there only once. */
  const heldAt = useRef<EventId>();
  const mine = useRef<EventId>();
  const { first, count } = useMemo(() => unreadIn(items, unread), [items, unread]);
  const newFrom = wasLooking.current ? line : first ?? line;

  useLayoutEffect(() => {
    if (place.restore(!wasLooking.current && heldAt.current !== newFrom)) heldAt.current = newFrom;
  }, [items, newFrom]);

  useEffect(() => {
    const here = place.isAtEnd() && visible;
    const looking = here && upToDate;
    const last = items.at(-1);
    const wrote = last?.type === "message" && last.author.me && last.id !== mine.current;
    if (wrote) mine.current = last.id;
    const back = looking && !wasLooking.current;
    if (back && first !== undefined) setLine(first);
    else if ((wrote || !here) && (looking || first === undefined)) setLine(undefined);
    if (looking && unread.size > 0) onSeen();
    wasLooking.current = looking;
  }, [items, unread, visible, upToDate, place.atEnd]);

  useEffect(() => {
    if (items.length === 0 || settled) return;
    const timer = setTimeout(() => setSettled(true), 1_000);
    return () => clearTimeout(timer);
  }, [items.length > 0]);

  return { newFrom, unseen: count, settled };
}

/** Whether the page is visible. */
function useVisible(): boolean {
  const [visible, setVisible] = useState(true);
  useEffect(() => {
    const update = () => setVisible(document.visibilityState === "visible");
    update();
    document.addEventListener("visibilitychange", update);
    return () => document.removeEventListener("visibilitychange", update);
  }, []);
  return visible;
}
