// Runs in browser and simulator.
/**
 * Chooses links: a random graph with few links per phone. With degree three or more such a graph is, with high
 * probability, connected and has a diameter of a few hops (Bollobás 2001, chapter 7). Pure: a view in; whom to dial,
 * accept or evict out. The rules have tags in docs/PROTOCOL.md.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import { fnv1a } from "../../shared/fnv1a.ts";
import {
  CALLER_GRACE_MS,
  DIAL_EVERY_MS,
  DIAL_FAILURES_MAX,
  DIAL_PEER_EVERY_MS,
  DIAL_PEER_MAX_MS,
  EVICT_EVERY_MS,
  EVICT_FOR_PEER_EVERY_MS,
  LINKS_MIN,
  UNREACHABLE_PATIENCE_MS,
} from "../mesh_limits.ts";

/** A link, as far as decisions need it. */
export interface LinkFacts {
  peer: AuthorKey;
  upAt: number;
  /** The peer's own link count, as it reports it. */
  links: number;
}

/** The last dial to a phone and its failures. */
export interface DialFacts {
  at: number;
  /** In a row. */
  failures: number;
}

/** Input of `nextDial`. Times are ms. */
export interface TopologyView {
  me: AuthorKey;
  now: number;
  maxLinks: number;
  links: readonly LinkFacts[];
  /** Phones with a link being set up, by either side. */
  pending: ReadonlySet<AuthorKey>;
  /** Phones known to be present, without banned ones. */
  known: readonly AuthorKey[];
  /** Whether a phone is reachable over the mesh. */
  isReachable(peer: AuthorKey): boolean;
  /** Since when some known phone has been unreachable; undefined when all are reachable. */
  unreachableSince: number | undefined;
  dials: { get(peer: AuthorKey): DialFacts | undefined };
  lastDialAt: number;
  /** Since when this phone has had fewer links than it wants; undefined when it has enough. */
  underLinkedSince: number | undefined;
  /** From 0 to below 1. */
  random(): number;
}

/**
 * One phone of each pair dials. A hash of the two keys selects it, so that each phone is the caller in half of its
 * pairs. If both dial anyway, the caller is the impolite side of perfect negotiation.
 */
export function isCaller(me: AuthorKey, peer: AuthorKey): boolean {
  const [low, high] = me < peer ? [me, peer] : [peer, me];
  const hash = fnv1a(low + high);
  const lowCalls = ((hash ^ (hash >>> 15)) & 1) === 0;
  return lowCalls === (me === low);
}

/**
 * How many links a phone sets up itself: to all others when they are few, otherwise three quarters of its limit. The
 * rest is left to newcomers.
 */
export function linksWanted(maxLinks: number, others: number): number {
  return Math.min(others, others <= maxLinks ? maxLinks : Math.ceil(maxLinks * 3 / 4));
}

/** The phone to dial now; undefined: none. */
export function nextDial(view: TopologyView): AuthorKey | undefined {
  const { now, me, maxLinks, links, pending } = view;
  if (maxLinks === 0 || now - view.lastDialAt < DIAL_EVERY_MS) return undefined;
  const taken = new Set(links.map(({ peer }) => peer));
  const others = view.known.filter((peer) => peer !== me);
  const used = links.length + pending.size;
  const candidates = others.filter((peer) =>
    !taken.has(peer) && !pending.has(peer) && mayDial(view.dials.get(peer), now)
  );
  if (candidates.length === 0) return undefined;

  if (used < linksWanted(maxLinks, others.length)) {
    // With enough links it waits for the callers of its pairs first; without them it dials anybody.
    const eager = used < LINKS_MIN || now - (view.underLinkedSince ?? now) >= CALLER_GRACE_MS;
    const mine = candidates.filter((peer) => isCaller(me, peer));
    // Unreachable phones first, half of the time: such a link joins two parts of the mesh.
    const unreachable = candidates.filter((peer) => links.length > 0 && !view.isReachable(peer));
    if (unreachable.length > 0 && view.unreachableSince !== undefined && view.random() < 0.5) {
      return pick(unreachable, view);
    }
    return pick(mine.length > 0 ? mine : eager ? candidates : [], view);
  }

  // Enough links, but some phones are unreachable: the mesh may be partitioned. About two dials at a time, by all
  // phones of this partition together, are enough to join it; more would be a stampede.
  if (view.unreachableSince === undefined || now - view.unreachableSince < UNREACHABLE_PATIENCE_MS) return undefined;
  const unreachable = candidates.filter((peer) => !view.isReachable(peer));
  const partitionSize = others.length - unreachable.length + 1;
  return view.random() < 2 / partitionSize ? pick(unreachable, view) : undefined;
}

