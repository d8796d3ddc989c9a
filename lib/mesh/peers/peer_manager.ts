// Runs in browser and simulator.
/** Tracks present phones and dials, asks topology.ts which links to make, and carries its decisions out. */
import type { AuthorKey } from "../../protocol/event.ts";
import type { MeshFrame } from "../../protocol/peer/mesh_frames.ts";
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
  /** People present according to the session. */
  #present = new Set<AuthorKey>();
  readonly #dials = new BoundedMap<AuthorKey, DialFacts>(PEERS_MAX);
  /** Links being set up: since when, and by which side. */
  readonly #pending = new Map<AuthorKey, { at: number; byUs: boolean }>();
  readonly #evictions = new BoundedMap<AuthorKey, number>(PEERS_MAX);
  #lastEvictionAt = -Infinity;
  #lastDialAt = -Infinity;
  #underLinkedSince: number | undefined;
  #unreachableSince: number | undefined;
  #dueAt = Infinity;

  constructor(
    readonly context: MeshContext,
    readonly ports: Pick<MeshPorts, "connect">,
    readonly routes: RoutingTable,
    readonly score: PeerScore,
    readonly maxLinks: () => number,
    /** Ends a link after a goodbye. */
    readonly end: (peer: AuthorKey, frame: MeshFrame<"goodbye">) => void,
  ) {}

  /** Takes the people the session knows to be present. In large rooms this may be a part of them. */
  setPresent(authors: readonly AuthorKey[]): void {
    const before = this.#present;
    this.#present = new Set(authors.slice(0, PEERS_MAX));
    this.#present.delete(this.context.me);
    // A phone that is named again has returned: its old failures no longer count.
    for (const author of this.#present) if (!before.has(author)) this.#dials.delete(author);
    this.soon();
  }

  /** Phones known to be present. */
  known(reachable: ReadonlyMap<AuthorKey, unknown> = this.routes.reachable()): AuthorKey[] {
    const now = this.context.now();
    const all = new Set([...this.#present, ...reachable.keys()]);
    all.delete(this.context.me);
    return [...all].filter((peer) => !this.score.isBanned(peer, now) && isPlausible(this.#dials.get(peer)));
  }

  /**
   * Whether a phone's receipts count: it is present according to the session, or linked. Without a server the session
   * knows nobody, so reachable phones count too.
   */
  isMember(peer: AuthorKey): boolean {
    return this.#present.has(peer) || this.context.links.has(peer) ||
      (this.#present.size === 0 && this.routes.nextHop(peer) !== undefined);
  }

  /** A phone rejected the link: it is not dialled until it is named again. */
  onRejected(peer: AuthorKey): void {
    this.#dials.set(peer, { at: this.context.now(), failures: DIAL_FAILURES_MAX });
  }

  /** Forgets cooldowns and failures, and dials at once. */
  connectNow(): void {
    this.#lastDialAt = -Infinity;
    for (const peer of [...this.#dials.keys()]) this.#dials.delete(peer);
    this.soon();
  }

  coverage(): Coverage {
    const { links } = this.context, reachable = this.routes.reachable();
    const missing = [...this.#present].filter((peer) => !reachable.has(peer));
    return {
      direct: [...links.keys()],
      viaMesh: [...reachable.keys()].filter((peer) => !links.has(peer) && peer !== this.context.me),
      missing,
    };
  }

  /** Decides whether to answer a phone that dials, and reserves a place for it. */
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
      lastEvictionAt: this.#lastEvictionAt,
      lastEvictionForCallerAt: this.#evictions.get(peer) ?? -Infinity,
    });
    if (acceptance.accept) {
      this.#pending.set(peer, { at: now, byUs: false });
      if (acceptance.reason === "evict") {
        this.#lastEvictionAt = now;
        this.#evictions.set(peer, now);
      }
    }
    return acceptance;
  }

  /** A link is up. Evicts another peer when there are too many links now. */
  linked(peer: AuthorKey): void {
    this.#pending.delete(peer);
    this.#dials.set(peer, { at: this.context.now(), failures: 0 });
    if (this.context.links.size > this.maxLinks()) {
      const evicted = chooseEvicted([...this.context.links.values()], peer);
      if (evicted !== undefined) this.end(evicted, { type: "goodbye", reason: "evicted", peer });
    }
    this.soon();
  }

  /** A link ended, or a dial failed. */
  unlinked(peer: AuthorKey, wasUp: boolean): void {
    const pending = this.#pending.get(peer);
    this.#pending.delete(peer);
    if (!wasUp && pending?.byUs) this.#failed(peer);
    this.soon();
  }

  /** A peer ended the link and named another phone to link to instead. */
  onSuggested(peer: AuthorKey): void {
    const now = this.context.now();
    if (peer === this.context.me || this.context.links.has(peer) || this.#pending.has(peer)) return;
    if (this.score.isBanned(peer, now) || this.context.links.size + this.#pending.size >= this.maxLinks()) return;
    const dials = this.#dials.get(peer);
    if (dials !== undefined && dials.failures > 0) return;
    this.#dial(peer);
  }

  /** Dials a phone whose data is needed. May exceed the limit by one link, until `linked` evicts another peer. */
  requestLink(peer: AuthorKey): void {
    const { context, score } = this;
    if (peer === context.me || context.links.has(peer) || this.#pending.has(peer)) return;
    if (score.isBanned(peer, context.now()) || context.links.size + this.#pending.size > this.maxLinks()) return;
    this.#dial(peer);
  }

  nextAt(): number {
    return this.#dueAt;
  }

  /** Schedules the next decision soon. */
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
    const reachable = this.routes.reachable(), known = this.known(reachable);
    const links = [...context.links.values()], maxLinks = this.maxLinks();
    const underLinked = links.length + this.#pending.size < linksWanted(maxLinks, known.length);
    this.#underLinkedSince = underLinked ? this.#underLinkedSince ?? now : undefined;
    const unreachable = known.some((peer) => !reachable.has(peer));
    this.#unreachableSince = unreachable ? this.#unreachableSince ?? now : undefined;
    const peer = nextDial({
      me: context.me,
      now,
      maxLinks,
      links,
      pending: new Set(this.#pending.keys()),
      known,
      isReachable: (peer) => reachable.has(peer),
      unreachableSince: this.#unreachableSince,
      dials: this.#dials,
      lastDialAt: this.#lastDialAt,
      underLinkedSince: this.#underLinkedSince,
      random: () => context.random(),
    });
    if (peer !== undefined) this.#dial(peer);
    this.#dueAt = nextDialAt({ now, lastDialAt: this.#lastDialAt }) + 200 * context.random();
    context.wakeAt(this.#dueAt);
  }

  #dial(peer: AuthorKey): void {
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
