// Runs in browser and simulator.
/**
 * One phone in the mesh of one room. It manages the links, and verifies, delivers and relays events. It does no I/O and
 * has no clock: mesh_ports.ts lists its dependencies. Its rules are in docs/PROTOCOL.md, "Between phones".
 */
import type { Cancel } from "../shared/environment.ts";
import type { AuthorKey, WireEvent } from "../protocol/event.ts";
import type { Event } from "../kinds/kinds.ts";
import {
  decodeMeshFrame,
  MESH_HOPS_MAX,
  MESH_SIGNAL_CHARS,
  MESH_VERSION,
  type MeshFrame,
} from "../protocol/peer/mesh_frames.ts";
import { PeerScore } from "./peers/peer_score.ts";
import { EventRouter } from "./events/event_router.ts";
import { STRIKES_MAX } from "./mesh_limits.ts";
import { type Link, type MeshContext, newLink } from "./peers/link.ts";
import { PeerManager } from "./peers/peer_manager.ts";
import type { Acceptance } from "./peers/topology.ts";
import type { Coverage, MeshPorts, MeshSettings } from "./mesh_ports.ts";
import { RoutingTable } from "./peers/routing_table.ts";
import { Receipts } from "./events/receipts.ts";

/** Timers are rounded up to this step, so that one tick handles everything due at about the same time. */
const TICK_MS = 10;
/** How long the count of phones in the room is cached. */
const PHONES_COUNTED_MS = 3_000;
/** With fewer eager links than this, a new link starts eager: a push is faster than an offer. */
const EAGER_LEAST = 2;

export class MeshNode implements MeshContext {
  readonly me: AuthorKey;
  readonly #links = new Map<AuthorKey, Link>();
  readonly #ports: MeshPorts;
  readonly #score = new PeerScore();
  readonly #router: EventRouter;
  readonly #routing: RoutingTable;
  readonly #peers: PeerManager;
  readonly #receipts: Receipts;
  /** The operator's notices, verified by the session and sent to every peer. */
  #notices: readonly WireEvent[] = [];
  #framesSent = 0;
  #maxLinks: number;
  readonly #phones = { count: 1, until: -Infinity };
  #timer: { at: number; cancel: Cancel } | undefined;
  #closed = false;

