/** One simulation: everything in it, from the number of servers to the moment of a crash, follows from the seed. */
import { signEvent } from "../../lib/crypto/signing.ts";
import { toBase64Url } from "../../lib/protocol/base64url.ts";
import type { RoomId } from "../../lib/protocol/event.ts";
import { DEFAULT_CONFIG, type ServerConfig } from "../../lib/server/config.ts";
import type { RoomAnswer } from "../../lib/server/rooms.ts";
import { fakeSigner } from "./fake_ed25519.ts";
import {
  checkLog,
  checkPresence,
  checkSameScreens,
  checkScreen,
  checkTyped,
  expectedScreen,
  shownScreen,
} from "./final_checks.ts";
import { Mallory } from "./mallory.ts";
import { type Page, Phone } from "./phone.ts";
import { SeededRandom } from "./random.ts";
import { Violation } from "./witness.ts";
import { World } from "./world.ts";

const START_AT = Date.UTC(2026, 5, 20, 21);
/** How long everything may take to be as if nothing had happened, once nothing more happens. */
const HEALING_MS = 240_000;
/** After it, every half-open connection and every dead instance's presence is noticed. */
const PRESENCE_SETTLES_MS = 150_000;

/** A simulation broke a promise; `message` names the seed. */
export class SimulationFailure extends Error {
  override name = "SimulationFailure";
  constructor(readonly seed: number, cause: unknown) {
    super(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** What happened, in numbers. */
export type Report = Record<string, number>;

export interface Outcome {
  report: Report;
  /** Two runs of one seed have the same. */
  trace: number;
}

/** Runs the simulation of this seed. Throws a SimulationFailure. */
export async function simulate(seed: number): Promise<Outcome> {
  try {
    return await new Simulation(seed).run();
  } catch (error) {
    throw new SimulationFailure(seed, error);
  }
}

class Simulation {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #phones: Phone[] = [];
  readonly #rooms: RoomId[] = [];
  #mallory: Mallory | undefined;
  #troubled = true;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed, "plot");
    this.#world = new World(seed, START_AT, configFor(this.#random));
  }

  async run(): Promise<Outcome> {
    const random = this.#random, world = this.#world;
    world.weather.maxDelayMs = random.pick([0, 0, 2, 20]);
    const instances = random.pick([1, 1, 2, 3]);
    for (let count = 0; count < instances; count++) world.startInstance();
    const rooms = random.chance(0.2) ? 2 : 1;
    for (let count = 0; count < rooms; count++) await this.#makeRoom();
    const phones = random.pick([2, 2, 3, 4]);
    for (let count = 0; count < phones; count++) {
      const phone = new Phone(world, this.#seed, `phone ${count + 1}`);
      this.#phones.push(phone);
      phone.openPage(random.pick(this.#rooms));
    }
    if (random.chance(0.4)) {
      this.#mallory = new Mallory(world, new SeededRandom(this.#seed, "mallory"), random.pick(this.#rooms));
    }

    this.#actLater(random.pick([100, 200, 500]));
    await world.scheduler.run(random.pick([3_000, 6_000, 15_000]));
    await this.#heal();
    this.#check();
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

  // ---- trouble ----

  #actLater(meanMs: number): void {
    this.#world.scheduler.after(this.#random.between(1, 2 * meanMs), () => {
      if (!this.#troubled) return;
      this.#act();
      this.#actLater(meanMs);
    });
  }

  #act(): void {
    const random = this.#random, world = this.#world;
    const phone = random.pick(this.#phones);
    const page = phone.pages.size > 0 ? random.pick([...phone.pages]) : undefined;
    switch (
      random.weighted({
        say: 30,
        burst: 4,
        change: 12,
        cut: 8,
        crash: 5,
        stop: 1.5,
        start: 3,
        reload: 5,
        die: 5,
        leave: 2,
        secondTab: 3,
        freeze: 3,
        stall: 3,
        offline: 2,
        storm: 3,
        fullDisk: 1.5,
        older: 3,
        reconnect: 2,
      })
    ) {
      case "say":
        return page?.say(phone.newText());
      case "burst":
        for (let count = random.between(3, 12); count > 0; count--) page?.say(phone.newText());
        return;
      case "change":
        return page && this.#change(page);
      case "cut":
        return world.cutSomeLink();
      case "crash":
        if (world.instances.length === 0) return;
        world.killInstance(random.pick(world.instances));
        return this.#startInstanceSoon();
      case "stop":
        if (world.instances.length === 0) return;
        world.stopInstance(random.pick(world.instances));
        return this.#startInstanceSoon();
      case "start":
        if (world.instances.length < 3) world.startInstance();
        return;
      case "reload":
        if (page === undefined) return;
        phone.counts.reloads++;
        page.close();
        return this.#openPageSoon(phone, page.room, 1_500);
      case "die":
        if (page === undefined) return;
        phone.counts.deaths++;
        page.die();
        return this.#openPageSoon(phone, page.room, 5_000);
      case "leave":
        if (page === undefined) return;
        page.close();
        return this.#openPageSoon(phone, page.room, 8_000);
      case "secondTab":
        if (phone.pages.size < 2) phone.openPage(page?.room ?? random.pick(this.#rooms));
        return;
      case "freeze":
        return page?.freeze(random.between(100, 9_000));
      case "stall":
        return world.stallSomeLink(random.between(100, 9_000));
      case "offline":
        phone.goOffline();
        return void world.scheduler.after(random.between(100, 9_000), () => phone.goOnline());
      case "storm": {
        Object.assign(
          world.weather,
          random.pick([{ failShare: 0.3 }, { failShare: 0.05, hangShare: 0.1 }, { failShare: 1 }]),
        );
        const clearUp = () => void Object.assign(world.weather, { failShare: 0, hangShare: 0 });
        return void world.scheduler.after(random.between(200, 8_000), clearUp);
      }
      case "fullDisk":
        phone.diskWeather.failShare = 0.3;
        return void world.scheduler.after(random.between(200, 4_000), () => phone.diskWeather.failShare = 0);
      case "older":
        return page?.model.loadOlder();
      case "reconnect":
        return page?.model.forceReconnect();
    }
  }

  /** Answers, edits, retracts, reacts to something on the screen, or takes another name. */
  #change(page: Page): void {
    const random = this.#random, { phone, model } = page;
    const messages = page.items.filter((item) => item.type === "message");
    const mine = messages.filter((item) => item.author.me && item.delivery?.state !== "refused");
    // Actions on a dying page or a full disk may fail; their author sees that and does it again, or not.
    const ignore = () => {};
    switch (random.weighted({ reply: 4, react: 4, edit: 2, retract: 1, rename: 1 })) {
      case "reply":
        if (messages.length > 0) page.say(phone.newText(), random.pick(messages).id);
        return;
      case "react":
        if (messages.length === 0) return;
        model.react(random.pick(messages).id, random.pick(["❤️", "👍", "🎉"]), random.chance(0.8)).catch(ignore);
        return;
      case "edit":
        if (mine.length > 0) model.edit(random.pick(mine).id, phone.newText()).catch(ignore);
        return;
      case "retract":
        if (mine.length > 0) model.retract(random.pick(mine).id).catch(ignore);
        return;
      case "rename":
        model.rename(`${phone.name} ${random.between(1, 9)}`).catch(ignore);
        return;
    }
  }

  #startInstanceSoon(): void {
    this.#world.scheduler.after(this.#random.between(1, 6_000), () => this.#world.startInstance());
  }

  #openPageSoon(phone: Phone, room: RoomId, withinMs: number): void {
    this.#world.scheduler.after(this.#random.between(1, withinMs), () => {
      if (phone.pages.size < 3) phone.openPage(room);
    });
  }

  // ---- the end of trouble ----

  async #heal(): Promise<void> {
    const world = this.#world, { scheduler } = world;
    this.#troubled = false;
    world.calm();
    this.#mallory?.stop();
    for (const phone of this.#phones) {
      phone.diskWeather.failShare = 0;
      phone.goOnline();
    }
    if (world.instances.length === 0) world.startInstance();
    // What is under way still happens: servers that start, pages that open, phones that wake.
    await scheduler.run(9_000);
    for (const phone of this.#phones) {
      // A page whose disk failed when it opened lives on without: people open it anew.
      for (const page of phone.pages) if (!page.model.stored.value) page.close();
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
    // A road that died unheard shows at the next heartbeat. Nothing more may come of itself.
    await scheduler.run(30_000);
  }

  #pages(): Page[] {
    return this.#phones.flatMap((phone) => [...phone.pages]);
  }

