/** The limits on the events of one address: docs/LIMITS.md. */
import { assert, assertEquals } from "@std/assert";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { EventBudgets, type EventCharge, eventCost } from "../../lib/server/limits/event_budgets.ts";

const MINUTE = 60_000;
const MEGABYTE = 1_048_576;
const budgets = () => new EventBudgets(DEFAULT_CONFIG.limits);
const event = (more: Partial<EventCharge> = {}): EventCharge => ({
  room: "room",
  address: "203.0.113.5",
  origin: "own",
  bytes: 200,
  ...more,
});

/** Charges `perSecond` events a second for `minutes`; returns how many were taken. */
function flood(perSecond: number, minutes: number, charge: EventCharge, into = budgets()): number {
  let taken = 0;
  for (let at = 0; at < minutes * MINUTE; at += 1_000) {
    for (let n = 0; n < perSecond; n++) if (into.take(charge, at) === 0) taken++;
  }
  return taken;
}

Deno.test("[BUDGET-1] [BUDGET-3] ten minutes of fresh keys from one address bring in 20 events a second, after 1,000 at once", () => {
  for (const origin of ["carried", "first"] as const) {
    const taken = flood(500, 10, event({ origin }));
    assert(taken >= 12_000 && taken <= 13_100, `${origin}: ${taken}`);
    const long = flood(100, 10, event({ origin, bytes: 16_000 }));
    assert(long <= 13_100 / 8 + 1, `${long} long ones`);
  }
});

Deno.test("[BUDGET-1] a thousand people of one address talk in one room as fast as their authors' limits allow", () => {
  const into = budgets();
  for (let person = 0; person < 1_000; person++) assertEquals(into.take(event({ origin: "first" }), 0), 0);
  assertEquals(flood(200, 10, event(), into), 200 * 600);
});

Deno.test("[BUDGET-1] a flood into one room delays nobody of another address or in another room", () => {
  const into = budgets();
  flood(500, 1, event({ origin: "carried" }), into);
  assert(into.take(event({ origin: "carried" }), MINUTE - 1_000) > 0);
  assertEquals(into.take(event({ origin: "carried", address: "198.51.100.7" }), MINUTE - 1_000), 0);
  assertEquals(into.take(event({ origin: "carried", room: "other" }), MINUTE - 1_000), 0);
  assertEquals(into.take(event({ origin: "first" }), MINUTE - 1_000), 0, "newcomers do not wait for what others carry");
});

Deno.test("[BUDGET-2] one address writes 96 MB into one room, 256 MB into all, and then as much a day", () => {
  const into = budgets();
  const write = (room: string, atMs: number) => {
    let bytes = 0;
    while (into.take(event({ room, bytes: 16_384 }), atMs) === 0) bytes += 16_384;
    return bytes / MEGABYTE;
  };
  assertEquals(["a", "b", "c", "d"].map((room) => Math.round(write(room, 0))), [96, 96, 64, 0]);
  assert(into.take(event({ room: "d", address: "198.51.100.7", bytes: 16_384 }), 0) === 0);
  assertEquals(Math.round(write("a", 24 * 60 * MINUTE)), 96);
});

Deno.test("[BUDGET-1] a refusal says how long to wait, and costs nothing", () => {
  const into = budgets();
  flood(2_000, 1 / 60, event({ origin: "carried" }), into);
  const waitMs = into.take(event({ origin: "carried" }), 0);
  assert(waitMs > 0);
  assertEquals(into.take(event({ origin: "carried" }), 0), waitMs);
  assertEquals(into.take(event({ origin: "carried" }), waitMs), 0);
});

Deno.test("[BUDGET-1] an event costs a token for each 2 KB", () => {
  assertEquals([0, 1, 2_048, 2_049, 16_384].map(eventCost), [1, 1, 1, 2, 8]);
});
