/** One device of an honest person: a persistent disk, a wrong clock, and a network. */
import { MemoryDisk } from "../../lib/session/storage/memory_storage.ts";
import type { OutboxEntry } from "../../lib/session/outbox/outbox_state.ts";
import type { RoomId } from "../../lib/protocol/event.ts";
import { Page } from "./page.ts";
import { SeededRandom } from "./random.ts";
import type { Network, Sticky, World } from "./world.ts";

/** A text that was typed and sent, and the outcome that its page reported. */
export interface Typed {
  text: string;
  room: RoomId;
  page: Page;
  /**
   * `kept`: it must be in the room in the end. `turned_away`: it must not. `unknown`: the page died, or had lost its
   * disk.
   */
  outcome: "kept" | "turned_away" | "unknown";
}

/** The current faults of the disk. */
interface DiskFaults {
  maxDelayMs: number;
  /** Share of transactions that fail. */
  failShare: number;
  /** Writes fail; reads work. */
  full: boolean;
}

const DAY_MS = 86_400_000;

export class Phone {
  readonly name: string;
  readonly world: World;
  readonly random: SeededRandom;
  /** Its browser persists nothing: each page has its own disk, which ends with it. */
  readonly private: boolean;
  readonly disk = new MemoryDisk();
  readonly diskWeather: DiskFaults = { maxDelayMs: 0, failShare: 0, full: false };
  readonly pages = new Set<Page>();
  readonly typed: Typed[] = [];
  readonly sticky: Sticky = {};
  readonly counts = {
    pages: 0,
    reloads: 0,
    deaths: 0,
    freezes: 0,
    clockJumps: 0,
    fullDisks: 0,
    networks: 0,
    blackHoles: 0,
    overWebSocket: 0,
    overPolling: 0,
    transportChanges: 0,
  };
  /** The error of its clock: up to a day, or a year if it was never set. */
  clockOffsetMs: number;
  #network: Network = "good";
  #texts = 0;

  constructor(world: World, seed: number, name: string) {
    this.world = world;
    this.name = name;
    const random = this.random = new SeededRandom(seed, name);
    this.clockOffsetMs = random.pick([0, 0, 900, -5_000, random.between(-DAY_MS, DAY_MS), -365 * DAY_MS]);
    this.diskWeather.maxDelayMs = random.pick([0, 0, 3, 30]);
    this.private = random.chance(0.1);
  }

  openPage(room: RoomId): Page {
    this.counts.pages++;
    const page = new Page(this, room, `${this.name} page ${this.counts.pages}`);
    this.pages.add(page);
    return page;
  }

  /** The state that a page finds when it opens. */
  get displayName(): string {
    return this.disk.name ?? this.name;
  }

  /** The next unique text. */
  newText(): string {
    return `${this.name} says ${++this.#texts}`;
  }

  /** The first kept event that is neither stored nor finally refused. */
  get unsent(): OutboxEntry | undefined {
    for (const { outboxes } of new Set([this.disk, ...[...this.pages].map((page) => page.disk)])) {
      for (const { entries } of outboxes.values()) {
        const unsent = entries.find(({ refused }) => refused === undefined);
        if (unsent !== undefined) return unsent;
      }
    }
    return undefined;
  }

  get network(): Network {
    return this.#network;
  }

  /** The network degrades or is lost, without the phone being told. */
  set network(network: Network) {
    if (this.#network === network) return;
    this.#network = network;
    this.counts.networks++;
    if (network === "black_hole") this.counts.blackHoles++;
    for (const page of this.pages) page.networkIs(network);
  }

  /** The phone learns that it has a network again. */
  goOnline(): void {
    this.network = "good";
    for (const page of this.pages) page.life.whenAwake(() => page.networkChanged());
  }

  /** Moves to another, possibly worse network: all connections break, and the phone usually notices. */
  walk(to: Network): void {
    for (const page of this.pages) page.cut();
    this.network = to;
    if (this.random.chance(0.7)) {
      for (const page of this.pages) page.life.whenAwake(() => page.networkChanged());
    }
  }

  /** Changes the clock. */
  setClock(): void {
    this.counts.clockJumps++;
    this.clockOffsetMs = this.random.pick([
      0,
      this.random.between(-DAY_MS, DAY_MS),
      this.random.between(-3_000, 3_000),
    ]);
  }
}
