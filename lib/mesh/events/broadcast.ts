// Runs in browser and simulator.
/**
 * How a new event goes on. In small rooms it is pushed to every neighbour that may lack it (flood). In larger ones
 * (Plumtree: Leitão, Pereira, Rodrigues 2007) it is pushed along a tree that repairs itself and offered to the other
 * neighbours: a push of something held prunes the link, a `want` puts it back. Whoever says nothing to a push or an
 * offer is offered it again, so that a lost frame costs a moment and no event.
 */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { MESH_IDS_MAX } from "../../protocol/peer/mesh_frames.ts";
import type { StoreAndForward } from "./store_and_forward.ts";
import {
  BROADCAST_MAX,
  BROADCAST_MS,
  FLOOD_MAX_PHONES,
  HELD_DELAY_MS,
  OFFER_AGAIN_FACTOR,
  OFFER_AGAIN_LEAST_MS,
  OFFER_AGAIN_MOST_MS,
  OFFER_DELAY_MS,
  OFFERS_MAX,
} from "../mesh_limits.ts";
import type { Link, MeshContext } from "../peers/link.ts";

/** One event on its way through this phone. */
interface Spread {
  event: Event;
  /** As it goes on from here: further links it may cross. */
  hopsLeft: number;
  since: number;
  /** Neighbours known to hold it. */
  holders: Set<AuthorKey>;
  /** Neighbours it was pushed or offered to, that have said nothing yet. */
  open: Map<AuthorKey, { tries: number; dueAt: number }>;
}

export class Broadcast {
  /** When full, the oldest event is no longer followed. */
  readonly #spreads = new Map<EventId, Spread>();
  /** Those with open neighbours. */
  readonly #open = new Set<EventId>();
  pushesSent = 0;

  constructor(
    readonly context: MeshContext,
    readonly forward: StoreAndForward,
    /** How long answers take, ms. */
    readonly answerMs: () => number,
  ) {}

