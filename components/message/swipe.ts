import { useRef } from "preact/hooks";

/** Distance after which a swipe counts, and how far the content follows the finger, in CSS px. */
const SWIPE_PX = 64;
const FOLLOW_PX = 72;

/** Touch handlers for a swipe to the right. The content follows the finger and springs back. */
export function useSwipe(onSwipe: () => void) {
  const start = useRef<{ x: number; y: number }>();
  const reach = (event: TouchEvent) => {
    const touch = event.changedTouches[0];
    if (start.current === undefined || touch === undefined) return 0;
    const x = touch.clientX - start.current.x;
    // A mostly vertical move scrolls the list.
    return Math.abs(touch.clientY - start.current.y) > Math.max(24, x / 2) ? 0 : Math.max(0, x);
  };
  const moveTo = (event: TouchEvent, x: number) => {
    if (event.currentTarget instanceof HTMLElement) {
      event.currentTarget.style.transform = x === 0 ? "" : `translateX(${Math.min(x, FOLLOW_PX)}px)`;
    }
  };
  const end = (event: TouchEvent, counts: boolean) => {
    const x = reach(event);
    moveTo(event, 0);
    start.current = undefined;
    if (counts && x >= SWIPE_PX) onSwipe();
  };
  return {
    onTouchStart: (event: TouchEvent) => {
      const touch = event.touches[0];
      start.current = event.touches.length === 1 && touch ? { x: touch.clientX, y: touch.clientY } : undefined;
    },
    onTouchMove: (event: TouchEvent) => {
      const x = reach(event);
      moveTo(event, x > 12 ? x : 0);
    },
    onTouchEnd: (event: TouchEvent) => end(event, true),
    onTouchCancel: (event: TouchEvent) => end(event, false),
  };
}
