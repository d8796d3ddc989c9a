// Runs in browser and simulator.
/** Keeps what overlay.ts decides on: who is there, who is being called, what came of it; and carries its decisions out. */
import type { AuthorKey } from "../../protocol/event.ts";
import type { MeshGoodbyeFrame } from "../../protocol/peer/mesh_frames.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import type { PeerScore } from "./peer_score.ts";
import { DIAL_FAILURES_MAX, DIAL_TIMEOUT_MS, PEERS_MAX } from "../mesh_limits.ts";
import type { MeshContext } from "./link.ts";
import {
  type Acceptance,
  chooseEvicted,
  type DialFacts,
  isPlausible,
  judgeCaller,
  linksWanted,
  nextDial,
  nextDialAt,
} from "./topology.ts";
import type { Coverage, MeshPorts } from "../mesh_ports.ts";
import type { RoutingTable } from "./routing_table.ts";

export class PeerManager {
  /** Who is present, as the session said. */
  #present = new Set<AuthorKey>();
  readonly #dials = new BoundedMap<AuthorKey, DialFacts>(PEERS_MAX);
  /** Links being set up: since when, and who called. */
  readonly #pending = new Map<AuthorKey, { at: number; byUs: boolean }>();
  readonly #swaps = new BoundedMap<AuthorKey, number>(PEERS_MAX);
  #lastSwapAt = -Infinity;
  #lastDialAt = -Infinity;
  #wantingSince: number | undefined;
  #unreachedSince: number | undefined;
  #dueAt = Infinity;

  constructor(
    readonly context: MeshContext,
    readonly ports: Pick<MeshPorts, "connect">,
    readonly routes: RoutingTable,
    readonly score: PeerScore,
    readonly maxLinks: () => number,
    /** Ends a link after a goodbye. */
    readonly end: (peer: AuthorKey, frame: MeshGoodbyeFrame) => void,
  ) {}

