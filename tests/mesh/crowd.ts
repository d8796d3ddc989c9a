/**
 * A crowd of phones in virtual time. Each runs the production mesh node; links take time to set up, lose frames, break
 * silently, and exist only between phones within reach of each other. Every delivery is recorded.
 */
import type { AuthorKey, EventId, RoomId } from "../../lib/protocol/event.ts";
import type { Event } from "../../lib/kinds/kinds.ts";
import { MeshNode } from "../../lib/mesh/mesh_node.ts";
import type { MeshPorts } from "../../lib/mesh/mesh_ports.ts";
import { MESH_LINKS_DESKTOP, MESH_LINKS_PHONE, PEOPLE_SHOWN } from "../../lib/protocol/limits.ts";
import { SeededRandom } from "../simulation/random.ts";
import { fakeEvent, fakeKey, fakeSign, fakeVerify } from "./fake_keys.ts";
import { VirtualTime } from "./virtual_time.ts";

export const ROOM: RoomId = "AAAAAAAAAAAAAAAAAAAAAA";

export interface NetworkConditions {
  /** One way, from and to, ms. */
  latencyMs: readonly [number, number];
  /** Share of frames that get lost, of every kind. */
  loss: number;
  /** From a dial to the link, ms. */
  setupMs: number;
  /** Time until peers notice that a phone is gone, from and to, ms. */
  noticeMs: readonly [number, number];
}

export const GOOD_NETWORK: NetworkConditions = { latencyMs: [20, 40], loss: 0, setupMs: 250, noticeMs: [1_000, 4_000] };

/** Sees, and may change, the frames that a hostile phone sends and receives. */
export interface FrameInterceptor {
  /** Returns the frame to send instead; undefined: none. */
  sends(peer: AuthorKey, text: string): string | undefined;
  receives(peer: AuthorKey, text: string): void;
}

export class CrowdPhone {
  node: MeshNode;
  alive = true;
  n = 0;
  clock = 0;
  /** Event id → time of delivery on this device. Survives a reload. */
  readonly deliveredAt = new Map<EventId, number>();
  readonly events = new Map<EventId, Event>();
  readonly receipts = new Map<EventId, number>();
  /** People named by the server. */
  shown = new Set<AuthorKey>();
  /** Events delivered more than once, over all reloads. */
  duplicates = 0;
  interceptor: FrameInterceptor | undefined;
  /** Counts before the last reload. */
  pastPushes = 0;
  pastPageEvents = 0;
  pastFrames = 0;
  readonly random: SeededRandom;

  constructor(readonly crowd: Crowd, readonly key: AuthorKey, readonly maxLinks: number, seed: number) {
    this.random = new SeededRandom(seed, key);
    this.node = this.#newNode();
  }

  get hostile(): boolean {
    return this.interceptor !== undefined;
  }

  /** Publishes a message; `before` gets its id first. */
  write(text: string, before: (id: EventId) => void = () => {}): Event {
    const header = { room: ROOM, author: this.key, n: ++this.n, clock: ++this.clock, at: this.crowd.time.now };
    const event = fakeEvent(header, text);
    this.deliveredAt.set(event.id, this.crowd.time.now);
    this.events.set(event.id, event);
    before(event.id);
    this.node.publish(event);
    return event;
  }

  /** Closes the page, with or without a goodbye. */
  leave(goodbye: boolean): void {
    if (goodbye) this.node.close();
    const { pushesSent, pageEventsSent, framesSent } = this.node.stats();
    this.pastPushes += pushesSent;
    this.pastPageEvents += pageEventsSent;
    this.pastFrames += framesSent;
    this.alive = false;
    this.crowd.breakLinks(this);
    this.node.close();
  }

  /** Opens the page again with its stored events. */
  reopen(): void {
    this.alive = true;
    this.node = this.#newNode();
    for (const event of this.events.values()) this.node.hold(event);
    this.crowd.introduce(this);
  }

  totals(): { pushes: number; pageEvents: number; frames: number } {
    const now = this.alive ? this.node.stats() : { pushesSent: 0, pageEventsSent: 0, framesSent: 0 };
    return {
      pushes: this.pastPushes + now.pushesSent,
      pageEvents: this.pastPageEvents + now.pageEventsSent,
      frames: this.pastFrames + now.framesSent,
    };
  }

