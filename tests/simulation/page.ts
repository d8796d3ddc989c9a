/**
 * One page of the app on a phone: a production session over the production transports. Killed, frozen, thawed,
 * reloaded.
 */
import { TransportManager } from "../../lib/session/connection/transport_manager.ts";
import { RoomSession } from "../../lib/session/room/room_session.ts";
import type { TabChannel } from "../../lib/session/ports/session_deps.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/storage/memory_storage.ts";
import type { SessionStorage } from "../../lib/session/ports/session_storage.ts";
import type { RoomId } from "../../lib/protocol/event.ts";
import type { TransportName } from "../../lib/routing/transport_choice.ts";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import { pollingTransport, type PollInit } from "../../lib/transport/polling_transport.ts";
import { socketTransport } from "../../lib/transport/socket_transport.ts";
import { steadyClock } from "../../lib/shared/steady_clock.ts";
import { fakeSigner, fakeVerifier } from "./fake_ed25519.ts";
import type { Exchange } from "./exchange.ts";
import type { Link } from "./network.ts";
import type { Phone, Typed } from "./phone.ts";
import { Lines } from "./pipe.ts";
import { Life } from "./scheduler.ts";
import { SimulatedSocket } from "./socket.ts";
import type { Caller, Network } from "./world.ts";

export class Page {
  readonly phone: Phone;
  readonly room: RoomId;
  readonly life: Life;
  readonly model: RoomSession;
  readonly name: string;
  readonly disk: MemoryDisk;
  readonly #transports: TransportManager;
  readonly #links = new Lines<Link>();
  readonly #exchanges = new Lines<Exchange>();
  readonly #hears = new Set<(room: string) => void>();
  #transport: TransportName | undefined;

