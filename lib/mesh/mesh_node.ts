// Runs in browser and simulator.
/**
 * One phone in the mesh of one room: links in, links wanted out; events in from neighbours, checked, told once and passed
 * on. It does no I/O and knows no time of its own: everything it takes from the outside is in ports.ts. The rules it
 * keeps have tags in docs/PROTOCOL.md, "Between phones".
 */
import type { Cancel } from "../shared/environment.ts";
import type { AuthorKey, WireEvent } from "../protocol/event.ts";
import type { Event } from "../kinds/kinds.ts";
import { decodeMeshFrame } from "../protocol/peer/mesh_decode.ts";
import {
  MESH_HOPS_MAX,
  MESH_SIGNAL_CHARS,
  MESH_VERSION,
  type MeshFrame,
  type MeshGoodbyeFrame,
  type MeshSignalFrame,
} from "../protocol/peer/mesh_frames.ts";
import { KeyedRateLimiter } from "../shared/rate_limiter.ts";
import { PeerScore } from "./peers/peer_score.ts";
import { EventRouter } from "./events/event_router.ts";
import { FRAMES_BURST, FRAMES_PER_SECOND, STRIKES_MAX } from "./mesh_limits.ts";
import { type Link, type MeshContext, newLink } from "./peers/link.ts";
import { PeerManager } from "./peers/peer_manager.ts";
import type { Acceptance } from "./peers/topology.ts";
import type { Coverage, MeshPorts, MeshSettings, MeshStats } from "./mesh_ports.ts";
import { RoutingTable } from "./peers/routing_table.ts";
import { Receipts } from "./events/receipts.ts";

/** Timers are set to full steps of this, so that what is due at about the same time costs one turn. */
const TURN_MS = 10;
/** How long a count of the phones in the room is good enough. */
const PHONES_COUNTED_MS = 3_000;
/** Eager links below which a new link begins as one: a push is faster than an offer. */
const EAGER_LEAST = 2;

export class MeshNode implements MeshContext {
  readonly me: AuthorKey;
  readonly #links = new Map<AuthorKey, Link>();
  readonly #ports: MeshPorts;
  readonly #score = new PeerScore();
  readonly #flow: EventRouter;
  readonly #routes: RoutingTable;
  readonly #neighbours: PeerManager;
  readonly #receipts: Receipts;
  readonly #frames = new KeyedRateLimiter<AuthorKey>({ burst: FRAMES_BURST, everyMs: 1000 / FRAMES_PER_SECOND }, 256);
  /** The operator's notices, checked by the session; told to every neighbour. */
  #notices: readonly WireEvent[] = [];
  readonly #counts = { framesSent: 0, framesReceived: 0, badFrames: 0, bans: 0 };
  #maxLinks: number;
  readonly #phones = { count: 1, until: -Infinity };
  #timer: { at: number; cancel: Cancel } | undefined;
  #closed = false;

