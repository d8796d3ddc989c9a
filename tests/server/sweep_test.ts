/** Which clocks the sweep believes: production sweep and store, clocks that go wrong in every way, seeded. */
import { assert, assertEquals } from "@std/assert";
import { nextAge, Sweep } from "../../lib/server/rooms/sweep.ts";
import { TimeKeeper } from "../../lib/server/rooms/time_keeper.ts";
import { openStore } from "../../lib/store/store.ts";
import type { RoomInfo } from "../../lib/protocol/frames.ts";
import type { Store } from "../../lib/store/store.ts";
import { SeededRandom } from "../simulation/random.ts";
import { appendSurely, eventOf, genesisOf, headOf, idOf } from "../store/contract.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { configWith } from "./support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SWEEP_MS = 10 * 60_000;
const START = Date.UTC(2026, 6, 1);
const { retention } = configWith();

/** A server process: its clock is wrong by `offMs`, its steady clock began with it. */
class Process {
  readonly store: Store;
  readonly time: TimeKeeper;
  readonly sweep: Sweep;
  readonly log: string[] = [];

  constructor(readonly world: World, readonly name: string, public offMs: number) {
    const bornAt = world.now;
    const clock = { now: () => Math.max(0, world.now + this.offMs) };
    const log = (line: string) => void this.log.push(line);
    this.store = openStore({ kv: world.database.open() });
    this.time = new TimeKeeper({
      store: this.store.time,
      clock,
      steady: { now: () => world.now - bornAt },
      log,
      stepMs: HOUR,
    });
    this.sweep = new Sweep({
      store: this.store,
      config: { ...configWith(), retention: { ...retention, sweepEveryMs: SWEEP_MS } },
      environment: {
        clock,
        // Sweeps are asked for by the test.
        timers: { after: () => () => {} },
        random: { bytes: (count) => new Uint8Array(count), fraction: () => 0 },
        log,
      },
      time: this.time,
      instance: name,
      onFailure: (error) => {
        throw error;
      },
    });
  }

  get wallMs(): number {
    return Math.max(0, this.world.now + this.offMs);
  }
}

class World {
  /** The true time. */
  now = START;
  readonly database = new MemoryDatabase({ now: () => this.now });
  /** When each event of the room was really stored, by its position. */
  readonly storedAt = new Map<number, number>();
  #n = 0;

  async found(by: Process): Promise<void> {
    const room = await by.store.rooms.create(genesisOf("main"), by.wallMs) as RoomInfo;
    assertEquals(room.id, idOf("main"));
    this.storedAt.set(1, this.now);
  }