  /** Who is present now, as the session knows. In large rooms this may be a part. */
  setPresent(authors: readonly AuthorKey[]): void {
    const before = this.#present;
    this.#present = new Set(authors.slice(0, PEERS_MAX));
    this.#present.delete(this.context.me);
    // Named again after it was away: old failures say nothing any more.
    for (const author of this.#present) if (!before.has(author)) this.#dials.delete(author);
    this.soon();
  }

  /** Everybody known to be there. */
  known(reached: ReadonlyMap<AuthorKey, unknown> = this.routes.reachable()): AuthorKey[] {
    const now = this.context.now();
    const all = new Set([...this.#present, ...reached.keys()]);
    all.delete(this.context.me);
    return [...all].filter((peer) => !this.score.isBanned(peer, now) && isPlausible(this.#dials.get(peer)));
  }

  /**
   * Whether a phone is somebody whose receipts count: present by the session's word, or a neighbour; where the session
   * knows of nobody (no server), also who is reached.
   */
  isMember(peer: AuthorKey): boolean {
    return this.#present.has(peer) || this.context.links.has(peer) ||
      (this.#present.size === 0 && this.routes.nextHop(peer) !== undefined);
  }

  /** A phone wants no link with us: it is not called until somebody names it anew. */
  onRejected(peer: AuthorKey): void {
    this.#dials.set(peer, { at: this.context.now(), failures: DIAL_FAILURES_MAX });
  }

  /** Somebody asks to connect now: cooldowns and failures are forgotten. */
  connectNow(): void {
    this.#lastDialAt = -Infinity;
    for (const peer of [...this.#dials.keys()]) this.#dials.delete(peer);
    this.soon();
  }

  coverage(): Coverage {
    const { links } = this.context, reached = this.routes.reachable();
    const missing = [...this.#present].filter((peer) => !reached.has(peer));
    return {
      direct: [...links.keys()],
      viaMesh: [...reached.keys()].filter((peer) => !links.has(peer) && peer !== this.context.me),
      missing,
    };
  }

  /** A phone calls: whether to answer. Keeps a place for it when so. */
  accepts(peer: AuthorKey, callerLinks: number): Acceptance {
    const now = this.context.now();
    if (this.context.links.has(peer) || this.#pending.has(peer)) return { accept: true, reason: "place_free" };
    this.#forgetStale(now);
    const acceptance = judgeCaller({
      now,
      maxLinks: this.maxLinks(),
      used: this.context.links.size + this.#pending.size,
      isBanned: this.score.isBanned(peer, now),
      callerLinks,
      isReachable: this.routes.nextHop(peer) !== undefined,
      lastEvictionAt: this.#lastSwapAt,
      lastEvictionForCallerAt: this.#swaps.get(peer) ?? -Infinity,
    });
    if (acceptance.accept) {
      this.#pending.set(peer, { at: now, byUs: false });
      if (acceptance.reason === "swap") {
        this.#lastSwapAt = now;
        this.#swaps.set(peer, now);
      }
    }
    return acceptance;
  }

  /** A link is up. Somebody else's place may be needed for it. */
  linked(peer: AuthorKey): void {
    this.#pending.delete(peer);
    this.#dials.set(peer, { at: this.context.now(), failures: 0 });
    if (this.context.links.size > this.maxLinks()) {
      const leaver = chooseEvicted([...this.context.links.values()], peer);
      if (leaver !== undefined) this.end(leaver, { type: "goodbye", reason: "swap", peer });
    }
    this.soon();
  }

  /** A link ended, or did not come up. */
  unlinked(peer: AuthorKey, wasUp: boolean): void {
    const pending = this.#pending.get(peer);
    this.#pending.delete(peer);
    if (!wasUp && pending?.byUs) this.#failed(peer);
    this.soon();
  }

  /** A neighbour says goodbye and names somebody to link to instead. */
  onSuggested(peer: AuthorKey): void {
    const now = this.context.now();
    if (peer === this.context.me || this.context.links.has(peer) || this.#pending.has(peer)) return;
    if (this.score.isBanned(peer, now) || this.context.links.size + this.#pending.size >= this.maxLinks()) return;
    const dials = this.#dials.get(peer);
    if (dials !== undefined && dials.failures > 0) return;
    this.#call(peer);
  }

  /** This phone has something that is wanted here. One link more than allowed, until one of them is swapped out. */
  requestLink(peer: AuthorKey): void {
    const { context, score } = this;
    if (peer === context.me || context.links.has(peer) || this.#pending.has(peer)) return;
    if (score.isBanned(peer, context.now()) || context.links.size + this.#pending.size > this.maxLinks()) return;
    this.#call(peer);
  }

  nextAt(): number {
    return this.#dueAt;
  }

  /** Looks again soon. */
  soon(): void {
    const at = Math.max(this.context.now(), this.#lastDialAt) + 50 + 200 * this.context.random();
    if (at >= this.#dueAt) return;
    this.#dueAt = at;
    this.context.wakeAt(at);
  }

  due(): void {
    const { context } = this, now = context.now();
    if (this.#dueAt > now) return;
    this.#forgetStale(now);
    const reached = this.routes.reachable(), known = this.known(reached);
    const links = [...context.links.values()], maxLinks = this.maxLinks();
    const wanting = links.length + this.#pending.size < linksWanted(maxLinks, known.length);
    this.#wantingSince = wanting ? this.#wantingSince ?? now : undefined;
    const unreached = known.some((peer) => !reached.has(peer));
    this.#unreachedSince = unreached ? this.#unreachedSince ?? now : undefined;
    const peer = nextDial({
      me: context.me,
      now,
      maxLinks,
      links,
      pending: new Set(this.#pending.keys()),
      known,
      isReachable: (peer) => reached.has(peer),
      unreachableSince: this.#unreachedSince,
      dials: this.#dials,
      lastDialAt: this.#lastDialAt,
      underLinkedSince: this.#wantingSince,
      random: () => context.random(),
    });
    if (peer !== undefined) this.#call(peer);
    this.#dueAt = nextDialAt({ now, lastDialAt: this.#lastDialAt }) + 200 * context.random();
    context.wakeAt(this.#dueAt);
  }

  #call(peer: AuthorKey): void {
    const now = this.context.now();
    this.#lastDialAt = now;
    this.#pending.set(peer, { at: now, byUs: true });
    this.#dials.set(peer, { at: now, failures: this.#dials.get(peer)?.failures ?? 0 });
    this.ports.connect(peer, this.context.links.size);
  }

  #failed(peer: AuthorKey): void {
    this.#dials.set(peer, { at: this.context.now(), failures: (this.#dials.get(peer)?.failures ?? 0) + 1 });
  }

  #forgetStale(now: number): void {
    for (const [peer, { at, byUs }] of this.#pending) {
      if (now - at < DIAL_TIMEOUT_MS) continue;
      this.#pending.delete(peer);
      if (byUs) this.#failed(peer);
    }
  }
}