  constructor(settings: MeshSettings, ports: MeshPorts) {
    this.me = settings.me;
    this.#maxLinks = settings.maxLinks;
    this.#ports = ports;
    this.#flow = new EventRouter(
      this,
      ports,
      (peer, count) => this.#strike(peer, count),
      (peer) => this.#score.strikes(peer, this.now()),
      (event, from) => this.#receipts.holding(event, from),
      settings.maxHeld,
    );
    const maxLinks = () => this.#maxLinks;
    const end = (peer: AuthorKey, frame: MeshGoodbyeFrame) => this.#end(peer, frame);
    this.#routes = new RoutingTable(this, maxLinks);
    this.#neighbours = new PeerManager(this, ports, this.#routes, this.#score, maxLinks, end);
    const isMember = (phone: AuthorKey) => this.#neighbours.isMember(phone);
    this.#receipts = new Receipts(this, settings.room, ports, this.#flow.held, isMember);
  }

  // ---- what the session and the links call ----

  /** Who is present, as the session knows; whenever that changes. In large rooms this may be a part of them. */
  setPresent(authors: readonly AuthorKey[]): void {
    this.#neighbours.setPresent(authors);
    this.#phones.until = -Infinity;
  }

  /** Another power policy: LINKS_DESKTOP, LINKS_WEAK or 0. Links above it are ended. */
  setMaxLinks(maxLinks: number): void {
    this.#maxLinks = maxLinks;
    for (const peer of [...this.#links.keys()].slice(maxLinks)) this.#end(peer, { type: "goodbye", reason: "full" });
    this.#neighbours.soon();
  }

  /** A phone offers a link: whether to answer. A place is kept for it when so. `callerLinks`: as the offer says. */
  accepts(peer: AuthorKey, callerLinks: number): Acceptance {
    if (this.#closed) return { accept: false, reason: "off" };
    return this.#neighbours.accepts(peer, callerLinks);
  }

  /** Somebody wants peers now: cooldowns and old failures are forgotten. */
  connectNow(): void {
    this.#neighbours.hurry();
  }

  /** The link to a peer is open on both sides. A link that was up before is replaced. */
  linked(peer: AuthorKey): void {
    if (this.#closed || this.#score.isBanned(peer, this.now())) return this.#ports.disconnect(peer);
    if (this.#links.has(peer)) this.#drop(peer);
    const link = newLink(peer, this.now());
    link.eager = this.#flow.broadcast.eagerLinks() < EAGER_LEAST;
    this.#links.set(peer, link);
    const { size } = this.#links;
    this.send(peer, {
      type: "hello",
      version: MESH_VERSION,
      links: size,
      maxLinks: this.#maxLinks,
      buckets: this.#flow.held.buckets(),
    });
    this.#tellNotices(peer);
    this.#flow.antiEntropy.linked(peer);
    this.#routes.linked(peer);
    this.#neighbours.linked(peer);
    this.#ports.onCoverage?.();
  }

  /** The link to a peer ended, or did not come up. */
  unlinked(peer: AuthorKey): void {
    const wasUp = this.#links.has(peer);
    if (wasUp) this.#drop(peer);
    if (this.#closed) return;
    this.#neighbours.unlinked(peer, wasUp);
    if (wasUp) this.#ports.onCoverage?.();
  }

  /** A frame of a linked phone; whatever it is. */
  receive(peer: AuthorKey, data: unknown): void {
    const link = this.#links.get(peer);
    if (link === undefined || this.#closed) return;
    this.#counts.framesReceived++;
    if (this.#frames.take(peer, this.now()) > 0) return this.#strike(peer, 0.01);
    const decoded = decodeMeshFrame(data);
    if (decoded.ok) return this.#handle(link, decoded.frame);
    this.#counts.badFrames++;
    this.#strike(peer, STRIKES_MAX / 10);
  }

  /** An own event, new: it goes to everybody. */
  publish(event: Event): void {
    this.#flow.publish(event);
  }

  /**
   * A new event that came over another transport and is checked. It is offered, not pushed: most neighbours have that transport,
   * too, and the ones that have not ask for it.
   */
  heard(event: Event): void {
    this.#flow.heard(event);
  }

  /** A checked event of the past, from this phone's storage: neighbours that lack it can fetch it. */
  hold(event: Event): void {
    this.#flow.ingress.keep(event);
  }

  /** The operator's notices that this phone holds from now on: neighbours are told at once, and new ones when they link. */
  setNotices(notices: readonly WireEvent[]): void {
    this.#notices = notices;
    for (const peer of this.#links.keys()) this.#tellNotices(peer);
  }

  /** A link to this phone is wanted, for what only it has. */
  call(peer: AuthorKey): void {
    if (!this.#closed) this.#neighbours.wanted(peer);
  }

  /** The neighbour over which a phone is reached. */
  wayTo(peer: AuthorKey): AuthorKey | undefined {
    return this.#routes.way(peer)?.over;
  }

  /** Whom this phone reaches now. */
  coverage(): Coverage {
    return this.#neighbours.coverage();
  }

  /** Whether a phone is linked, or reached over others. */
  reaches(peer: AuthorKey): boolean {
    return this.#routes.way(peer) !== undefined;
  }

  /** Sends signaling to a phone that is reached over the mesh. False: it is not, or the text is too long. */
  signal(to: AuthorKey, text: string): boolean {
    const way = this.#routes.way(to);
    if (way === undefined || text.length > MESH_SIGNAL_CHARS) return false;
    return this.send(way.over, { type: "signal", from: this.me, to, hopsLeft: MESH_HOPS_MAX - 1, text });
  }

  stats(): MeshStats {
    return {
      ...this.#counts,
      ...this.#flow.counts,
      ...this.#flow.ingress.counts,
      links: this.#links.size,
      eagerLinks: this.#flow.broadcast.eagerLinks(),
      held: this.#flow.held.size,
      pushesSent: this.#flow.broadcast.pushesSent,
      wanted: this.#flow.wanted.size,
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

  // ---- what its parts share (MeshContext) ----

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
    if (taken) this.#counts.framesSent++;
    return taken;
  }

  phones(): number {
    const now = this.now();
    if (this.#phones.until <= now) {
      // First the time: who is known depends on how long they stay fresh, and that on how many there are.
      this.#phones.until = now + PHONES_COUNTED_MS;
      this.#phones.count = this.#neighbours.known().length + 1;
    }
    return this.#phones.count;
  }

  wakeAt(at: number): void {
    if (this.#closed || at === Infinity) return;
    const turn = Math.ceil(at / TURN_MS) * TURN_MS;
    if (this.#timer !== undefined) {
      if (this.#timer.at <= turn) return;
      this.#timer.cancel();
    }
    const cancel = this.#ports.after(Math.max(0, turn - this.now()), () => {
      this.#timer = undefined;
      this.#turn();
    });
    this.#timer = { at: turn, cancel };
  }

  // ---- turns and frames ----

  #turn(): void {
    if (this.#closed) return;
    const parts = [this.#flow, this.#routes, this.#neighbours, this.#receipts];
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
        return this.#flow.antiEntropy.digest(peer, frame.buckets);
      case "push":
        return this.#flow.pushed(link, frame);
      case "offer":
        for (const id of frame.ids) this.#flow.offered(link, id);
        return;
      case "held":
        for (const id of frame.ids) this.#flow.broadcast.holds(id, peer);
        return;
      case "want":
        for (const id of frame.ids) this.#flow.asked(link, id);
        return;
      case "prune":
        link.eager = false;
        return;
      case "digest":
        return this.#flow.antiEntropy.digest(peer, frame.buckets);
      case "summary":
        return this.#flow.antiEntropy.summary(peer, frame);
      case "fetch":
        return this.#flow.sendPage(peer, this.#flow.antiEntropy.page(peer, frame));
      case "page":
        return this.#flow.paged(link, frame);
      case "peers":
        link.links = frame.links;
        link.maxLinks = frame.maxLinks;
        this.#routes.heard(peer, frame);
        return this.#ports.onCoverage?.();
      case "receipts":
        return this.#receipts.heard(peer, frame);
      case "taken":
        return this.#receipts.taken(peer, frame.batch);
      case "signal":
        return this.#signaled(peer, frame);
      case "notices":
        return void this.#ports.onNotices?.(frame.notices).then((verdict) => {
          if (verdict === "forged" && !this.#closed) this.#strike(peer, STRIKES_MAX);
        });
      case "goodbye":
        return this.#left(peer, frame);
    }
  }

  #tellNotices(peer: AuthorKey): void {
    if (this.#notices.length > 0) this.send(peer, { type: "notices", notices: [...this.#notices] });
  }

  #signaled(peer: AuthorKey, frame: MeshSignalFrame): void {
    if (frame.to === this.me) return this.#ports.onSignal?.(frame.from, frame.text);
    const way = this.#routes.way(frame.to);
    if (way === undefined || way.over === peer || frame.hopsLeft === 0) return;
    this.send(way.over, { ...frame, hopsLeft: frame.hopsLeft - 1 });
  }

  #left(peer: AuthorKey, { reason, peer: other }: MeshGoodbyeFrame): void {
    this.#drop(peer);
    this.#ports.disconnect(peer);
    if (reason === "misbehaved" || reason === "version") this.#neighbours.turnedAway(peer);
    this.#neighbours.unlinked(peer, true);
    if (other !== undefined && (reason === "swap" || reason === "full")) this.#neighbours.suggested(other);
    this.#ports.onCoverage?.();
  }

  // ---- ends ----

  #strike(peer: AuthorKey, count: number): void {
    const now = this.now();
    if (this.#score.isBanned(peer, now) || !this.#score.strike(peer, now, count)) return;
    this.#counts.bans++;
    this.#ports.onBanned?.(peer);
    if (this.#links.has(peer)) this.#end(peer, { type: "goodbye", reason: "misbehaved" });
  }

  /** Ends a link from this side. */
  #end(peer: AuthorKey, frame: MeshGoodbyeFrame): void {
    this.send(peer, frame);
    this.#drop(peer);
    this.#ports.disconnect(peer);
    this.#neighbours.unlinked(peer, true);
    this.#ports.onCoverage?.();
  }

  #drop(peer: AuthorKey): void {
    this.#links.delete(peer);
    this.#flow.unlinked(peer);
    this.#routes.unlinked(peer);
    this.#receipts.unlinked(peer);
    this.#frames.delete(peer);
  }
}
