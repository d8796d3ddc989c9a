import { useEffect } from "preact/hooks";

/**
 * Keeps the page as high as what is seen above the keyboard. Chromium does it by itself (`interactive-widget` in the
 * viewport tag); Safari lays its keyboard over the page and only tells here.
 */
export function useVisibleHeight(): void {
  useEffect(() => {
    const viewport = globalThis.visualViewport;
    if (!viewport) return;
    const root = document.documentElement;
    const update = () => {
      // Zoomed in by the fingers, less is seen for another reason.
      if (viewport.scale > 1.01) return;
      const covered = innerHeight - viewport.height;
      if (covered > 80) {
        root.style.setProperty("--visible-height", `${viewport.height}px`);
        // Safari also scrolls the page under the keyboard: back to the top, where the room is.
        scrollTo(0, 0);
      } else root.style.removeProperty("--visible-height");
    };
    viewport.addEventListener("resize", update);
    viewport.addEventListener("scroll", update);
    return () => {
      viewport.removeEventListener("resize", update);
      viewport.removeEventListener("scroll", update);
      root.style.removeProperty("--visible-height");
    };
  }, []);
}
