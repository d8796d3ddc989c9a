/** Overload: which work is refused when, in which order, and how it ends. */
import { assert, assertEquals } from "@std/assert";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { LoadMeter } from "../../lib/server/limits/load_meter.ts";
import { type Load, LOAD_LEVELS, type LoadSignals, nextLoad, NO_LOAD } from "../../lib/server/limits/overload.ts";
import { isFailure, retryDelayMs } from "../../lib/routing/backoff.ts";
import { newGenesis, TestClient } from "../support/client.ts";
import { startTestServer } from "./support.ts";
import { VirtualTime } from "./virtual_time.ts";

const { overload: SETTINGS } = DEFAULT_CONFIG;
const QUIET: LoadSignals = { lagMs: 0, busyShare: 0, queueShare: 0, storeMs: 0, memoryShare: 0 };

/** Checks once per signal, `lookMs` apart. */
function loads(...signals: Partial<LoadSignals>[]): Load[] {
  let load = NO_LOAD;
  return signals.map((some, at) => load = nextLoad(load, { ...QUIET, ...some }, at * SETTINGS.lookMs, SETTINGS));
}

Deno.test("[LOAD-1] [LOAD-2] [LOAD-3] each signal has three limits, and the worst signal decides", () => {
  const table: [Partial<LoadSignals>, string, string?][] = [
    [{}, "normal"],
    [{ lagMs: 249, busyShare: 0.89, queueShare: 0.49, storeMs: 999, memoryShare: 0.79 }, "normal"],
    [{ lagMs: 250 }, "no_newcomers", "lagMs"],
    [{ busyShare: 0.9 }, "no_newcomers", "busyShare"],
    [{ queueShare: 0.5 }, "no_newcomers", "queueShare"],
    [{ storeMs: 1_000 }, "no_newcomers", "storeMs"],
    [{ memoryShare: 0.8 }, "no_newcomers", "memoryShare"],
    [{ lagMs: 500 }, "no_joins", "lagMs"],
    [{ memoryShare: 0.9, lagMs: 300 }, "no_joins", "memoryShare"],
    [{ lagMs: 1_000 }, "fewer_events", "lagMs"],
    [{ busyShare: 0.98 }, "fewer_events", "busyShare"],
    [{ queueShare: 0.9, busyShare: 0.95 }, "fewer_events", "queueShare"],
    [{ storeMs: 2_500 }, "fewer_events", "storeMs"],
    [{ memoryShare: 0.99 }, "fewer_events", "memoryShare"],
  ];
  for (const [signals, level, signal] of table) {
    const [load] = loads(signals);
    assertEquals([load!.level, load!.signal], [level, signal], JSON.stringify(signals));
  }
});

Deno.test("[LOAD-3] the accepted share of events shrinks while the load lasts, and never reaches zero", () => {
  const shares = loads(...Array.from({ length: 40 }, () => ({ busyShare: 1 }))).map(({ eventShare }) => eventShare);
  assertEquals(shares.slice(0, 3).map((share) => Math.round(share * 100)), [80, 64, 51]);
  assertEquals(shares.at(-1), SETTINGS.minShare);
});

Deno.test("[LOAD-4] after the worst load, events return first, then joins, then newcomers, within 10 s", () => {
  const all = loads(...Array.from({ length: 40 }, () => ({ lagMs: 5_000 })), ...Array.from({ length: 60 }, () => ({})));
  const after = all.slice(40);
  const firstAt = (test: (load: Load) => boolean) => after.findIndex(test) * SETTINGS.lookMs;
  const eventsAt = firstAt(({ eventShare }) => eventShare === 1);
  const levelsAt = LOAD_LEVELS.map((name) => firstAt(({ level }) => level === name));
  assert(eventsAt < levelsAt[2]!, "events before joins");
  assert(levelsAt[2]! < levelsAt[1]! && levelsAt[1]! < levelsAt[0]!, `one level after the other: ${levelsAt}`);
  assert(levelsAt[0]! <= 10_000, `normal after ${levelsAt[0]} ms`);
});

Deno.test("[LOAD-4] a level stays while its signal comes and goes", () => {
  const swinging = Array.from({ length: 40 }, (_, at) => at % 3 === 0 ? { lagMs: 600 } : {});
  assert(loads(...swinging).every(({ level }) => level === "no_joins"));
});

