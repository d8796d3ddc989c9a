// Runs in browser and simulator.
/**
 * Routes events through one node: from publish, push, offer and page to holding, delivery and relay. Peers that break a
 * rule get strikes; peer_score.ts decides how many are too many.
 */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { MESH_COPIES_MAX, MESH_HOPS_MAX, type MeshFrame } from "../../protocol/peer/mesh_frames.ts";
import { AntiEntropy } from "./anti_entropy.ts";
import { StoreAndForward } from "./store_and_forward.ts";
import { HeldEvents } from "./held_events.ts";
import { Ingress, type IngressResult } from "./ingress.ts";
import { EAGER_WHEN_LOSSY, OFFERED_FROM_PAGE, STRIKES_MAX } from "../mesh_limits.ts";
import type { Link, MeshContext } from "../peers/link.ts";
import type { MeshPorts } from "../mesh_ports.ts";
import { Broadcast } from "./broadcast.ts";
import { WantedEvents } from "./wanted_events.ts";

/** Strikes per offence. */
const STRIKES = {
  forged: STRIKES_MAX,
  malformed: STRIKES_MAX / 4,
  broken: 1,
  repeats: 1,
  floods: 1,
  unasked: 0.5,
  crowding: 0.1,
};

export class EventRouter {
  readonly held: HeldEvents;
  readonly ingress: Ingress;
  readonly broadcast: Broadcast;
  readonly antiEntropy: AntiEntropy;
  readonly wanted = new WantedEvents();
  readonly #forward = new StoreAndForward();
  pageEventsSent = 0;

