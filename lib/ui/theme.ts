/** Night or sunlight: kept on this device, put on <html>. Browser only. */

/** `auto`: night, or sunlight where the system asks for light colours and more contrast. */
export const THEMES = ["auto", "dark", "sunlight"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "festival-chat.theme";
/** Colour of the browser's own bars, as `--ground` in static/styles.css. */
const BAR_COLORS = { dark: "#0b0f0d", sunlight: "#ffffff" };

/**
 * Runs in <head> before anything is drawn, so that no page flashes in the wrong look. It is the text of a script: it
 * cannot import, and has to say the same as `applyTheme`.
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
    // Storage is off: nothing was chosen.
    return "auto";
  }
}

/** Keeps the choice and shows it at once. */
export function applyTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is off: the choice lives as long as this page.
  }
  const light = matchMedia("(prefers-color-scheme: light) and (prefers-contrast: more)").matches;
  const shown = theme === "auto" ? (light ? "sunlight" : "dark") : theme;
  document.documentElement.dataset.theme = shown;
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", BAR_COLORS[shown]);
}