Deno.test("the meter smooths: one long turn of the event loop is no overload; three busy seconds are", () => {
  let cpuMs = 0, at = 0;
  const meter = new LoadMeter(1_000, {
    threadCpuMs: () => cpuMs,
    steadyNow: () => at,
    heap: () => ({ usedBytes: 10, limitBytes: 100 }),
    residentBytes: () => 600,
  });
  const look = (lagMs: number, busyMs: number, lateShare = 0, storeMs = 0) => {
    at += 250;
    cpuMs += busyMs;
    return meter.measure({ lagMs, lateShare }, { queueShare: 0.25, storeMs });
  };
  const once = look(800, 250);
  assertEquals(nextLoad(NO_LOAD, once, 0, SETTINGS).level, "normal");
  assertEquals([once.queueShare, once.memoryShare], [0.25, 0.6], "resident memory against what may be used");
  for (let count = 0; count < 12; count++) look(0, 250);
  assertEquals(nextLoad(NO_LOAD, look(0, 250), 0, SETTINGS).level, "fewer_events");
  for (let count = 0; count < 8; count++) look(0, 10);
  assertEquals(nextLoad(NO_LOAD, look(0, 10), 0, SETTINGS).level, "normal");
  assertEquals(nextLoad(NO_LOAD, look(0, 10, 0, 2_000), 0, SETTINGS).level, "normal", "one long commit");
  for (let count = 0; count < 8; count++) look(0, 10, 0, 2_000);
  assertEquals(nextLoad(NO_LOAD, look(0, 10, 0, 2_000), 0, SETTINGS).level, "no_joins", "a database that is too slow");
  for (let count = 0; count < 14; count++) look(20, 100, 1);
  const starved = nextLoad(NO_LOAD, look(20, 100, 1), 0, SETTINGS);
  assertEquals(starved.level, "fewer_events", "always a turn under way, with a part of the core only");
});

Deno.test("without a thread's CPU time, late timers alone show that it is busy", () => {
  let at = 0;
  const meter = new LoadMeter(Infinity, {
    threadCpuMs: () => 0,
    steadyNow: () => at += 250,
    heap: () => ({ usedBytes: 10, limitBytes: 100 }),
    residentBytes: () => 600,
  });
  for (let count = 0; count < 14; count++) meter.measure({ lagMs: 20, lateShare: 1 }, { queueShare: 0, storeMs: 0 });
  assertEquals(
    nextLoad(NO_LOAD, meter.measure({ lagMs: 20, lateShare: 1 }, { queueShare: 0, storeMs: 0 }), 0, SETTINGS).level,
    "fewer_events",
  );
});

Deno.test("the meter's own probes measure this process", () => {
  const meter = new LoadMeter(Infinity);
  const end = performance.now() + 100;
  while (performance.now() < end);
  const { busyShare, memoryShare } = meter.measure({ lagMs: 0, lateShare: 0 }, { queueShare: 0, storeMs: 0 });
  // Smoothed from nothing: a quarter of what was measured. Other programs may have had the core for a while.
  assert(busyShare > 0.02 && busyShare <= 0.25, `${busyShare}`);
  assert(memoryShare > 0 && memoryShare < 0.5, `${memoryShare}`);
});

/** A room with one client, on a server whose load a test sets. */
async function loadedRoom() {
  const time = new VirtualTime();
  let signals = QUIET;
  const running = startTestServer({ time, meter: { measure: () => signals } });
  const room = await running.newRoom();
  const join = async () => {
    const client = await TestClient.create({ room: room.id, open: running.wire(room.id).open });
    return client;
  };
  const there = await join();
  await there.connect();
  return {
    running,
    time,
    there,
    join,
    async load(some: Partial<LoadSignals>) {
      signals = { ...QUIET, ...some };
      await time.advance(SETTINGS.lookMs + SETTINGS.sampleMs);
    },
    async end() {
      await Promise.all([there.close(), running.close(), time.advance(5_000)]);
      assertEquals(time.waiting, 0);
    },
  };
}

