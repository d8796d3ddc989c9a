/**
 * A clock for durations. The device's own may be set while a page is open, by hand or by the network, a day forward or
 * back: a connection that is due to be probed "at 21:00" would then wait until tomorrow.
 */

import type { Clock } from "./environment.ts";

/** Where the wall clock gains more than this on the other one, the device slept, or its clock was set. */
const JUMP_MS = 1_000;

/**
 * Never goes back, and counts the time a device sleeps. `wall`: the device's clock. `ticks`: one that cannot be set,
 * but may stand still in sleep, as `performance.now()` does on most phones (W3C High Resolution Time, section 4.1).
 *
 * A wall clock that is set forward looks like sleep. That is harmless: whatever is due then is due too early, once.
 */
export function steadyClock(wall: Clock, ticks: Clock): Clock {
  let ahead = wall.now() - ticks.now();
  let offset = ahead;
  return {
    now() {
      const now = ticks.now();
      const gained = wall.now() - now - ahead;
      if (Math.abs(gained) > JUMP_MS) {
        ahead += gained;
        if (gained > 0) offset += gained;
      }
      return now + offset;
    },
  };
}