  constructor(settings: MeshSettings, ports: MeshPorts) {
    this.me = settings.me;
    this.#maxLinks = settings.maxLinks;
    this.#ports = ports;
    this.#router = new EventRouter(
      this,
      ports,
      (peer, count) => this.#strike(peer, count),
      (peer) => this.#score.strikes(peer, this.now()),
      (event, from) => this.#receipts.onHeld(event, from),
      settings.maxHeld,
    );
    const maxLinks = () => this.#maxLinks;
    const end = (peer: AuthorKey, frame: MeshFrame<"goodbye">) => this.#end(peer, frame);
    this.#routing = new RoutingTable(this, maxLinks);
    this.#peers = new PeerManager(this, ports, this.#routing, this.#score, maxLinks, end);
    const isMember = (phone: AuthorKey) => this.#peers.isMember(phone);
    this.#receipts = new Receipts(this, settings.room, ports, this.#router.held, isMember);
  }

  // ---- called by the session and the links ----

  /** Takes the people the session knows to be present. In large rooms this may be a part of them. */
  setPresent(authors: readonly AuthorKey[]): void {
    this.#peers.setPresent(authors);
    this.#phones.until = -Infinity;
  }

  /** Applies a new link limit (see MeshSettings.maxLinks) and ends the links above it. */
  setMaxLinks(maxLinks: number): void {
    this.#maxLinks = maxLinks;
    for (const peer of [...this.#links.keys()].slice(maxLinks)) this.#end(peer, { type: "goodbye", reason: "full" });
    this.#peers.soon();
  }

  /** Decides whether to answer a phone that dials, and reserves a place for it. `callerLinks`: as its offer says. */
  accepts(peer: AuthorKey, callerLinks: number): Acceptance {
    if (this.#closed) return { accept: false, reason: "off" };
    return this.#peers.accepts(peer, callerLinks);
  }

  /** Dials at once: the user asked for it, so cooldowns and old failures are forgotten. */
  connectNow(): void {
    this.#peers.connectNow();
  }

  /** The link to a peer is open on both sides. It replaces an earlier link to the same peer. */
  linked(peer: AuthorKey): void {
    if (this.#closed || this.#score.isBanned(peer, this.now())) return this.#ports.disconnect(peer);
    if (this.#links.has(peer)) this.#drop(peer);
    const link = newLink(peer, this.now());
    link.eager = this.#router.broadcast.eagerLinks() < EAGER_LEAST;
    this.#links.set(peer, link);
    const { size } = this.#links;
    this.send(peer, {
      type: "hello",
      version: MESH_VERSION,
      links: size,
      maxLinks: this.#maxLinks,
      buckets: this.#router.held.buckets(),
    });
    this.#sendNotices(peer);
    this.#router.antiEntropy.linked(peer);
    this.#routing.linked(peer);
    this.#peers.linked(peer);
    this.#ports.onCoverage?.();
  }

  /** The link to a peer ended, or the dial failed. */
  unlinked(peer: AuthorKey): void {
    const wasUp = this.#links.has(peer);
    if (wasUp) this.#drop(peer);
    if (this.#closed) return;
    this.#peers.unlinked(peer, wasUp);
    if (wasUp) this.#ports.onCoverage?.();
  }

  /** Handles one inbound frame of a linked phone. Invalid input counts against that phone only. */
  receive(peer: AuthorKey, data: unknown): void {
    const link = this.#links.get(peer);
    if (link === undefined || this.#closed) return;
    if (link.limits.frames.take(this.now()) > 0) return this.#strike(peer, 0.01);
    const decoded = decodeMeshFrame(data);
    if (decoded.ok) return this.#handle(link, decoded.frame);
    // A newer build may say more than this one knows; it says so in frames that begin as all do.
    const isNewer = decoded.problem === "unknown_type" && /^\{"type":"[a-z_]{1,32}"[,}]/.test(String(data));
    if (!isNewer) this.#strike(peer, STRIKES_MAX / 10);
  }

  /** Broadcasts a new event of this phone. */
  publish(event: Event): void {
    this.#router.publish(event);
  }

  /**
   * Offers a verified event that arrived over another transport. Most peers have that transport too, so a push would
   * usually be a duplicate; the others request the event.
   */
  offer(event: Event): void {
    this.#router.offer(event);
  }

  /** Holds a verified event from this phone's storage, so that peers can fetch it. */
  hold(event: Event): void {
    this.#router.ingress.keep(event);
  }

  /** Replaces the operator's notices. Current peers get them at once, later ones when they link. */
  setNotices(notices: readonly WireEvent[]): void {
    this.#notices = notices;
    for (const peer of this.#links.keys()) this.#sendNotices(peer);
  }

  /** Dials a phone that alone has something this one needs. */
  requestLink(peer: AuthorKey): void {
    if (!this.#closed) this.#peers.requestLink(peer);
  }

  /** The next hop towards a phone; undefined without a route. */
  nextHopTo(peer: AuthorKey): AuthorKey | undefined {
    return this.#routing.nextHop(peer)?.peer;
  }

  /** The phones that are reachable now. */
  coverage(): Coverage {
    return this.#peers.coverage();
  }

  /** Whether a phone is linked, or reachable over others. */
  reaches(peer: AuthorKey): boolean {
    return this.#routing.nextHop(peer) !== undefined;
  }

  /** Sends signaling to a phone over the mesh. Returns false without a route, or when the text is too long. */
  signal(to: AuthorKey, text: string): boolean {
    const hop = this.#routing.nextHop(to);
    if (hop === undefined || text.length > MESH_SIGNAL_CHARS) return false;
    return this.send(hop.peer, { type: "signal", from: this.me, to, hopsLeft: MESH_HOPS_MAX - 1, text });
  }

  /** Counters since the node was created, and current sizes. */
  stats() {
    const { broadcast, held, ingress, pageEventsSent, wanted } = this.#router;
    return {
      ...ingress.counts,
      framesSent: this.#framesSent,
      pushesSent: broadcast.pushesSent,
      pageEventsSent,
      links: this.#links.size,
      held: held.size,
      wanted: wanted.size,
    };
  }

  /** Says goodbye to all and stops. */
  close(): void {
    if (this.#closed) return;
    for (const peer of [...this.#links.keys()]) this.#end(peer, { type: "goodbye", reason: "leaving" });
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  // ---- shared by its parts (MeshContext) ----

  get links(): ReadonlyMap<AuthorKey, Link> {
    return this.#links;
  }

  now(): number {
    return this.#ports.now();
  }

  random(): number {
    return this.#ports.random();
  }

  send(peer: AuthorKey, frame: MeshFrame): boolean {
    const taken = this.#ports.send(peer, JSON.stringify(frame));
    if (taken) this.#framesSent++;
    return taken;
  }

  phones(): number {
    const now = this.now();
    if (this.#phones.until <= now) {
      // The expiry is set first: counting known phones asks for this count again, through the route TTL.
      this.#phones.until = now + PHONES_COUNTED_MS;
      this.#phones.count = this.#peers.known().length + 1;
    }
    return this.#phones.count;
  }

  wakeAt(at: number): void {
    if (this.#closed || at === Infinity) return;
    const tick = Math.ceil(at / TICK_MS) * TICK_MS;
    if (this.#timer !== undefined) {
      if (this.#timer.at <= tick) return;
      this.#timer.cancel();
    }
    const cancel = this.#ports.after(Math.max(0, tick - this.now()), () => {
      this.#timer = undefined;
      this.#tick();
    });
    this.#timer = { at: tick, cancel };
  }

  // ---- ticks and frames ----

  #tick(): void {
    if (this.#closed) return;
    const parts = [this.#router, this.#routing, this.#peers, this.#receipts];
    for (const part of parts) part.due();
    this.wakeAt(Math.min(...parts.map((part) => part.nextAt())));
  }

  #handle(link: Link, frame: MeshFrame): void {
    const { peer } = link;
    switch (frame.type) {
      case "hello":
        if (frame.version !== MESH_VERSION) return this.#end(peer, { type: "goodbye", reason: "version" });
        link.links = frame.links;
        link.maxLinks = frame.maxLinks;
        return this.#router.antiEntropy.onDigest(peer, frame.buckets);
      case "push":
        return this.#router.onPush(link, frame);
      case "offer":
        for (const id of frame.ids) this.#router.onOffer(link, id);
        return;
      case "held":
        for (const id of frame.ids) this.#router.broadcast.addHolder(id, peer);
        return;
      case "want":
        for (const id of frame.ids) this.#router.onWant(link, id);
        return;
      case "prune":
        link.eager = false;
        return;
      case "digest":
        return this.#router.antiEntropy.onDigest(peer, frame.buckets);
      case "summary":
        return this.#router.antiEntropy.onSummary(peer, frame);
      case "fetch":
        return this.#router.sendPage(peer, this.#router.antiEntropy.onFetch(link, frame));
      case "page":
        return this.#router.onPage(link, frame);
      case "peers":
        link.links = frame.links;
        link.maxLinks = frame.maxLinks;
        this.#routing.update(peer, frame);
        return this.#ports.onCoverage?.();
      case "receipts":
        return this.#receipts.onReceipts(peer, frame);
      case "taken":
        return this.#receipts.onTaken(peer, frame.batch);
      case "signal":
        return this.#forwardSignal(peer, frame);
      case "notices":
        return void this.#ports.onNotices?.(frame.notices).then((verdict) => {
          if (verdict === "forged" && !this.#closed) this.#strike(peer, STRIKES_MAX);
        });
      case "goodbye":
        return this.#goodbye(peer, frame);
    }
  }

  #sendNotices(peer: AuthorKey): void {
    if (this.#notices.length > 0) this.send(peer, { type: "notices", notices: [...this.#notices] });
  }

  #forwardSignal(peer: AuthorKey, frame: MeshFrame<"signal">): void {
    if (frame.to === this.me) return this.#ports.onSignal?.(frame.from, frame.text);
    const hop = this.#routing.nextHop(frame.to);
    if (hop === undefined || hop.peer === peer || frame.hopsLeft === 0) return;
    this.send(hop.peer, { ...frame, hopsLeft: frame.hopsLeft - 1 });
  }

  #goodbye(peer: AuthorKey, { reason, peer: other }: MeshFrame<"goodbye">): void {
    this.#drop(peer);
    this.#ports.disconnect(peer);
    if (reason === "misbehaved" || reason === "version") this.#peers.onRejected(peer);
    this.#peers.unlinked(peer, true);
    if (other !== undefined && (reason === "evicted" || reason === "full")) this.#peers.onSuggested(other);
    this.#ports.onCoverage?.();
  }

  // ---- ends ----

  #strike(peer: AuthorKey, count: number): void {
    const now = this.now();
    if (this.#score.isBanned(peer, now) || !this.#score.strike(peer, now, count)) return;
    this.#ports.onBanned?.(peer);
    if (this.#links.has(peer)) this.#end(peer, { type: "goodbye", reason: "misbehaved" });
  }

  /** Says goodbye and ends a link. */
  #end(peer: AuthorKey, frame: MeshFrame<"goodbye">): void {
    this.send(peer, frame);
    this.#drop(peer);
    this.#ports.disconnect(peer);
    this.#peers.unlinked(peer, true);
    this.#ports.onCoverage?.();
  }

  #drop(peer: AuthorKey): void {
    this.#links.delete(peer);
    this.#router.unlinked(peer);
    this.#routing.unlinked(peer);
    this.#receipts.unlinked(peer);
  }
}
