/**
 * One device of an honest person: a disk that lasts, and pages of the app on it, each a production session. Pages are
 * opened, reloaded, killed between any two steps, frozen and thawed.
 */
import { openRoomSession, type RoomSession } from "../../lib/session/room_session.ts";
import type { SessionDeps, TabChannel } from "../../lib/session/deps.ts";
import { MemoryDisk, memoryStorage } from "../../lib/session/memory_storage.ts";
import type { OutboxEntry } from "../../lib/session/outbox_book.ts";
import type { SessionStorage } from "../../lib/session/storage.ts";
import type { RoomId } from "../../lib/protocol/event.ts";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import { fakeSigner, fakeVerifier } from "./fake_ed25519.ts";
import type { Link } from "./network.ts";
import { SeededRandom } from "./random.ts";
import { Life } from "./scheduler.ts";
import type { World } from "./world.ts";

/** A text somebody typed and sent, and what its page said to it. */
export interface Typed {
  text: string;
  room: RoomId;
  /** `kept`: it must be in the room in the end. `turned_away`: it must not. `unknown`: the page died, or had lost its disk. */
  outcome: "kept" | "turned_away" | "unknown";
}

export type MessageItem = Extract<TimelineItem, { type: "message" }>;

/** What the disk does at the moment. */
export interface DiskWeather {
  maxDelayMs: number;
  failShare: number;
}

export class Phone {
  readonly name: string;
  readonly disk = new MemoryDisk();
  readonly diskWeather: DiskWeather = { maxDelayMs: 0, failShare: 0 };
  readonly pages = new Set<Page>();
  readonly typed: Typed[] = [];
  readonly world: World;
  readonly random: SeededRandom;
  /** Phones' clocks are wrong by seconds, hours, or a year. */
  readonly clockOffsetMs: number;
  offline = false;
  readonly counts = { pages: 0, reloads: 0, deaths: 0, freezes: 0 };
  #texts = 0;

  constructor(world: World, seed: number, name: string) {
    this.world = world;
    this.name = name;
    this.random = new SeededRandom(seed, name);
    this.clockOffsetMs = this.random.pick([0, 0, 900, -5_000, 3_600_000, -365 * 86_400_000]);
    this.diskWeather.maxDelayMs = this.random.pick([0, 0, 3, 30]);
  }

  openPage(room: RoomId): Page {
    this.counts.pages++;
    const page = new Page(this, room, `${this.name} page ${this.counts.pages}`);
    this.pages.add(page);
    return page;
  }

  /** As the page finds it when it opens. */
  get displayName(): string {
    return this.disk.name ?? this.name;
  }

  /** The next text nobody else ever writes. */
  newText(): string {
    return `${this.name} says ${++this.#texts}`;
  }

  /** The first event that was kept and is neither stored nor refused for good. */
  get unsent(): OutboxEntry | undefined {
    const kept = [...this.disk.outboxes.values()].flatMap(({ entries }) => entries);
    return kept.find(({ refused }) => refused === undefined);
  }

  /** Phone and network part: every page's line breaks, and no new one is made until `online`. */
  goOffline(): void {
    this.offline = true;
    for (const page of this.pages) page.cut();
  }

  goOnline(): void {
    this.offline = false;
    for (const page of this.pages) page.life.whenAwake(() => page.model.wake());
  }
}

export class Page {
  readonly phone: Phone;
  readonly room: RoomId;
  readonly life: Life;
  readonly model: RoomSession;
  readonly name: string;
  readonly #links = new Set<Link>();
  readonly #hears = new Set<(room: string) => void>();

  constructor(phone: Phone, room: RoomId, name: string) {
    const { world, random } = phone;
    this.phone = phone;
    this.room = room;
    this.name = name;
    this.life = new Life(world.scheduler, phone.clockOffsetMs);
    const storage = this.#storage();
    const tabs: TabChannel = {
      tell: (about) => {
        if (this.life.dead) return;
        for (const page of phone.pages) if (page !== this) page.#hear(about);
      },
      listen: (hear) => {
        this.#hears.add(hear);
        return () => void this.#hears.delete(hear);
      },
    };
    const deps: SessionDeps = {
      clock: this.life.clock,
      timers: this.life.timers,
      random: { bytes: (count) => random.bytes(count), fraction: () => random.fraction() },
      storage,
      openRoad: (events) => {
        const { link } = world.connect({
          room,
          page: this.life,
          device: phone.name,
          honest: true,
          offline: phone.offline,
          client: {
            opened: () => events.opened(),
            received: (text) => closed || events.received(text),
            closed: (code) => {
              if (closed) return;
              closed = true;
              events.closed(code);
            },
          },
        });
        let closed = false;
        if (link !== undefined) this.#links.add(link);
        return {
          send: (text) => {
            if (closed || link === undefined || !link.usable) return false;
            world.overhear(text);
            link.clientSends(text);
            return true;
          },
          close: () => {
            closed = true;
            link?.clientCloses();
          },
        };
      },
      ed25519: { signer: (seed) => Promise.resolve(fakeSigner(seed)), verify: fakeVerifier.verify },
      tabs,
      online: () => !phone.offline,
      log: (line) => world.scheduler.note(line),
    };
    this.model = openRoomSession(deps, { room, name: phone.displayName });
  }