  #newNode(): MeshNode {
    const { crowd, key } = this, { time } = crowd;
    const born = {};
    this.#life = born;
    const isLiving = () => this.alive && this.#life === born;
    const ports: MeshPorts = {
      now: () => time.now,
      random: () => this.random.fraction(),
      after: (delayMs, run) => time.after(delayMs, () => isLiving() && run()),
      send: (peer, text) => {
        if (!isLiving()) return false;
        const changed = this.interceptor === undefined ? text : this.interceptor.sends(peer, text);
        if (changed !== undefined) crowd.transmit(key, peer, changed);
        return true;
      },
      verify: (event) => fakeVerify(event.author, event.wire[0], event.wire[1]) ? "good" : "forged",
      onEvent: (event) => {
        if (this.deliveredAt.has(event.id)) this.duplicates++;
        this.deliveredAt.set(event.id, time.now);
        this.events.set(event.id, event);
        this.clock = Math.max(this.clock, event.clock);
        crowd.onDelivered(this, event);
      },
      connect: (peer, links) => isLiving() && crowd.dial(this, peer, links),
      disconnect: (peer) => isLiving() && crowd.cut(key, peer),
      onReceipts: (id, phones) => this.receipts.set(id, phones),
      sign: (text) => fakeSign(key, text),
      verifyText: fakeVerify,
      onBanned: (peer) => {
        if (!this.hostile && crowd.phones.get(peer)?.hostile === false) crowd.honestBans++;
      },
    };
    return new MeshNode({ room: ROOM, me: key, maxLinks: this.maxLinks }, ports);
  }

  #life = {};
}

export class Crowd {
  readonly time = new VirtualTime(1_000_000);
  readonly random: SeededRandom;
  readonly phones = new Map<AuthorKey, CrowdPhone>();
  readonly list: CrowdPhone[] = [];
  /** Links by both keys, with the arrival time of each direction's last frame, which keeps the order. */
  readonly #links = new Map<string, { lastAt: Map<AuthorKey, number> }>();
  conditions: NetworkConditions;
  /** Whether two phones are within reach of each other now. */
  canReach: (a: CrowdPhone, b: CrowdPhone) => boolean = () => true;
  onDelivered: (phone: CrowdPhone, event: Event) => void = () => {};
  /** Number of people that the server names to a newcomer; all are named to all in smaller rooms. */
  shownToNewcomers = PEOPLE_SHOWN;
  framesLost = 0;
  /** Bans of honest phones by honest phones. */
  honestBans = 0;

  constructor(readonly seed: number, weather: NetworkConditions) {
    this.random = new SeededRandom(seed, "crowd");
    this.conditions = weather;
  }

  /** Adds a phone that knows some of the others. */
  join(weak: boolean): CrowdPhone {
    const phone = new CrowdPhone(this, fakeKey(this.random), weak ? MESH_LINKS_PHONE : MESH_LINKS_DESKTOP, this.seed);
    this.phones.set(phone.key, phone);
    this.list.push(phone);
    this.introduce(phone);
    return phone;
  }

  /** Names some present phones to a newcomer, as the server does. */
  introduce(phone: CrowdPhone): void {
    const there = this.list.filter((other) => other.alive && other !== phone && this.canReach(phone, other));
    const shown: AuthorKey[] = [];
    for (let count = 0; count < this.shownToNewcomers && there.length > 0; count++) {
      const at = this.random.between(0, there.length - 1);
      shown.push(there[at]!.key);
      there[at] = there.at(-1)!;
      there.pop();
    }
    phone.shown = new Set(shown);
    phone.node.setPresent(shown);
    if (there.length + shown.length > this.shownToNewcomers) return;
    // In a small room all are named to all.
    for (const other of this.list) {
      if (!other.alive || other === phone || !this.canReach(phone, other)) continue;
      other.shown.add(phone.key);
      other.node.setPresent([...other.shown]);
    }
  }