Deno.test("[LOAD-1] newcomers and history wait; returning and present clients do not", async () => {
  const { there, join, load, end, running, time } = await loadedRoom();
  const old = await join();
  await old.connect();
  await old.close();
  await load({ lagMs: 300 });

  const newcomer = await join();
  newcomer.openOnly();
  await newcomer.hello((await newcomer.waitFor("challenge")).nonce);
  const goodbye = await newcomer.waitFor("goodbye");
  assertEquals(goodbye.reason, "overloaded");
  assert(goodbye.retryAfterMs! >= 250);
  assert(!isFailure(goodbye), "no failure of the transport");
  assertEquals(retryDelayMs({ ...goodbye, failures: 7, wasStable: false }, 0), goodbye.retryAfterMs!);

  there.send({ type: "history", before: 2, limit: 10 });
  const busy = await there.waitFor("problem");
  assertEquals([busy.problem, busy.retryAfterMs! >= SETTINGS.retryAfterMs], ["busy", true]);

  assert(await old.connect() !== undefined, "a client with a position is welcomed");
  await there.say("still here");
  const { status, reasons } = await running.server.health();
  assertEquals([status, reasons], ["degraded", ["overloaded: no_newcomers (lagMs)"]]);
  assert((await running.server.ready()).ready);

  await load({});
  await time.advance(2_000);
  assert(await newcomer.connect() !== undefined, "and then everybody is");
  await Promise.all([newcomer.close(), old.close()]);
  await end();
});

Deno.test("[LOAD-1] until the load is over no room is made, each client gets another time to return, and wrong codes get no suggestions", async () => {
  const { load, end, running: { server }, time } = await loadedRoom();
  const visitor = { device: "host", address: "192.0.2.7" };
  const genesis = await newGenesis();
  const suggested = async () => await server.findRoomByCode("no such code 1", visitor);
  assertEquals(await suggested(), { problem: "no_such_room", suggestions: [] });
  await load({ lagMs: 300 });
  const waits = new Set<number>();
  for (let count = 0; count < 5; count++) {
    const answer = await server.createRoom(genesis.wire, visitor);
    assert("problem" in answer && answer.problem === "overloaded");
    assert(answer.retryAfterMs! >= 250);
    waits.add(answer.retryAfterMs!);
  }
  assert(waits.size > 1, `${[...waits]}`);
  assertEquals(await suggested(), { problem: "no_such_room" });
  await load({});
  await time.advance(2_000);
  assert("room" in await server.createRoom(genesis.wire, visitor), "the refusals cost no allowance");
  await end();
});

Deno.test("[LOAD-2] no joins: returning clients wait, each for another time, and present clients go on", async () => {
  const { there, join, load, end, running } = await loadedRoom();
  const others = [await join(), await join(), await join()];
  await load({ memoryShare: 0.92 });
  const waits: number[] = [];
  for (const other of others) {
    other.openOnly();
    const { reason, retryAfterMs } = await other.waitFor("goodbye");
    assertEquals(reason, "overloaded");
    waits.push(retryAfterMs!);
  }
  assertEquals(new Set(waits).size, others.length, `${waits}`);
  await there.say("still here");
  assert(!(await running.server.ready()).ready, "a balancer sends people elsewhere");
  await end();
});

Deno.test("[LOAD-3] fewer events: some are refused by name with a time to retry, none is lost", async () => {
  const { there, load, end, time } = await loadedRoom();
  for (let count = 0; count < 20; count++) await load({ busyShare: 1 });
  let text = await there.signText("again and again");
  let refusals = 0;
  for (; !there.acked.has(text.id) && refusals < 500; refusals++) {
    there.frames = [];
    there.sendEvents(text);
    await time.advance(120);
    const refusal = there.refusal(text.id);
    if (refusal === undefined) continue;
    assertEquals(refusal.reason, "overloaded");
    assert(refusal.retryAfterMs! >= SETTINGS.retryAfterMs && refusal.retryAfterMs! <= 2 * SETTINGS.retryAfterMs);
  }
  assert(refusals > 0 && there.acked.has(text.id), `${refusals} refused`);
  await load({});
  await time.advance(5_000);
  text = await there.signText("and now at once");
  there.sendEvents(text);
  await time.advance(120);
  assert(there.acked.has(text.id));
  await end();
});
