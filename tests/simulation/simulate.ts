/** One simulation. The seed determines everything, from the number of servers to the time of a crash. */
import { signEvent } from "../../lib/crypto/signing.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import type { RoomId } from "../../lib/protocol/event.ts";
import type { RoomAnswer } from "../../lib/server/rooms/rooms.ts";
import { fakeSigner } from "./fake_ed25519.ts";
import {
  checkLog,
  checkPresence,
  checkSameScreens,
  checkScreen,
  checkTyped,
  type EventOutcomes,
  messagesShown,
} from "./final_checks.ts";
import { Mallory } from "./mallory.ts";
import type { Page } from "./page.ts";
import { Phone } from "./phone.ts";
import { configFor, type Scenario, type ScenarioName, SCENARIOS } from "./scenario.ts";
import { SeededRandom } from "./random.ts";
import { FaultInjector } from "./fault_injector.ts";
import { Violation } from "./witness.ts";
import { World } from "./world.ts";

const START_AT = Date.UTC(2026, 5, 20, 21);
/** Time for the system to recover completely after the last fault. */
const HEALING_MS = 240_000;
/** After this time every half-open connection and every dead instance has been detected. */
const PRESENCE_SETTLES_MS = 150_000;

/** A simulation broke a promise; `message` names the seed. */
export class SimulationFailure extends Error {
  override name = "SimulationFailure";
  constructor(readonly seed: number, readonly scenario: ScenarioName, cause: unknown) {
    super(`seed ${seed}, scenario ${scenario}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Counters of a simulation. */
export type Report = Record<string, number>;

export interface Outcome {
  report: Report;
  /** Two runs of one seed have the same. */
  trace: number;
}

/** Runs the simulation of this seed. Throws a SimulationFailure. */
export async function simulate(seed: number, scenario: ScenarioName = "short"): Promise<Outcome> {
  try {
    return await new Simulation(seed, SCENARIOS[scenario]).run();
  } catch (error) {
    throw new SimulationFailure(seed, scenario, error);
  }
}

class Simulation {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #phones: Phone[] = [];
  readonly #rooms: RoomId[] = [];
  readonly #scenario: Scenario;
  readonly #fates: EventOutcomes = { arrived: 0, refused: 0, turnedAway: 0, unknown: 0 };
  #mallory: Mallory | undefined;

  constructor(seed: number, scenario: Scenario) {
    this.#seed = seed;
    this.#scenario = scenario;
    this.#random = new SeededRandom(seed, "plot");
    this.#world = new World(seed, START_AT, configFor(scenario, this.#random));
  }

  async run(): Promise<Outcome> {
    const random = this.#random, world = this.#world;
    world.weather.maxDelayMs = random.pick([0, 0, 2, 20]);
    const instances = random.pick([1, 1, 2, 3]);
    for (let count = 0; count < instances; count++) world.startInstance();
    const rooms = random.chance(0.2) ? 2 : 1;
    for (let count = 0; count < rooms; count++) await this.#makeRoom();
    const phones = random.pick(this.#scenario.phones);
    for (let count = 0; count < phones; count++) {
      const phone = new Phone(world, this.#seed, `phone ${count + 1}`);
      this.#phones.push(phone);
      phone.openPage(random.pick(this.#rooms));
    }
    if (random.chance(0.4)) {
      this.#mallory = new Mallory(world, new SeededRandom(this.#seed, "mallory"), random.pick(this.#rooms));
    }

    const trouble = new FaultInjector({
      world,
      random,
      scenario: this.#scenario,
      phones: this.#phones,
      rooms: this.#rooms,
    });
    await world.scheduler.run(random.pick(this.#scenario.lengthsMs));
    trouble.end();
    await this.#heal();
    this.#check();
    for (const phone of this.#phones) {
      const fates = checkTyped(phone, world.witness);
      for (const fate of Object.keys(fates) as (keyof EventOutcomes)[]) this.#fates[fate] += fates[fate];
    }
    if (random.chance(0.1)) {
      await world.scheduler.run(PRESENCE_SETTLES_MS);
      this.#check();
      for (const room of this.#rooms) checkPresence(this.#pages().filter((page) => page.room === room));
    }
    return { report: this.#report(), trace: world.scheduler.trace };
  }

  async #makeRoom(): Promise<void> {
    const random = this.#random, { scheduler, instances } = this.#world;
    const room = toBase64Url(random.bytes(16));
    const host = fakeSigner(random.bytes(32));
    const header = { room, n: 1, clock: 1, at: START_AT };
    const founding = await signEvent(host, header, {
      kind: "room",
      body: { roomKind: "unlisted", name: "Main stage" },
    });
    let made: RoomAnswer | undefined;
    instances[0]!.server.createRoom(founding.wire, { device: "host", address: "203.0.113.7" })
      .then((answer) => made = answer, (error) => scheduler.fail(error));
    await scheduler.run(60_000, () => made !== undefined);
    if (made === undefined || "problem" in made) throw new Error(`no room was made: ${JSON.stringify(made)}`);
    this.#rooms.push(room);
  }

  // ---- recovery ----

  async #heal(): Promise<void> {
    const world = this.#world, { scheduler } = world;
    world.calm();
    this.#mallory?.stop();
    for (const phone of this.#phones) {
      Object.assign(phone.diskWeather, { failShare: 0, full: false });
      phone.goOnline();
    }
    if (world.instances.length === 0) world.startInstance();
    // Pending actions still complete: starting servers, opening pages, waking phones.
    await scheduler.run(9_000);
    for (const phone of this.#phones) {
      // A page whose disk failed on opening stays without one, so people reload it.
      for (const page of phone.pages) if (!page.model.stored.value && !phone.private) page.close();
      for (const room of this.#rooms) {
        const wasThere = phone.disk.outboxes.has(room) || phone.disk.copies.has(room);
        const isThere = [...phone.pages].some((page) => page.room === room);
        if (wasThere && !isThere) phone.openPage(room);
      }
      if (phone.pages.size === 0) phone.openPage(this.#random.pick(this.#rooms));
    }
    await scheduler.run(HEALING_MS, () => scheduler.steps % 16 === 0 && this.#unrest() === undefined);
    const unrest = this.#unrest();
    if (unrest !== undefined) throw new Violation(`not quiet ${HEALING_MS} ms after the last fault: ${unrest}`);
    // A dead transport is detected at the next heartbeat. Nothing else may be pending.
    await scheduler.run(30_000);
  }

  #pages(): Page[] {
    return this.#phones.flatMap((phone) => [...phone.pages]);
  }

  /** The pending work, if any: unsent events, incomplete pages. Makes these pages load the rest. */
  #unrest(): string | undefined {
    for (const phone of this.#phones) {
      const unsent = phone.unsent;
      if (unsent !== undefined) return `${phone.name} has not sent ${JSON.stringify(unsent)}`;
    }
    for (const page of this.#pages()) {
      const { model } = page;
      if (model.connection.value.state !== "connected") {
        return `${page.name} is ${JSON.stringify(model.connection.value)}`;
      }
      if (model.older.value === "available") model.loadOlder();
      if (model.older.value !== "none") return `${page.name} has older messages: ${model.older.value}`;
      const shown = messagesShown(page.items);
      const expected = this.#world.witness.room(page.room).messages;
      if (shown < expected) return `${page.name} shows ${shown} of ${expected} messages`;
    }
  }

  #check(): void {
    const { witness, database } = this.#world;
    for (const room of this.#rooms) {
      const record = witness.room(room);
      const pages = this.#pages().filter((page) => page.room === room);
      checkLog(record, room, database);
      for (const page of pages) checkScreen(page, record);
      if (pages.length > 1) checkSameScreens(pages);
    }
  }

  #report(): Report {
    const { witness, counts, scheduler } = this.#world;
    const report: Report = {
      steps: scheduler.steps,
      ...counts,
      ...witness.counts,
      typed: this.#phones.reduce((sum, { typed }) => sum + typed.length, 0),
      ...this.#fates,
      junkFrames: this.#mallory?.sent ?? 0,
    };
    for (const phone of this.#phones) {
      for (const [name, count] of Object.entries(phone.counts)) report[name] = (report[name] ?? 0) + count;
    }
    for (const [reason, count] of witness.refusalReasons) report[`refused: ${reason}`] = count;
    for (const [reason, count] of witness.goodbyeReasons) report[`goodbye: ${reason}`] = count;
    return report;
  }
}
