/** A clock for durations that cannot be set. */
import { assertEquals } from "@std/assert";
import { steadyClock } from "../../lib/shared/steady_clock.ts";

/** Events, and how far the steady clock advances. `tickedMs`: as far as the other clock counts it. */
const TABLE: [what: string, passed: { wallMs: number; tickedMs: number }, goesMs: number][] = [
  ["time passes", { wallMs: 5_000, tickedMs: 5_000 }, 5_000],
  ["the device slept, and one clock stood still", { wallMs: 3_600_000, tickedMs: 10 }, 3_600_000],
  ["the clock was set back a day", { wallMs: -86_400_000, tickedMs: 700 }, 700],
  ["the clock was set forward a day: as if the device had slept", { wallMs: 86_400_000, tickedMs: 0 }, 86_400_000],
  ["the network corrects the clock a little", { wallMs: 900, tickedMs: 1_000 }, 1_000],
];

for (const [what, { wallMs, tickedMs }, goesMs] of TABLE) {
  Deno.test(`steady clock: ${what}`, () => {
    let wall = Date.UTC(2026, 6, 4, 20), ticks = 100;
    const clock = steadyClock({ now: () => wall }, { now: () => ticks });
    const before = clock.now();
    wall += wallMs;
    ticks += tickedMs;
    assertEquals(clock.now() - before, goesMs);
    // Asked again, it gives the same time.
    assertEquals(clock.now() - before, goesMs);
    wall += 1_000;
    ticks += 1_000;
    assertEquals(clock.now() - before, goesMs + 1_000);
  });
}

Deno.test("steady clock: it begins with the device's time", () => {
  assertEquals(steadyClock({ now: () => 1_234 }, { now: () => 5 }).now(), 1_234);
});
