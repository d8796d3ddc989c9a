/**
 * A clock for durations. The device's wall clock may be changed while a page is open, by hand or by the network, a day
 * forward or back. A connection to be probed "at 21:00" would then wait until tomorrow.
 */

import type { Clock } from "./environment.ts";

/** If the wall clock moves by more than this against the other one, the device slept or its clock was changed. */
const JUMP_MS = 1_000;

/**
 * Never goes back, and includes the time a device sleeps. `wall`: the device's clock. `ticks`: a clock that cannot be set
 * but may stop during sleep, as `performance.now()` does on most phones (W3C High Resolution Time, section 4.1).
 *
 * A wall clock set forward looks like sleep. That is harmless: timers are due too early, once.
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