  /** One phone dials another. */
  dial(from: CrowdPhone, to: AuthorKey, links: number): void {
    const other = this.phones.get(to);
    const { node } = from;
    const failed = () => void (from.alive && from.node === node && node.unlinked(to));
    this.time.after(this.conditions.setupMs / 2, () => {
      if (!from.alive || from.node !== node || this.#links.has(pair(from.key, to))) return;
      if (other === undefined || !other.alive || !this.canReach(from, other)) {
        this.time.after(3_000, failed);
        return;
      }
      const answering = other.node;
      if (!answering.accepts(from.key, links).accept) return failed();
      this.time.after(this.conditions.setupMs / 2, () => {
        if (this.#links.has(pair(from.key, to))) return;
        const ok = from.alive && other.alive && from.node === node && other.node === answering &&
          this.canReach(from, other);
        if (!ok) {
          failed();
          if (other.alive && other.node === answering) answering.unlinked(from.key);
          return;
        }
        this.#links.set(pair(from.key, to), { lastAt: new Map() });
        node.linked(to);
        answering.linked(from.key);
      });
    });
  }

  /** One side ends a link; the other side notices a moment later. */
  cut(from: AuthorKey, to: AuthorKey): void {
    const key = pair(from, to), link = this.#links.get(key);
    if (link === undefined) return;
    // Frames in flight still arrive.
    const at = Math.max(link.lastAt.get(to) ?? 0, this.time.now + this.conditions.latencyMs[1]);
    this.#links.delete(key);
    const other = this.phones.get(to);
    const node = other?.node;
    this.time.after(at - this.time.now, () => {
      if (other?.alive && other.node === node && !this.#links.has(key)) node?.unlinked(from);
    });
  }

  /** Sends a frame over a link: it is lost, or arrives in order. */
  transmit(from: AuthorKey, to: AuthorKey, text: string): void {
    const link = this.#links.get(pair(from, to));
    if (link === undefined) return;
    if (this.random.chance(this.conditions.loss)) {
      this.framesLost++;
      return;
    }
    const [least, most] = this.conditions.latencyMs;
    const at = Math.max(link.lastAt.get(to) ?? 0, this.time.now + least + (most - least) * this.random.fraction());
    link.lastAt.set(to, at);
    const other = this.phones.get(to)!, { node } = other;
    this.time.after(at - this.time.now, () => {
      if (!other.alive || other.node !== node || !this.canReach(this.phones.get(from)!, other)) return;
      other.interceptor?.receives(from, text);
      node.receive(from, text);
    });
  }

  /** Breaks the links of a phone that left; its peers notice after a while. */
  breakLinks(phone: CrowdPhone): void {
    for (const other of this.list) if (this.#links.has(pair(phone.key, other.key))) this.#breaks(phone, other);
  }

  /** Breaks links between phones that are no longer within reach of each other. */
  breakUnreachable(): void {
    for (const [a, b] of this.linkedPairs()) if (!this.canReach(a, b)) this.#breaks(a, b);
  }

  linkedPairs(): [CrowdPhone, CrowdPhone][] {
    return [...this.#links.keys()].map((key) => {
      const [a, b] = key.split(" ");
      return [this.phones.get(a!)!, this.phones.get(b!)!];
    });
  }

  /** The honest phones connected to this one by links between honest phones, itself included. */
  connectedWith(phone: CrowdPhone): Set<CrowdPhone> {
    const neighbours = new Map<CrowdPhone, CrowdPhone[]>();
    for (const [a, b] of this.linkedPairs()) {
      if (a.hostile || b.hostile || !a.alive || !b.alive || !this.canReach(a, b)) continue;
      for (const [one, other] of [[a, b], [b, a]] as const) {
        const list = neighbours.get(one);
        if (list === undefined) neighbours.set(one, [other]);
        else list.push(other);
      }
    }
    const part = new Set([phone]);
    for (const one of part) for (const other of neighbours.get(one) ?? []) part.add(other);
    return part;
  }

  #breaks(a: CrowdPhone, b: CrowdPhone): void {
    const key = pair(a.key, b.key);
    if (!this.#links.delete(key)) return;
    for (const [one, other] of [[a, b], [b, a]] as const) {
      const { node } = one, [least, most] = this.conditions.noticeMs;
      this.time.after(this.random.between(least, most), () => {
        if (one.alive && one.node === node && !this.#links.has(key)) node.unlinked(other.key);
      });
    }
  }
}

function pair(a: AuthorKey, b: AuthorKey): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