/** The earliest time of the next dial. */
export function nextDialAt(view: Pick<TopologyView, "lastDialAt" | "now">): number {
  return Math.max(view.now, view.lastDialAt) + DIAL_EVERY_MS;
}

/** Whether the backoff after earlier failures is over. */
function mayDial(dials: DialFacts | undefined, now: number): boolean {
  if (dials === undefined) return true;
  return now - dials.at >= Math.min(DIAL_PEER_MAX_MS, DIAL_PEER_EVERY_MS * 2 ** Math.max(0, dials.failures - 1));
}

/** Whether a phone still counts as present after its failures. */
export function isPlausible(dials: DialFacts | undefined): boolean {
  return (dials?.failures ?? 0) < DIAL_FAILURES_MAX;
}

/** Whether a caller is accepted, and why. */
export type Acceptance =
  | { accept: true; reason: "place_free" | "evict" }
  | { accept: false; reason: "banned" | "off" | "full" | "evicted_recently" };

/** Input of `judgeCaller`. */
export interface AcceptView {
  now: number;
  maxLinks: number;
  /** Links and links being set up, without the caller's. */
  used: number;
  isBanned: boolean;
  /** The caller's own link count, as it reports it. */
  callerLinks: number;
  /** Whether the caller is already reachable over the mesh. */
  isReachable: boolean;
  lastEvictionAt: number;
  lastEvictionForCallerAt: number;
}

/**
 * Decides whether to accept a caller. When all places are taken, a caller with hardly any links (a newcomer) or without
 * another route (a bridge to another part of the room) gets the place of another peer. Evictions are rate limited, in
 * total and per caller, so that dialling cannot tear the mesh apart.
 */
export function judgeCaller(view: AcceptView): Acceptance {
  if (view.isBanned) return { accept: false, reason: "banned" };
  if (view.maxLinks === 0) return { accept: false, reason: "off" };
  if (view.used < view.maxLinks) return { accept: true, reason: "place_free" };
  if (view.callerLinks >= LINKS_MIN && view.isReachable) return { accept: false, reason: "full" };
  const { now, lastEvictionAt, lastEvictionForCallerAt } = view;
  if (now - lastEvictionAt < EVICT_EVERY_MS || now - lastEvictionForCallerAt < EVICT_FOR_PEER_EVERY_MS) {
    return { accept: false, reason: "evicted_recently" };
  }
  return { accept: true, reason: "evict" };
}

/**
 * The peer to evict for a newcomer: the one with the most links, which needs this link least. The goodbye names the
 * newcomer and the evicted peer dials it, so neither side ends up with fewer links.
 */
export function chooseEvicted(links: readonly LinkFacts[], newcomer: AuthorKey): AuthorKey | undefined {
  let evicted: LinkFacts | undefined;
  for (const link of links) {
    if (link.peer === newcomer) continue;
    if (
      evicted === undefined || link.links > evicted.links || (link.links === evicted.links && link.upAt < evicted.upAt)
    ) {
      evicted = link;
    }
  }
  return evicted?.peer;
}

function pick(peers: readonly AuthorKey[], view: TopologyView): AuthorKey | undefined {
  return peers[Math.floor(view.random() * peers.length)];
}