  constructor(phone: Phone, room: RoomId, name: string) {
    const { world, random } = phone;
    this.phone = phone;
    this.room = room;
    this.name = name;
    this.disk = phone.private ? new MemoryDisk() : phone.disk;
    const openedAt = world.scheduler.now;
    this.life = new Life(world.scheduler, () => phone.clockOffsetMs);
    const { clock, timers } = this.life;
    const steady = steadyClock(clock, { now: () => world.scheduler.now - openedAt });
    this.#transports = new TransportManager({
      steady,
      timers,
      openers: {
        websocket: (events) => socketTransport(this.#socket(), events),
        polling: (events) => pollingTransport("", { timers, fetch: (_, init) => this.#fetch(init) }, events),
      },
      onBetterTransport: () => this.model.wake(),
      onRoute: (route) => route && this.#uses(route.transport),
    });
    this.model = new RoomSession({
      clock,
      steady,
      timers,
      random: { bytes: (count) => random.bytes(count), fraction: () => random.fraction() },
      storage: phone.private ? memoryStorage(this.disk) : this.#storage(),
      memory: () => Promise.resolve(memoryStorage()),
      openTransport: this.#transports.open,
      ed25519: { signer: (seed) => Promise.resolve(fakeSigner(seed)), verify: fakeVerifier.verify },
      tabs: this.#tabs(),
      online: () => phone.network !== "offline",
      log: (line) => world.scheduler.note(line),
    }, { room, name: phone.displayName });
  }

  get items(): readonly TimelineItem[] {
    return this.model.messages.value;
  }

  /** Types and sends a text, and records its outcome. */
  say(text: string, replyTo?: string): void {
    const typed: Typed = { text, room: this.room, page: this, outcome: "unknown" };
    this.phone.typed.push(typed);
    this.model.sendMessage(text, replyTo).then(({ problem }) => {
      // A page that lost its disk keeps typed texts in memory, and says so.
      if (this.life.dead || (!this.model.stored.value && !this.phone.private)) return;
      typed.outcome = problem === undefined ? "kept" : "turned_away";
    }, (error) => this.phone.world.scheduler.fail(error));
  }

  // ---- lifecycle and faults ----

  /** Closes the page normally: it may still say goodbye. */
  close(): void {
    this.model.dispose();
    this.#transports.dispose();
    for (const link of this.#links.open) link.clientCloses();
    this.#die();
  }

  /** Kills the page between two instructions. */
  die(): void {
    this.#die();
    this.cut();
  }

  #die(): void {
    this.phone.pages.delete(this);
    this.life.kill();
    this.#exchanges.cut();
  }

  cut(): void {
    this.#links.cut();
    this.#exchanges.cut();
  }

  /** The phone's network conditions changed. */
  networkIs(network: Network): void {
    if (network === "offline") return this.cut();
    // A proxy without WebSocket support closes open ones.
    if (network === "no_sockets") this.#links.cut();
    for (const link of this.#links.open) link.stall("network", network === "black_hole" || network === "mute_sockets");
    for (const exchange of this.#exchanges.open) exchange.stall("network", network === "black_hole");
  }

  /** Does what lib/session/browser/page_events.ts does on `online`. */
  networkChanged(): void {
    this.#transports.networkChanged();
    this.model.wake();
  }

  /** Freezes the page, as in a pocket: nothing runs and nothing is read. */
  freeze(forMs: number): void {
    if (this.life.frozen) return;
    this.phone.counts.freezes++;
    this.life.freeze();
    const links = this.#links.open;
    for (const link of links) link.stallDown("frozen", true);
    this.phone.world.scheduler.after(forMs, () => {
      this.life.wake();
      for (const link of links) link.stallDown("frozen", false);
      // The page's steps when it becomes visible again.
      this.life.whenAwake(() => {
        this.#transports.wake();
        this.model.wake();
      });
    });
  }

  // ---- its environment ----

  #caller(): Caller {
    const { name: device, network } = this.phone;
    return { room: this.room, life: this.life, device, network };
  }

  #socket(): SimulatedSocket {
    const { world } = this.phone;
    return new SimulatedSocket((client) => {
      const link = world.connect(this.#caller(), client);
      if (link !== undefined) this.#links.add(link);
      return link;
    }, (text) => world.overhear(text));
  }

  #fetch(init: PollInit): Promise<Pick<Response, "body">> {
    const { world, sticky } = this.phone;
    for (const line of init.body.split("\n")) world.overhear(line);
    const { exchange, response } = world.fetch(this.#caller(), sticky, init);
    // Requests with keepalive outlive the page.
    if (exchange !== undefined && !init.keepalive) this.#exchanges.add(exchange);
    return response;
  }

  #uses(transport: TransportName): void {
    const { counts } = this.phone;
    if (transport === "polling") counts.overPolling++;
    else counts.overWebSocket++;
    if (this.#transport !== undefined && this.#transport !== transport) counts.transportChanges++;
    this.#transport = transport;
  }

  #tabs(): TabChannel {
    return {
      tell: (about) => {
        if (this.life.dead) return;
        for (const page of this.phone.pages) if (page !== this) page.#hear(about);
      },
      listen: (hear) => {
        this.#hears.add(hear);
        return () => void this.#hears.delete(hear);
      },
    };
  }

  #hear(about: string): void {
    const { world, random } = this.phone;
    world.scheduler.after(random.between(0, 5), () => {
      this.life.whenAwake(() => {
        for (const hear of this.#hears) hear(about);
      });
    });
  }

  /** The page's view of the disk: each transaction is delayed, fails, or outlives the page. */
  #storage(): SessionStorage {
    const disk = memoryStorage(this.disk, { lasting: true });
    const read = async <T>(transaction: () => Promise<T>): Promise<T> => {
      await this.#diskTurn();
      // A transaction that fails has changed nothing.
      if (this.phone.random.chance(this.phone.diskWeather.failShare)) throw new Error("the disk fails");
      const result = await transaction();
      await this.#diskTurn();
      return result;
    };
    const write = <T>(transaction: () => Promise<T>): Promise<T> =>
      read(() => {
        if (this.phone.diskWeather.full) throw new Error("the disk is full");
        return transaction();
      });
    return {
      lasting: true,
      secret: (make) => read(() => disk.secret(make)),
      name: () => read(() => disk.name()),
      setName: (name) => write(() => disk.setName(name)),
      changeOutbox: (room, change) => write(() => disk.changeOutbox(room, change)),
      replica: (room) => read(() => disk.replica(room)),
      saveReplica: (room, copy, replaces) => write(() => disk.saveReplica(room, copy, replaces)),
      readCursor: (room) => read(() => disk.readCursor(room)),
      relayed: (room) => read(() => disk.relayed(room)),
      changeRelayed: (room, kept, dropped) => write(() => disk.changeRelayed(room, kept, dropped)),
      changeReadCursor: (room, change) => write(() => disk.changeReadCursor(room, change)),
      rooms: () => read(() => disk.rooms()),
      changeRooms: (change) => write(() => disk.changeRooms(change)),
    };
  }

  #diskTurn(): Promise<void> {
    const { random, diskWeather: { maxDelayMs }, world } = this.phone;
    // A new promise each time: a shared one would retain everything that ever waited for it.
    if (this.life.dead) return new Promise(() => {});
    if (maxDelayMs === 0) return Promise.resolve();
    const survives = random.chance(0.5);
    return new Promise((resolve) => {
      world.scheduler.after(random.between(1, maxDelayMs), () => {
        // The storage continues while the page is frozen; its answer waits.
        if (!this.life.dead) this.life.whenAwake(resolve);
        else if (survives) resolve();
      });
    });
  }
}
