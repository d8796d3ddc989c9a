/** Injects activity and faults: people write while everything around them breaks. */
import type { RoomId } from "../../lib/protocol/event.ts";
import type { Page } from "./page.ts";
import type { Phone } from "./phone.ts";
import type { Scenario } from "./scenario.ts";
import type { SeededRandom } from "./random.ts";
import type { World } from "./world.ts";

export class FaultInjector {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #scenario: Scenario;
  readonly #phones: readonly Phone[];
  readonly #rooms: readonly RoomId[];
  #over = false;

  constructor(parts: {
    world: World;
    random: SeededRandom;
    scenario: Scenario;
    phones: readonly Phone[];
    rooms: readonly RoomId[];
  }) {
    this.#world = parts.world;
    this.#random = parts.random;
    this.#scenario = parts.scenario;
    this.#phones = parts.phones;
    this.#rooms = parts.rooms;
    this.#actLater(this.#random.pick(this.#scenario.paces));
  }

  /** Stops injecting. */
  end(): void {
    this.#over = true;
  }

  #actLater(meanMs: number): void {
    this.#world.scheduler.after(this.#random.between(1, 2 * meanMs), () => {
      if (this.#over) return;
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
        say: this.#scenario.says,
        burst: this.#scenario.bursts,
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
        walk: 3,
        blackHole: 2,
        badSockets: 3,
        setClock: 2,
        storm: 3,
        badDisk: 1.5,
        fullDisk: 1.5,
        older: 3,
        reconnect: 2,
      })
    ) {
      case "say":
        return page?.say(phone.newText());
      case "burst":
        for (let count = random.between(...this.#scenario.burst); count > 0; count--) page?.say(phone.newText());
        return;
      case "change":
        return page && this.#change(page);
      case "cut":
        return world.cutSomeLine();
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
        phone.network = "offline";
        return void world.scheduler.after(random.between(100, 9_000), () => phone.goOnline());
      case "walk":
        return phone.walk(random.pick(["good", "good", "no_sockets", "mute_sockets"]));
      case "blackHole":
        phone.network = "black_hole";
        return this.#clearsUp(phone, 9_000);
      case "badSockets":
        // A temporary proxy, unknown to the phone.
        phone.network = random.pick(["no_sockets", "mute_sockets"]);
        return this.#clearsUp(phone, 30_000);
      case "setClock":
        if (Deno.env.get("NOJUMP")) return;
        return phone.setClock();
      case "storm": {
        Object.assign(
          world.weather,
          random.pick([{ failShare: 0.3 }, { failShare: 0.05, hangShare: 0.1 }, { failShare: 1 }]),
        );
        const clearUp = () => void Object.assign(world.weather, { failShare: 0, hangShare: 0 });
        return void world.scheduler.after(random.between(200, 8_000), clearUp);
      }
      case "badDisk":
        phone.diskWeather.failShare = 0.3;
        return void world.scheduler.after(random.between(200, 4_000), () => phone.diskWeather.failShare = 0);
      case "fullDisk":
        phone.counts.fullDisks++;
        phone.diskWeather.full = true;
        return void world.scheduler.after(random.between(200, 8_000), () => phone.diskWeather.full = false);
      case "older":
        return page?.model.loadOlder();
      case "reconnect":
        return page?.model.forceReconnect();
    }
  }

  /** Replies to, edits, retracts or reacts to something on the screen, or changes the name. */
  #change(page: Page): void {
    const random = this.#random, { phone, model } = page;
    const messages = page.items.filter((item) => item.type === "message");
    const mine = messages.filter((item) => item.author.me && item.delivery?.state !== "refused");
    // Actions on a dying page or a full disk may fail. Their author sees that and may repeat them.
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
        if (mine.length > 0) model.deleteMessage(random.pick(mine).id).catch(ignore);
        return;
      case "rename":
        model.rename(`${phone.name} ${random.between(1, 9)}`).catch(ignore);
        return;
    }
  }

  #startInstanceSoon(): void {
    this.#world.scheduler.after(this.#random.between(1, 6_000), () => this.#world.startInstance());
  }

  /** Restores the phone's network within this time, unless the phone changed networks. */
  #clearsUp(phone: Phone, withinMs: number): void {
    const { network } = phone;
    this.#world.scheduler.after(this.#random.between(100, withinMs), () => {
      if (phone.network === network) phone.network = "good";
    });
  }

  #openPageSoon(phone: Phone, room: RoomId, withinMs: number): void {
    this.#world.scheduler.after(this.#random.between(1, withinMs), () => {
      if (phone.pages.size < 3) phone.openPage(room);
    });
  }
}