  async say(by: Process): Promise<void> {
    const { head } = await appendSurely(by.store, "main", [eventOf("main", "ada", ++this.#n, this.#n + 1)], by.wallMs);
    this.storedAt.set(head, this.now);
  }

  /** Ages of what is held, ms: the oldest one. And nothing younger than a day may be missing. */
  async check(store: Store): Promise<number> {
    const { oldest, head } = await headOf(store, "main");
    for (const [position, storedAt] of this.storedAt) {
      if (position >= oldest) break;
      const ageMs = this.now - storedAt;
      assert(ageMs >= DAY, `event ${position} was deleted ${ageMs / HOUR} hours after it was stored`);
      this.storedAt.delete(position);
    }
    return oldest > head ? 0 : this.now - this.storedAt.get(oldest)!;
  }

  /** Time passes; these processes sweep, and one of them writes each hour. */
  async run(forMs: number, processes: readonly Process[], { quiet = false } = {}): Promise<number> {
    let oldestMs = 0;
    for (const end = this.now + forMs; this.now < end; this.now += SWEEP_MS) {
      for (const process of processes) await process.sweep.sweep();
      oldestMs = await this.check(processes[0]!.store);
      if (!quiet && (this.now - START) % HOUR === 0) await this.say(processes[this.#n % processes.length]!);
    }
    return oldestMs;
  }
}

async function begin(offMs = 0): Promise<{ world: World; server: Process }> {
  const world = new World();
  const server = new Process(world, "one", offMs);
  await world.found(server);
  return { world, server };
}

Deno.test("[RET-1] with a correct clock events older than 7 days are deleted, also when the server restarts daily", async () => {
  const { world, server } = await begin();
  let oldestMs = await world.run(12 * DAY, [server]);
  assert(oldestMs >= 7 * DAY - 2 * HOUR && oldestMs <= 7 * DAY + HOUR, `${oldestMs / DAY} days`);
  for (let day = 0; day < 9; day++) {
    oldestMs = await world.run(16 * HOUR, [new Process(world, `day ${day}`, 0)]);
    world.now += 8 * HOUR;
  }
  assert(oldestMs <= 8 * DAY, `${oldestMs / DAY} days`);
  assertEquals(server.log, []);
});

Deno.test("[RET-3] a clock that was 20 days behind and is right again deletes nothing that is younger than a day", async () => {
  const { world, server } = await begin(-20 * DAY);
  await world.run(20 * HOUR, [server]);
  server.offMs = 0;
  const oldestMs = await world.run(2 * HOUR, [server]);
  assert(oldestMs >= 20 * HOUR);
  assertEquals(server.log.length, 1);
  assert(server.time.problem?.includes("jumped ahead"));
  // Nobody confirms it: after a day of running on it is believed, and says so.
  await world.run(30 * HOUR, [server]);
  assertEquals(server.log.map((line) => line.split(":")[0]), ["clock_not_plausible", "the clock is plausible again"]);
  assertEquals(server.time.problem, undefined);
});

Deno.test("[RET-4] a jump of 8 days ahead deletes nothing while it lasts, and the devices' clocks end the doubt", async () => {
  const { world, server } = await begin();
  await world.run(5 * DAY, [server]);
  server.offMs = 8 * DAY;
  for (let device = 0; device < 5; device++) server.time.hear(`device ${device}`, world.now);
  assert(server.time.problem?.includes("devices"));
  assert(await world.run(2 * HOUR, [server]) > 5 * DAY);
  server.offMs = 0;
  assertEquals(server.time.problem, undefined);
  assert(await world.run(3 * DAY, [server]) <= 7 * DAY + HOUR);
});

Deno.test("[RET-4] a computer that starts in 1970 waits until its clock is right", async () => {
  const { world, server } = await begin(-START);
  assert(await world.run(10 * HOUR, [server]) >= 9 * HOUR);
  assert(server.time.problem?.includes("before this version"));
  server.offMs = 0;
  await world.run(2 * HOUR, [server]);
  assertEquals(server.time.problem, undefined);
});

Deno.test("[RET-3] an empty room goes by the same rules", async () => {
  const { world, server } = await begin(-40 * DAY);
  await server.store.log.clear(idOf("main"));
  world.storedAt.clear();
  await world.run(HOUR, [server], { quiet: true });
  server.offMs = 0;
  await world.run(20 * HOUR, [new Process(world, "two", 0)], { quiet: true });
  assert(await server.store.rooms.byId(idOf("main")) !== undefined);
});

Deno.test("[RET-3] no misbehaving clock deletes an event by age within a day: 15 seeds of three weeks", async () => {
  let deleted = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const random = new SeededRandom(seed, "clocks");
    const { world, server } = await begin();
    const processes = [server];
    const pick = () => processes[random.between(0, processes.length - 1)]!;
    for (const end = START + 21 * DAY; world.now < end; world.now += random.between(1, 90) * 60_000) {
      if (random.chance(0.02)) pick().offMs = [0, -20 * DAY, 8 * DAY, 40 * DAY, -START][random.between(0, 4)]!;
      if (random.chance(0.01) && processes.length < 3) processes.push(new Process(world, `p${world.now}`, 0));
      if (random.chance(0.01)) {
        processes.splice(processes.indexOf(pick()), 1);
        if (processes.length === 0) {
          if (random.chance(0.5)) world.now += random.between(0, 72) * HOUR;
          processes.push(new Process(world, `p${world.now}`, random.chance(0.3) ? -20 * DAY : 0));
        }
      }
      if (random.chance(0.2)) { for (let at = 0; at < 6; at++) pick().time.hear(`device ${at}`, world.now); }
      await world.say(pick());
      await pick().sweep.sweep();
      const before = world.storedAt.size;
      try {
        await world.check(pick().store);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error}`);
      }
      deleted += before - world.storedAt.size;
    }
  }
  assert(deleted > 500, `only ${deleted} events were deleted at all`);
});

Deno.test("[RET-3] a mark from a time that was not counted yet, or of another log, proves nothing", () => {
  const head = { epoch: "new", head: 9 };
  const now = { runningMs: 100, markMs: 100, heldMs: 50 };
  const fresh = { epoch: "new", proven: 0, next: { position: 9, runningMs: 100 } };
  assertEquals(nextAge({ epoch: "old", proven: 8 }, head, now), fresh);
  assertEquals(nextAge({ epoch: "new", proven: 0, next: { position: 7, runningMs: 500 } }, head, now), fresh);
  assertEquals(nextAge({ epoch: "new", proven: 0, next: { position: 7, runningMs: 50 } }, head, now), {
    ...fresh,
    proven: 7,
  });
});
