/** What a browser tells a page of its life: shown, hidden, woken, left, on another network. */

import type { Cancel } from "../../shared/environment.ts";
import type { RoomConnection } from "../connection/room_connection.ts";
import type { RoomSession } from "../room/room_session.ts";
import { listen } from "./environment.ts";

/**
 * Whatever may mean that the device slept or changed its network. `pageshow` too: a page out of the back-forward cache has
 * a dead socket and no `visibilitychange`.
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
      // Of a page that may be shown again, storage waits until then.
      void session.persist();
      connection.leave();
    }),
    // Chromium also tells of mere changes in speed there: no reason to forget what is known of the transports.
    network instanceof EventTarget ? listen([[network, "change"]], wake) : () => {},
  ];
  return () => stops.forEach((stop) => stop());
}

/** Asked any time from now on: how long nobody has looked at the page, ms; 0 while somebody does. */
export function hiddenTime(): () => number {
  const since = () => document.visibilityState === "hidden" ? performance.now() : undefined;
  let hiddenAt = since();
  document.addEventListener("visibilitychange", () => hiddenAt = since());
  return () => hiddenAt === undefined ? 0 : performance.now() - hiddenAt;
}
