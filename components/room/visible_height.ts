import { useEffect } from "preact/hooks";

/**
 * Keeps the page as high as the area above the on-screen keyboard. Chromium does that by itself (`interactive-widget` in
 * the viewport tag); Safari puts its keyboard over the page and reports it only through `visualViewport`.
 */
export function useVisibleHeight(): void {
  useEffect(() => {
    const viewport = globalThis.visualViewport;
    if (!viewport) return;
    const root = document.documentElement;
    const update = () => {
      // After a pinch zoom the viewport is smaller for another reason.
      if (viewport.scale > 1.01) return;
      const covered = innerHeight - viewport.height;
      if (covered > 80) {
        root.style.setProperty("--visible-height", `${viewport.height}px`);
        // Safari also scrolls the page up under the keyboard; this scrolls it back.
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
