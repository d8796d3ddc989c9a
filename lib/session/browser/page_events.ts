/** Events of a page in its browser: shown, hidden, woken, left, or on another network. */

import type { Cancel } from "../../shared/environment.ts";
import type { RoomConnection } from "../connection/room_connection.ts";
import type { RoomSession } from "../room/room_session.ts";
import { listen } from "./environment.ts";

/**
 * Reacts to every event that may mean that the device slept or changed its network. A page from the back-forward cache
 * has a dead socket and gets `pageshow` without `visibilitychange`.
 */
export function watchPage(session: RoomSession, connection: RoomConnection): Cancel {
  const network = "connection" in navigator ? navigator.connection : undefined;
  const wake = () => connection.wake();
  const stops = [
    listen([[window, "pageshow"], [window, "offline"], [document, "resume"]], wake),
    listen([[window, "online"]], () => connection.networkChanged()),
    listen([[document, "visibilitychange"]], () => {
      if (document.visibilityState === "visible") wake();
      else void session.persist();
    }),
    listen([[window, "pagehide"]], () => {
      // If the page may be shown again, its storage waits until then.
      void session.persist();
      connection.leave();
    }),
    // Chromium reports mere changes of speed too, so this does not reset what is known of the transports.
    network instanceof EventTarget ? listen([[network, "change"]], wake) : () => {},
  ];
  return () => stops.forEach((stop) => stop());
}

/** Returns a function: how long the page has been hidden, ms; 0 while it is visible. */
export function hiddenTime(): () => number {
  const since = () => document.visibilityState === "hidden" ? performance.now() : undefined;
  let hiddenAt = since();
  document.addEventListener("visibilitychange", () => hiddenAt = since());
  return () => hiddenAt === undefined ? 0 : performance.now() - hiddenAt;
}
