/** Small texts that a page keeps in a real browser: of the device, or of the tab. */

/** Undefined where there is none, or the page may keep nothing. */
export function keptText(key: string, store: "localStorage" | "sessionStorage" = "localStorage"): string | undefined {
  try {
    return globalThis[store].getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a text; where nothing may be kept, it holds for this page. */
export function keepText(key: string, text: string, store: "localStorage" | "sessionStorage" = "localStorage"): void {
  try {
    globalThis[store].setItem(key, text);
  } catch {
    // Said above.
  }
}
