// Runs in browser and simulator.
/**
 * Relays new events. Small rooms are flooded: every peer that may lack the event gets a push. Larger rooms use Plumtree
 * (Leitão, Pereira, Rodrigues 2007): a push along a self-repairing tree, an offer to the other peers. A duplicate push
 * prunes the link from the tree, a `want` grafts it back. Unanswered pushes and offers are retried as offers, so a lost
 * frame costs a delay and no event.
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
  OFFER_DELAY_MS,
  OFFER_RETRY_FACTOR,
  OFFER_RETRY_MAX_MS,
  OFFER_RETRY_MIN_MS,
  OFFERS_MAX,
} from "../mesh_limits.ts";
import type { Link, MeshContext } from "../peers/link.ts";

/** The broadcast of one event by this phone. */
interface ActiveBroadcast {
  event: Event;
  /** Number of further links it may cross from here. */
  hopsLeft: number;
  since: number;
  /** Peers known to hold it. */
  holders: Set<AuthorKey>;
  /** Peers that got a push or an offer and have not answered. */
  unanswered: Map<AuthorKey, { tries: number; dueAt: number }>;
}

export class Broadcast {
  /** When full, the oldest broadcast is dropped. */
  readonly #active = new Map<EventId, ActiveBroadcast>();
  /** Broadcasts with unanswered peers. */
  readonly #awaiting = new Set<EventId>();
  pushesSent = 0;

  constructor(
    readonly context: MeshContext,
    readonly forward: StoreAndForward,
    /** Average answer time, ms. */
    readonly answerMs: () => number,
  ) {}

  /**
   * Starts the broadcast of a new event to all peers but `holders`. `offered`: without pushes, because peers probably
   * have it from another transport.
   */
  start(event: Event, hopsLeft: number, holders: readonly AuthorKey[], how: "pushed" | "offered" = "pushed"): void {
    const now = this.context.now();
    for (const [id, { since }] of this.#active) {
      if (this.#active.size < BROADCAST_MAX && since > now - BROADCAST_MS) break;
      this.#active.delete(id);
      this.#awaiting.delete(id);
    }
    const active: ActiveBroadcast = { event, hopsLeft, since: now, holders: new Set(holders), unanswered: new Map() };
    this.#active.set(event.id, active);
    // Out of hops. Phones further away get it by anti-entropy.
    if (hopsLeft <= 0) return;
    const flood = this.isFlooding();
    for (const link of this.context.links.values()) {
      if (active.holders.has(link.peer) || link.peer === event.author) continue;
      if (how === "pushed" && (flood || link.eager)) this.#push(active, link, false);
      else this.#offer(active, link);
    }
  }

  /** Whether the room is small enough to be flooded. */
  isFlooding(): boolean {
    return this.context.phones() <= FLOOD_MAX_PHONES;
  }

  /** Number of peers that new events are pushed to. */
  eagerLinks(): number {
    let count = 0;
    for (const { eager } of this.context.links.values()) if (eager) count++;
    return count;
  }

  /** Sends a requested event and grafts the link into the tree. */
  onWant(event: Event, link: Link, hopsLeft: number): void {
    const active = this.#active.get(event.id);
    link.eager = true;
    if (active !== undefined) this.#push(active, link, true);
    else this.#send(event, link, hopsLeft, true);
  }

  /** Notes that a peer holds an event. Returns whether this phone had pushed or offered it to the peer. */
  addHolder(id: EventId, peer: AuthorKey): boolean {
    const active = this.#active.get(id);
    if (active === undefined) return false;
    active.holders.add(peer);
    const wasSent = active.unanswered.delete(peer);
    if (active.unanswered.size === 0) this.#awaiting.delete(id);
    return wasSent;
  }

  /** Queues the `held` answer to a peer that pushed or offered an event. */
  confirm(id: EventId, link: Link): void {
    link.held.add(id);
    if (link.heldAt !== Infinity && link.held.size < MESH_IDS_MAX) return;
    link.heldAt = this.context.now() + (link.held.size < MESH_IDS_MAX ? HELD_DELAY_MS : 0);
    this.context.wakeAt(link.heldAt);
  }

  unlinked(peer: AuthorKey): void {
    for (const id of this.#awaiting) {
      const active = this.#active.get(id)!;
      if (active.unanswered.delete(peer) && active.unanswered.size === 0) this.#awaiting.delete(id);
    }
  }

  nextAt(): number {
    let next = Infinity;
    for (const { offersAt, heldAt } of this.context.links.values()) next = Math.min(next, offersAt, heldAt);
    for (const id of this.#awaiting) {
      for (const { dueAt } of this.#active.get(id)!.unanswered.values()) if (dueAt < next) next = dueAt;
    }
    return next;
  }

  /** Retries unanswered offers and sends the batched ids. */
  due(): void {
    const { context } = this, now = context.now();
    for (const id of this.#awaiting) {
      const active = this.#active.get(id)!;
      for (const [peer, open] of active.unanswered) {
        if (open.dueAt > now) continue;
        const link = context.links.get(peer);
        if (link === undefined || open.tries >= OFFERS_MAX) active.unanswered.delete(peer);
        else this.#offer(active, link);
      }
      if (active.unanswered.size === 0) this.#awaiting.delete(id);
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

  #push(active: ActiveBroadcast, link: Link, asked: boolean): void {
    this.#send(active.event, link, active.hopsLeft, asked);
    this.#awaitAnswer(active, link);
  }

  #send(event: Event, link: Link, hopsLeft: number, asked: boolean): void {
    const copies = this.forward.give(event.id);
    // Backpressure counts as a lost frame: the retry offers the event later.
    const taken = this.context.send(link.peer, {
      type: "push",
      event: event.wire,
      hopsLeft: Math.max(0, hopsLeft - 1),
      copies,
      asked,
    });
    if (taken) this.pushesSent++;
  }

  #offer(active: ActiveBroadcast, link: Link): void {
    link.offers.add(active.event.id);
    if (link.offersAt === Infinity) {
      link.offersAt = this.context.now() + OFFER_DELAY_MS;
      this.context.wakeAt(link.offersAt);
    }
    this.#awaitAnswer(active, link);
  }

  #retryMs(): number {
    return Math.min(OFFER_RETRY_MAX_MS, Math.max(OFFER_RETRY_MIN_MS, HELD_DELAY_MS + 1.5 * this.answerMs()));
  }

  #awaitAnswer(active: ActiveBroadcast, link: Link): void {
    const tries = (active.unanswered.get(link.peer)?.tries ?? 0) + 1;
    const dueAt = this.context.now() + this.#retryMs() * OFFER_RETRY_FACTOR ** (tries - 1);
    active.unanswered.set(link.peer, { tries, dueAt });
    this.#awaiting.add(active.event.id);
    this.context.wakeAt(dueAt);
  }
}
