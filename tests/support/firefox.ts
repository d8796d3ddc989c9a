/** Finds a Firefox for tests that need two kinds of browsers. It is driven over WebDriver BiDi (W3C). */
import { type Browser, firefox } from "playwright-core";
import { isFile } from "./debian_packages.ts";

/** Where Firefox usually is. FIREFOX_PATH comes first. */
const PLACES = ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"];

/** The path of a Firefox; undefined, after saying so, when there is none. Nothing is installed: it takes a minute. */
export function findFirefox(): string | undefined {
  const places = [Deno.env.get("FIREFOX_PATH"), ...PLACES].filter((place) => place !== undefined);
  const path = places.find(isFile);
  if (path === undefined) {
    console.warn("No Firefox found (Debian: apt-get install firefox-esr, or set FIREFOX_PATH). Its tests are skipped.");
  }
  return path;
}

/** Starts Firefox without a screen. */
export function launchFirefox(executablePath: string): Promise<Browser> {
  return firefox.launch({
    executablePath,
    // An ordinary Firefox, over BiDi; without it Playwright looks for a build of its own.
    channel: "moz-firefox",
    firefoxUserPrefs: {
      // A mouse, which a browser without a screen has not: fine (2) and hovering (4).
      "ui.primaryPointerCapabilities": 6,
      "ui.allPointerCapabilities": 6,
    },
  });
}