  get items(): readonly TimelineItem[] {
    return this.model.messages.value;
  }

  /** Types a text and sends it; what becomes of it is recorded. */
  say(text: string, replyTo?: string): void {
    const typed: Typed = { text, room: this.room, outcome: "unknown" };
    this.phone.typed.push(typed);
    this.model.sendMessage(text, replyTo).then(({ problem }) => {
      // A page that lost its disk keeps what is typed for as long as it lives, and says so.
      if (this.life.dead || !this.model.stored.value) return;
      typed.outcome = problem === undefined ? "kept" : "turned_away";
    }, (error) => this.phone.world.scheduler.fail(error));
  }

  /** The page is closed as people close pages: it may still say goodbye. */
  close(): void {
    this.model.dispose();
    for (const link of this.#links) link.clientCloses();
    this.#links.clear();
    this.die();
  }

  /** The page is gone from one instruction to the next. */
  die(): void {
    this.phone.pages.delete(this);
    this.life.kill();
    this.cut();
  }

  cut(): void {
    for (const link of this.#links) link.cut();
    this.#links.clear();
  }

  /** The phone is in a pocket: nothing runs, and nothing is read from the line. */
  freeze(forMs: number): void {
    if (this.life.frozen) return;
    this.phone.counts.freezes++;
    this.life.freeze();
    const links = [...this.#links];
    for (const link of links) link.stallDown(true);
    this.phone.world.scheduler.after(forMs, () => {
      this.life.wake();
      for (const link of links) link.stallDown(false);
      // What a page does when it is looked at again.
      this.life.whenAwake(() => this.model.wake());
    });
  }

  #hear(about: string): void {
    const { world, random } = this.phone;
    world.scheduler.after(random.between(0, 5), () => {
      this.life.whenAwake(() => {
        for (const hear of this.#hears) hear(about);
      });
    });
  }

  /** The disk as this page sees it: each transaction takes a moment, fails, or outlives the page. */
  #storage(): SessionStorage {
    const disk = memoryStorage(this.phone.disk, { lasting: true });
    const run = async <T>(transaction: () => Promise<T>): Promise<T> => {
      await this.#diskTurn();
      // A transaction that fails has changed nothing.
      if (this.phone.random.chance(this.phone.diskWeather.failShare)) throw new Error("the disk is full");
      const result = await transaction();
      await this.#diskTurn();
      return result;
    };
    return {
      lasting: true,
      secret: (make) => run(() => disk.secret(make)),
      name: () => run(() => disk.name()),
      setName: (name) => run(() => disk.setName(name)),
      changeOutbox: (room, change) => run(() => disk.changeOutbox(room, change)),
      copy: (room) => run(() => disk.copy(room)),
      saveCopy: (room, copy, replaces) => run(() => disk.saveCopy(room, copy, replaces)),
      seen: (room) => run(() => disk.seen(room)),
      changeSeen: (room, change) => run(() => disk.changeSeen(room, change)),
      rooms: () => run(() => disk.rooms()),
      changeRooms: (change) => run(() => disk.changeRooms(change)),
    };
  }

  #diskTurn(): Promise<void> {
    const { random, diskWeather: { maxDelayMs }, world } = this.phone;
    // One of its own each time: a shared one would hold on to everything that ever waited for it.
    if (this.life.dead) return new Promise(() => {});
    if (maxDelayMs === 0) return Promise.resolve();
    const survives = random.chance(0.5);
    return new Promise((resolve) => {
      world.scheduler.after(random.between(1, maxDelayMs), () => {
        // The storage goes on while the page is frozen; its answer waits.
        if (!this.life.dead) this.life.whenAwake(resolve);
        else if (survives) resolve();
      });
    });
  }
}
