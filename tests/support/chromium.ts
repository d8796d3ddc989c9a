/** Finds a Chromium for browser tests, or installs Debian's where that is possible. */
import { type Browser, chromium, type LaunchOptions } from "playwright-core";
import { installPackages, isFile } from "./debian_packages.ts";
import { isFastRun, skipped } from "./skipping.ts";

/** Where Chromium and Chrome usually are. CHROMIUM_PATH comes first. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // On a busy machine its mDNS responder answers too late for links between pages to be found.
  "--disable-features=WebRtcHideLocalIpsWithMdns",
];

let found: Promise<string | undefined> | undefined;

/**
 * The path of a Chromium, installing Debian's package when this is Debian and we are root; undefined, after saying why,
 * when there is none. With CI=true a missing browser is an error: a green run must have run the browser tests.
 */
export function findChromium(): Promise<string | undefined> {
  return found ??= find();
}

async function find(): Promise<string | undefined> {
  if (isFastRun()) return skipped("tests in Chromium", "left out of the fast run");
  const places = [Deno.env.get("CHROMIUM_PATH"), ...PLACES].filter((place) => place !== undefined);
  let path = places.find(isFile);
  if (path === undefined && await installPackages(["chromium", "fonts-noto-color-emoji"], "for the browser tests")) {
    path = places.find(isFile);
  }
  if (path !== undefined) return path;
  skipped("tests in Chromium", "none found; install one (Debian: apt-get install chromium) or set CHROMIUM_PATH");
}

/** Starts Chromium. `more` adds launch options; its `args` come on top of the usual ones. */
export function launchChromium(executablePath: string, more: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ executablePath, ...more, args: [...ARGS, ...more.args ?? []] });
}
