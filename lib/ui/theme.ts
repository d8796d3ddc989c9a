/** The theme, dark or sunlight: stored on this device and set on <html>. Browser only. */

/** `auto`: dark, or sunlight where the system prefers light colours and more contrast. */
export const THEMES = ["auto", "dark", "sunlight"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "festival-chat.theme";
/** Colours of the browser's own bars: `--ground` in static/styles.css. */
const BAR_COLORS = { dark: "#0b0f0d", sunlight: "#ffffff" };

/**
 * Runs in <head> before the browser paints, so that no page flashes in the wrong theme. An inline script cannot import,
 * so it repeats what `applyTheme` does.
 */
export const THEME_SCRIPT = `(()=>{let t;try{t=localStorage.getItem("${KEY}")}catch{}` +
  `if(t!=="dark"&&t!=="sunlight")t=matchMedia("(prefers-color-scheme:light) and (prefers-contrast:more)").matches?"sunlight":"dark";` +
  `document.documentElement.dataset.theme=t;` +
  `if(t==="sunlight")document.querySelector("meta[name=theme-color]").content="${BAR_COLORS.sunlight}"})()`;

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === kept) ?? "auto";
  } catch {
    // Storage is off, so no choice was stored.
    return "auto";
  }
}

/** Stores the choice and applies it at once. */
export function applyTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is off: the choice lasts until this page closes.
  }
  const light = matchMedia("(prefers-color-scheme: light) and (prefers-contrast: more)").matches;
  const shown = theme === "auto" ? (light ? "sunlight" : "dark") : theme;
  document.documentElement.dataset.theme = shown;
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", BAR_COLORS[shown]);
}
