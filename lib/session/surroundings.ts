/** The real surroundings of what runs in a page: its clock, its storage, its events. */
import { ed25519 } from "../crypto/ed25519.ts";
import { NOTICES_KEY } from "../design/read_notices.ts";
import type { Cancel, Clock, Random, SessionDeps, Timers } from "./deps.ts";
import { idbStorage } from "./idb_storage.ts";
import type { NoticeShelf } from "./notices.ts";
import { renewableStorage } from "./renewable_storage.ts";
import { steadyClock } from "./steady_clock.ts";

export const clock: Clock = { now: () => Date.now() };

export const steady: Clock = steadyClock(clock, { now: () => performance.now() });

export const timers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

export const random: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  fraction: () => Math.random(),
};

/** Chosen and tried out at the first use. */
export const signatures: SessionDeps["ed25519"] = {
  signer: async (seed) => (await ed25519()).signer(seed),
  verify: async (author, text, signature) => (await ed25519()).verify(author, text, signature),
};

export const storage = renewableStorage({
  open: (onLost) => idbStorage(undefined, onLost),
  memory: async () => (await import("./on_demand.ts")).memoryStorage(),
  timers,
  log: (line) => log(line),
});

export const log = (line: string) => console.info(line);

/** Calls `hear` at each of these events, until cancelled. */
export function listen(events: [EventTarget, string][], hear: () => void): Cancel {
  for (const [target, type] of events) target.addEventListener(type, hear);
  return () => {
    for (const [target, type] of events) target.removeEventListener(type, hear);
  };
}

/** A text of this device or tab; undefined where there is none, or the page may keep nothing. */
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

/** The operator's notices on this device, for rooms and the home page. */
export const noticeShelf: NoticeShelf = {
  read: () => keptText(NOTICES_KEY),
  write: (text) => keepText(NOTICES_KEY, text),
  // Other tabs of this device tell by writing.
  listen: (hear) => listen([[window, "storage"]], hear),
};
