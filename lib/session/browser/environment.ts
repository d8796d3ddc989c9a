/** A page's environment: clock, randomness, signatures, small texts that it keeps, and events. */
import { type Cancel, type Clock, wallClock } from "../../shared/environment.ts";
import { ed25519 } from "../../crypto/ed25519.ts";
import { NOTICES_KEY } from "../model/notices_model.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { NoticeStorage } from "../room/notice_board.ts";
import { steadyClock } from "../../shared/steady_clock.ts";

export { realRandom as random, realTimers as timers, wallClock as clock } from "../../shared/environment.ts";

export const steady: Clock = steadyClock(wallClock, { now: () => performance.now() });

/** Chosen and tested at the first use. */
export const signatures: SessionDeps["ed25519"] = {
  signer: async (seed) => (await ed25519()).signer(seed),
  verify: async (author, text, signature) => (await ed25519()).verify(author, text, signature),
};

export const log = (line: string) => console.info(line);

/** Calls `hear` at each of these events until cancelled. */
export function listen(events: [EventTarget, string][], hear: () => void): Cancel {
  for (const [target, type] of events) target.addEventListener(type, hear);
  return () => {
    for (const [target, type] of events) target.removeEventListener(type, hear);
  };
}

/** A stored text of this device or tab; undefined where there is none, or storage is not allowed. */
export function keptText(key: string, store: "localStorage" | "sessionStorage" = "localStorage"): string | undefined {
  try {
    return globalThis[store].getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Stores a text; where storage is not allowed, its effect ends with this page. */
export function keepText(key: string, text: string, store: "localStorage" | "sessionStorage" = "localStorage"): void {
  try {
    globalThis[store].setItem(key, text);
  } catch {
    // Storage is not allowed.
  }
}

/** The operator's notices on this device, for rooms and the home page. */
export const noticeStorage: NoticeStorage = {
  read: () => keptText(NOTICES_KEY),
  write: (text) => keepText(NOTICES_KEY, text),
  // Other tabs of this device announce changes by writing.
  listen: (hear) => listen([[window, "storage"]], hear),
};