  constructor(
    readonly context: MeshContext,
    readonly ports: Pick<MeshPorts, "verify" | "now" | "onEvent">,
    /** Adds strikes to a phone; a negative count forgives some. */
    readonly strike: (peer: AuthorKey, count: number) => void,
    /** The current strikes of a phone. */
    readonly distrust: (peer: AuthorKey) => number,
    readonly onHeld: (event: Event, from: AuthorKey) => void,
    maxHeld?: number,
  ) {
    this.held = new HeldEvents((id) => this.#forward.isCarried(id, ports.now()), maxHeld);
    this.ingress = new Ingress(this.held, ports);
    this.broadcast = new Broadcast(context, this.#forward, () => this.wanted.answerMs);
    this.antiEntropy = new AntiEntropy(
      context,
      this.held,
      (author) => this.ingress.allowance(author),
      (peer) => strike(peer, STRIKES.broken),
    );
  }

  /** Broadcasts an event of this phone. */
  publish(event: Event): void {
    if (!this.ingress.keep(event)) return;
    this.#forward.accept(event.id, MESH_COPIES_MAX, this.ports.now());
    this.broadcast.start(event, MESH_HOPS_MAX, []);
  }

  /** Offers a verified event from another transport to peers that may lack that transport. */
  offer(event: Event): void {
    const offeredBy = this.wanted.remove(event.id);
    if (!this.ingress.keep(event)) return;
    for (const peer of offeredBy) this.#confirm(event.id, peer);
    this.broadcast.start(event, MESH_HOPS_MAX, offeredBy, "offered");
  }

  unlinked(peer: AuthorKey): void {
    this.wanted.unlinked(peer);
    this.broadcast.unlinked(peer);
    this.antiEntropy.unlinked(peer);
  }

  nextAt(): number {
    return Math.min(this.wanted.nextAt(), this.broadcast.nextAt(), this.antiEntropy.nextAt());
  }

  due(): void {
    const { asks, broken } = this.wanted.due(this.ports.now(), this.distrust);
    for (const [peer, ids] of asks) {
      const link = this.context.links.get(peer);
      if (link === undefined) continue;
      link.eager = true;
      this.context.send(peer, { type: "want", ids });
    }
    for (const peer of broken) this.strike(peer, STRIKES.broken);
    this.broadcast.due();
    this.antiEntropy.due();
  }

  /** A peer pushed an event. */
  onPush(link: Link, frame: MeshFrame<"push">): void {
    const { peer } = link;
    this.ingress.take(frame.event, peer, "pushed", (result, event) => {
      if (event === undefined) return this.#strikeFor(peer, result);
      this.wanted.answered(event.id, peer, this.ports.now());
      switch (result) {
        case "accepted":
          link.eager = true;
          return this.#accepted(event, peer, frame.hopsLeft, frame.copies, "pushed");
        case "known":
        case "pending":
          return this.#duplicate(link, event, frame.asked, result);
        case "over_budget":
          this.wanted.remove(event.id);
          // A relay cannot know what arrived here from others, so only the author itself gets a strike.
          if (event.author === peer) this.strike(peer, STRIKES.floods);
          return;
        default:
          this.wanted.remove(event.id);
          return this.#strikeFor(peer, result);
      }
    });
  }

  /** A peer offers an event. */
  onOffer(link: Link, id: EventId): void {
    if (this.ingress.knows(id)) {
      // If this phone has offered it too, both know. Otherwise the peer expects an answer.
      if (!this.broadcast.addHolder(id, link.peer)) this.#confirm(id, link.peer);
      return;
    }
    if (!this.ingress.wants(id)) return;
    if (!this.wanted.addOffer(id, link.peer, this.ports.now())) return this.strike(link.peer, STRIKES.crowding);
    this.context.wakeAt(this.wanted.nextAt());
  }

  /** A peer requests an event. */
  onWant(link: Link, id: EventId): void {
    const event = this.held.get(id);
    if (event === undefined || link.limits.wants.take(this.ports.now()) > 0) return;
    this.broadcast.onWant(event, link, MESH_HOPS_MAX);
  }

  /** Answers a page request; undefined: the peer requests too many. */
  sendPage(peer: AuthorKey, events: Event[] | undefined): void {
    if (events === undefined) return;
    const taken = this.context.send(peer, {
      type: "page",
      events: events.map(({ id, wire }) => [wire[0], wire[1], MESH_HOPS_MAX, this.#forward.give(id)] as const),
    });
    if (taken) this.pageEventsSent += events.length;
  }

  /** A peer sent a page. */
  onPage({ peer }: Link, { events }: MeshFrame<"page">): void {
    if (!this.antiEntropy.isFetching(peer)) return this.strike(peer, STRIKES.unasked);
    // A few events are offered one by one. After a large page, peers get a digest: they may lack other events.
    const how = events.length <= OFFERED_FROM_PAGE ? "offered" : "held";
    if (how === "held") this.antiEntropy.soon();
    let left = events.length, useful = 0;
    if (left === 0) return this.antiEntropy.pageDone(peer, 0);
    for (const [payload, signature, hopsLeft, copies] of events) {
      this.ingress.take([payload, signature], peer, "fetched", (result, event) => {
        if (result === "accepted" && event !== undefined) {
          useful++;
          this.#accepted(event, peer, hopsLeft, copies, how);
        } else this.#strikeFor(peer, result);
        if (--left === 0) this.antiEntropy.pageDone(peer, useful);
      });
    }
  }

  #accepted(event: Event, from: AuthorKey, hopsLeft: number, copies: number, how: "pushed" | "offered" | "held"): void {
    this.#forward.accept(event.id, copies, this.ports.now());
    const holders = new Set([from, ...this.wanted.remove(event.id)]);
    for (const peer of holders) this.#confirm(event.id, peer);
    this.strike(from, -STRIKES.broken);
    if (how !== "held") this.broadcast.start(event, hopsLeft, [...holders], how);
    this.onHeld(event, from);
    this.ports.onEvent(event, from);
  }

  /** A peer pushed an event that is held or being verified. */
  #duplicate(link: Link, event: Event, asked: boolean, result: "known" | "pending"): void {
    const { peer } = link, now = this.ports.now();
    if (result === "pending") this.wanted.addOffer(event.id, peer, now);
    else if (!this.broadcast.addHolder(event.id, peer)) this.#confirm(event.id, peer);
    if (link.limits.duplicates.take(now) > 0) this.strike(peer, STRIKES.repeats);
    if (asked || this.broadcast.isFlooding() || !this.context.links.has(peer)) return;
    // On lossy links a second path is worth its duplicates.
    if (this.wanted.isLossy && this.broadcast.eagerLinks() <= EAGER_WHEN_LOSSY) return;
    link.eager = false;
    this.context.send(peer, { type: "prune" });
  }

  #confirm(id: EventId, peer: AuthorKey): void {
    const link = this.context.links.get(peer);
    if (link !== undefined) this.broadcast.confirm(id, link);
  }

  #strikeFor(peer: AuthorKey, result: IngressResult): void {
    if (result === "forged" || result === "malformed") this.strike(peer, STRIKES[result]);
  }
}
