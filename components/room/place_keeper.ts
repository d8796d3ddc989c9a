/** Where the reader is in the list, and what they have not seen. */
import { type RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { TimelineItem } from "../../lib/chat/timeline.ts";

/** Nearer to the end than this counts as being there, in CSS px: less than one line of text. */
const END_PX = 24;
/** Older messages are asked for when this near to the top, in CSS px. */
const TOP_PX = 600;

/**
 * Keeps the reader's place: at the end it stays at the end; elsewhere the message at the top of the view stays where it
 * is, whatever comes above or below, and when the keyboard opens. `onNearTop` is called while scrolling near the top.
 */
export function usePlaceKeeper(
  scroller: RefObject<HTMLDivElement>,
  items: readonly TimelineItem[],
  onNearTop: () => void,
): { atEnd: boolean; toEnd: () => void } {
  const [atEnd, setAtEnd] = useState(true);
  const place = useRef<{ end: boolean; id?: string; top?: number }>({ end: true });
  const nearTop = useRef(onNearTop);
  nearTop.current = onNearTop;

  const restore = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    const { end, id, top } = place.current;
    if (end) box.scrollTop = box.scrollHeight;
    else if (id !== undefined && top !== undefined) {
      const item = box.querySelector(`[data-item="${CSS.escape(id)}"]`);
      if (item) box.scrollTop += item.getBoundingClientRect().top - top;
    }
  }, []);

  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const onScroll = () => {
      const end = box.scrollHeight - box.scrollTop - box.clientHeight < END_PX;
      place.current = end ? { end } : { end, ...firstInView(box) };
      setAtEnd(end);
      if (!end && box.scrollTop < TOP_PX) nearTop.current();
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

  useLayoutEffect(restore, [items]);

  const toEnd = useCallback(() => {
    place.current = { end: true };
    setAtEnd(true);
    restore();
  }, []);
  return { atEnd, toEnd };
}

function firstInView(box: HTMLElement): { id?: string; top?: number } {
  const boxTop = box.getBoundingClientRect().top;
  const all = box.querySelectorAll<HTMLElement>("[data-item]");
  // The items stand in order: a binary search touches few of them.
  let low = 0;
  let high = all.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle]!.getBoundingClientRect().bottom > boxTop) high = middle;
    else low = middle + 1;
  }
  const item = all[low];
  return item?.dataset.item === undefined ? {} : { id: item.dataset.item, top: item.getBoundingClientRect().top };
}

/**
 * What came while the reader was elsewhere: `unseen` counts it until they reach the end, `newFrom` is the first of it
 * and stays until they write or leave again. `settled`: the first messages are there, so later ones may be read out.
 */
export function useNewMarker(
  items: readonly TimelineItem[],
  atEnd: boolean,
): { newFrom: string | undefined; unseen: number; settled: boolean } {
  const [newFrom, setNewFrom] = useState<string>();
  const [unseen, setUnseen] = useState(0);
  const [settled, setSettled] = useState(false);
  const known = useRef<Set<string>>();
  const looking = atEnd && (typeof document === "undefined" || document.visibilityState === "visible");

  // First, so that what comes in the same render as leaving counts as new.
  useEffect(() => {
    if (looking) setUnseen(0);
    // Leaving the end begins a new "new": the old line has been read.
    else if (unseen === 0) setNewFrom(undefined);
  }, [looking]);

  useEffect(() => {
    if (items.length === 0) return;
    const before = known.current;
    known.current = new Set(items.map(({ id }) => id));
    if (before === undefined) return;
    // What stands below something known is new; what stands above is older history.
    let lastKnown = items.length - 1;
    while (lastKnown >= 0 && !before.has(items[lastKnown]!.id)) lastKnown--;
    const fresh = items.slice(lastKnown + 1).filter((item) => item.type === "message");
    if (fresh.some((item) => item.type === "message" && item.author.me)) {
      setNewFrom(undefined);
      setUnseen(0);
    } else if (!looking && fresh[0] !== undefined) {
      const first = fresh[0].id;
      setUnseen((count) => count + fresh.length);
      setNewFrom((old) => old ?? first);
    }
  }, [items]);

  useEffect(() => {
    if (items.length === 0 || settled) return;
    const timer = setTimeout(() => setSettled(true), 1_000);
    return () => clearTimeout(timer);
  }, [items.length > 0]);

  return { newFrom, unseen, settled };
}
