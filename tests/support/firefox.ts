/** Finds a Firefox for tests that need two kinds of browsers. It is driven over WebDriver BiDi (W3C). */
import { type Browser, firefox } from "playwright-core";
import { installPackages, isFile } from "./debian_packages.ts";
import { isFastRun, skipped } from "./skipping.ts";

/** Where Firefox usually is. FIREFOX_PATH comes first. */
const PLACES = ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"];

/** The path of a Firefox; undefined, after saying why, when there is none. Installed only where CI=true: it takes a minute. */
export async function findFirefox(): Promise<string | undefined> {
  if (isFastRun()) return skipped("tests in Firefox", "left out of the fast run");
  const places = [Deno.env.get("FIREFOX_PATH"), ...PLACES].filter((place) => place !== undefined);
  if (!places.some(isFile) && Deno.env.get("CI") === "true") {
    await installPackages(["firefox-esr"], "for tests in Firefox");
  }
  return places.find(isFile) ??
    skipped("tests in Firefox", "none found; install one (Debian: apt-get install firefox-esr) or set FIREFOX_PATH");
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