  /** What is still to come, if anything: unsent events, pages that do not have everything. Asks them to load it. */
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
      const shown = shownScreen(page.items).length;
      const expected = expectedScreen(this.#world.witness.room(page.room)).length;
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
    for (const phone of this.#phones) checkTyped(phone, witness);
  }

  #report(): Report {
    const { witness, counts, scheduler } = this.#world;
    const report: Report = {
      steps: scheduler.steps,
      ...counts,
      ...witness.counts,
      typed: this.#phones.reduce((sum, { typed }) => sum + typed.length, 0),
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

/** Bounds small enough to be reached: memory shorter than a burst, watermarks of a few frames. */
function configFor(random: SeededRandom): ServerConfig {
  const { fanOut, limits, commit } = DEFAULT_CONFIG;
  return {
    ...DEFAULT_CONFIG,
    fanOut: {
      ...fanOut,
      tailEvents: random.pick([2, 10, fanOut.tailEvents]),
      highWatermarkBytes: random.pick([6_000, 60_000, fanOut.highWatermarkBytes]),
    },
    commit: {
      ...commit,
      queueEvents: random.pick([4, 50, commit.queueEvents]),
      cachedAuthors: random.pick([1, commit.cachedAuthors]),
    },
    limits: {
      ...limits,
      messages: random.pick([limits.messages, { burst: 20, everyMs: 50 }]),
      inFlightEvents: random.pick([3, limits.inFlightEvents]),
      badFrames: random.pick([3, limits.badFrames]),
    },
  };
}