  /**
   * A new event goes on, to everybody but `holders`. `offered`: to nobody by a push, since others probably have it
   * from another transport.
   */
  begin(event: Event, hopsLeft: number, holders: readonly AuthorKey[], how: "pushed" | "offered" = "pushed"): void {
    const now = this.context.now();
    for (const [id, { since }] of this.#spreads) {
      if (this.#spreads.size < BROADCAST_MAX && since > now - BROADCAST_MS) break;
      this.#spreads.delete(id);
      this.#open.delete(id);
    }
    const spread: Spread = { event, hopsLeft, since: now, holders: new Set(holders), open: new Map() };
    this.#spreads.set(event.id, spread);
    // At the end of its hops it goes no further; whoever is behind finds it by anti-entropy.
    if (hopsLeft <= 0) return;
    const flood = this.isFlooding();
    for (const link of this.context.links.values()) {
      if (spread.holders.has(link.peer) || link.peer === event.author) continue;
      if (how === "pushed" && (flood || link.eager)) this.#push(spread, link, false);
      else this.#offer(spread, link);
    }
  }

  /** Small rooms are flooded. */
  isFlooding(): boolean {
    return this.context.phones() <= FLOOD_MAX_PHONES;
  }

  /** Neighbours that new events are pushed to. */
  eagerLinks(): number {
    let count = 0;
    for (const { eager } of this.context.links.values()) if (eager) count++;
    return count;
  }

  /** A neighbour wants an event it was offered: the link joins the tree. */
  wanted(event: Event, link: Link, hopsLeft: number): void {
    const spread = this.#spreads.get(event.id);
    link.eager = true;
    if (spread !== undefined) this.#push(spread, link, true);
    else this.#send(event, link, hopsLeft, true);
  }

  /** A neighbour is known to hold an event now. Returns whether it was told before that we hold it. */
  holds(id: EventId, peer: AuthorKey): boolean {
    const spread = this.#spreads.get(id);
    if (spread === undefined) return false;
    spread.holders.add(peer);
    const wasTold = spread.open.delete(peer);
    if (spread.open.size === 0) this.#open.delete(id);
    return wasTold;
  }

  /** Tells a neighbour, soon, that an event it pushed or offered is held. */
  say(id: EventId, link: Link): void {
    link.held.add(id);
    if (link.heldAt !== Infinity && link.held.size < MESH_IDS_MAX) return;
    link.heldAt = this.context.now() + (link.held.size < MESH_IDS_MAX ? HELD_DELAY_MS : 0);
    this.context.wakeAt(link.heldAt);
  }

  unlinked(peer: AuthorKey): void {
    for (const id of this.#open) {
      const spread = this.#spreads.get(id)!;
      if (spread.open.delete(peer) && spread.open.size === 0) this.#open.delete(id);
    }
  }

  nextAt(): number {
    let next = Infinity;
    for (const { offersAt, heldAt } of this.context.links.values()) next = Math.min(next, offersAt, heldAt);
    for (const id of this.#open) {
      for (const { dueAt } of this.#spreads.get(id)!.open.values()) if (dueAt < next) next = dueAt;
    }
    return next;
  }

  /** Offers again what nobody answered, and sends what waited for company. */
  due(): void {
    const { context } = this, now = context.now();
    for (const id of this.#open) {
      const spread = this.#spreads.get(id)!;
      for (const [peer, open] of spread.open) {
        if (open.dueAt > now) continue;
        const link = context.links.get(peer);
        if (link === undefined || open.tries >= OFFERS_MAX) spread.open.delete(peer);
        else this.#offer(spread, link);
      }
      if (spread.open.size === 0) this.#open.delete(id);
    }
    for (const link of context.links.values()) {
      if (link.offersAt <= now) {
        link.offersAt = Infinity;
        this.#sendIds(link, "offer", link.offers);
      }
      if (link.heldAt <= now) {
        link.heldAt = Infinity;
        this.#sendIds(link, "held", link.held);
      }
    }
  }

  #sendIds(link: Link, type: "offer" | "held", ids: Set<EventId>): void {
    const all = [...ids];
    ids.clear();
    for (let at = 0; at < all.length; at += MESH_IDS_MAX) {
      this.context.send(link.peer, { type, ids: all.slice(at, at + MESH_IDS_MAX) });
    }
  }

  #push(spread: Spread, link: Link, asked: boolean): void {
    this.#send(spread.event, link, spread.hopsLeft, asked);
    this.#opened(spread, link);
  }

  #send(event: Event, link: Link, hopsLeft: number, asked: boolean): void {
    const copies = this.forward.give(event.id);
    // A link that takes no more counts as a lost frame: the offer comes later, when there may be room.
    const taken = this.context.send(link.peer, {
      type: "push",
      event: event.wire,
      hopsLeft: Math.max(0, hopsLeft - 1),
      copies,
      asked,
    });
    if (taken) this.pushesSent++;
  }

  #offer(spread: Spread, link: Link): void {
    link.offers.add(spread.event.id);
    if (link.offersAt === Infinity) {
      link.offersAt = this.context.now() + OFFER_DELAY_MS;
      this.context.wakeAt(link.offersAt);
    }
    this.#opened(spread, link);
  }

  #againMs(): number {
    return Math.min(OFFER_AGAIN_MOST_MS, Math.max(OFFER_AGAIN_LEAST_MS, HELD_DELAY_MS + 1.5 * this.answerMs()));
  }

  #opened(spread: Spread, link: Link): void {
    const tries = (spread.open.get(link.peer)?.tries ?? 0) + 1;
    const dueAt = this.context.now() + this.#againMs() * OFFER_AGAIN_FACTOR ** (tries - 1);
    spread.open.set(link.peer, { tries, dueAt });
    this.#open.add(spread.event.id);
    this.context.wakeAt(dueAt);
  }
}
