/** A day of statistics of several instances in one database, in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { openStore } from "../../../lib/store/store.ts";
import { STATS_TEXT_MAX_BYTES } from "../../../lib/store/operators/stats_history.ts";
import {
  type CounterName,
  COUNTERS,
  GAUGES,
  type HistogramName,
  HISTOGRAMS,
  labelsOf,
} from "../../../lib/server/stats/figures.ts";
import { onStorageFailure } from "../../../lib/server/environment.ts";
import { History } from "../../../lib/server/stats/history.ts";
import { ServerStats } from "../../../lib/server/stats/server_stats.ts";
import { counted, gauged, timed, writeRecord } from "../../../lib/server/stats/totals.ts";
import { countOf } from "../../../lib/server/stats/histogram.ts";
import { type KvHooks, MemoryDatabase } from "../../support/memory_kv.ts";
import { VirtualTime } from "../../support/virtual_time.ts";

const MINUTE_MS = 60_000;

function start() {
  const time = new VirtualTime(Date.UTC(2026, 6, 4, 20));
  const database = new MemoryDatabase({ now: () => time.now() });
  const instance = (name: string, hooks?: KvHooks) => {
    const stats = new ServerStats(time.clock);
    const calls = { commit: 0, list: 0, read: 0 };
    const store = openStore({ kv: database.open(hooks), onCall: (kind) => void calls[kind]++ });
    const failures: string[] = [];
    const history = new History({
      store: store.stats,
      instance: name,
      stats,
      gauges: () => ({ users: { "": 10 }, rooms: { "": 5 } }),
      clock: time.clock,
      timers: time.timers,
      refreshMs: 15_000,
      onFailure: onStorageFailure((error) => failures.push(error.message)),
    });
    return { stats, store, history, calls, failures };
  };
  return { time, instance };
}

Deno.test("minutes of all instances are added up; people too, rooms not", async () => {
  const { time, instance } = start();
  const [one, two] = [instance("one"), instance("two")];
  one.stats.count("events_stored", "", 3);
  two.stats.count("events_stored", "", 4);
  one.stats.observe("ack", 5);
  two.stats.observe("ack", 50);
  await time.run(MINUTE_MS + 1_000);
  one.stats.count("events_stored");
  const { minutes, others } = await one.history.view();
  assertEquals(minutes.length, 1);
  const [minute] = minutes;
  assertEquals([counted(minute!, "events_stored"), countOf(timed(minute!, "ack"))], [7, 2]);
  assertEquals([gauged(minute!.gauges, "users"), gauged(minute!.gauges, "rooms"), minute!.instances], [20, 5, 2]);
  assertEquals(counted(one.history.current, "events_stored"), 1);
  assertEquals(others.length, 1);
});

Deno.test("history has a day in ten-minute steps and an hour in minutes, and counts nothing twice", async () => {
  const { time, instance } = start();
  const { stats, history } = instance("one");
  await time.run(1_000);
  for (let minute = 0; minute < 25 * 60; minute++) {
    stats.count("events_stored");
    await time.run(MINUTE_MS);
  }
  const { minutes, tens } = await history.view();
  assertEquals([minutes.length, tens.length], [60, 144]);
  for (const { forMs, counters } of minutes) assertEquals([forMs, counters.events_stored], [MINUTE_MS, { "": 1 }]);
  for (const { counters } of tens) assertEquals(counters.events_stored, { "": 10 });
});

Deno.test("an instance writes 66 records an hour, and a constant viewer costs 480 lists at most", async () => {
  const { time, instance } = start();
  const { history, calls } = instance("one");
  await time.run(1_000);
  for (let looks = 0; looks < 3_600; looks++) {
    await time.run(1_000);
    await history.view();
  }
  assertEquals(calls.commit, 66);
  assert(calls.list <= 480, `${calls.list} lists`);
  assertEquals(calls.read, 0);
});

Deno.test("nothing is missing just after a minute, when its record is written and not yet read", async () => {
  const { time, instance } = start();
  const { stats, history } = instance("one");
  const all = async () => {
    const { minutes, unseen } = await history.view();
    return minutes.reduce((sum, slot) => sum + counted(slot, "events_stored"), counted(unseen, "events_stored"));
  };
  // So that it is read between two minutes.
  await time.run(5_000);
  for (let second = 1; second <= 200; second++) {
    stats.count("events_stored");
    assertEquals(await all(), second);
    await time.run(1_000);
  }
});

Deno.test("counts that could not be written while the database was away are in the next record", async () => {
  const { time, instance } = start();
  let down = false;
  const hooks: KvHooks = { fail: (moment) => down && moment === "before" ? new Error("away") : undefined };
  const { stats, history, failures } = instance("one", hooks);
  down = true;
  stats.count("events_stored", "", 5);
  await time.run(2 * MINUTE_MS + 30_000);
  down = false;
  await time.run(MINUTE_MS);
  const { minutes } = await history.view();
  if (failures.length === 0) throw new Error("the database was never away");
  assertEquals(minutes.reduce((sum, slot) => sum + counted(slot, "events_stored"), 0), 5);
});

Deno.test("an instance that ends writes its last record and is gone at once", async () => {
  const { time, instance } = start();
  const [one, two] = [instance("one"), instance("two")];
  await time.run(MINUTE_MS + 1_000);
  assertEquals((await one.history.view()).others.length, 1);
  two.stats.count("events_stored", "", 9);
  await two.history.close();
  await time.run(15_000);
  const view = await one.history.view();
  assertEquals(view.others.length, 0);
  assertEquals(view.minutes.reduce((sum, slot) => sum + counted(slot, "events_stored"), 0), 9);
});

Deno.test("the fullest possible record fits into a KV value", () => {
  const stats = new ServerStats();
  for (const name of Object.keys(COUNTERS) as CounterName[]) {
    for (const label of labelsOf(COUNTERS[name])) stats.count(name, label, 123_456_789_012);
  }
  for (const name of Object.keys(HISTOGRAMS) as HistogramName[]) {
    for (const label of labelsOf(HISTOGRAMS[name])) {
      stats.addBuckets(name, Array.from({ length: 88 }, (_, bucket) => [bucket, 123_456_789]), label);
    }
  }
  const gauges = Object.fromEntries(Object.keys(GAUGES).map((name) => [name, { "": 1e12 }]));
  const text = writeRecord({ ...stats.totals(), at: Date.now(), forMs: 600_000, gauges });
  assert(text.length <= STATS_TEXT_MAX_BYTES, `${text.length} bytes`);
});
