// Runs in browser and simulator.
/**
 * Who links to whom: a random graph of few links per phone, which is connected and has a diameter of some hops (a random
 * graph of degree three or more is, with high probability: Bollobás 2001, chapter 7). Pure: what is known in, whom to
 * call, take in or let go out. The rules have tags in docs/PROTOCOL.md.
 */
import type { AuthorKey } from "../../protocol/event.ts";
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

/** What is known of a link. */
export interface LinkFacts {
  peer: AuthorKey;
  upAt: number;
  /** Links the neighbour says it has. */
  links: number;
}

/** What came of the tries to link to a phone. */
export interface DialFacts {
  at: number;
  /** In a row. */
  failures: number;
}

/** All that decides. Times are ms. */
export interface TopologyView {
  me: AuthorKey;
  now: number;
  maxLinks: number;
  links: readonly LinkFacts[];
  /** Phones a link to which is being set up, by either side. */
  pending: ReadonlySet<AuthorKey>;
  /** Phones that are there, as far as known; banned ones are not among them. */
  known: readonly AuthorKey[];
  /** Whether a phone is reached over the mesh. */
  isReachable(peer: AuthorKey): boolean;
  /** Since when phones are known that are not reached; undefined when all are. */
  unreachableSince: number | undefined;
  dials: { get(peer: AuthorKey): DialFacts | undefined };
  lastDialAt: number;
  /** Since when this phone has had fewer links than it wants; undefined when it has enough. */
  underLinkedSince: number | undefined;
  /** From 0 to below 1. */
  random(): number;
}

/**
 * Of each pair one phone calls, drawn by lot from the two keys, so that each is the caller in half of its pairs. When
 * both call all the same, the caller is the impolite side of perfect negotiation.
 */
export function isCaller(me: AuthorKey, peer: AuthorKey): boolean {
  const [low, high] = me < peer ? [me, peer] : [peer, me];
  let hash = 0x811c9dc5;
  for (const text of [low, high]) {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  const lowCalls = ((hash ^ (hash >>> 15)) & 1) === 0;
  return lowCalls === (me === low);
}

/**
 * How many links a phone sets up itself: to everybody when they are few, else some below the most it may have, so that
 * newcomers find a place.
 */
export function linksWanted(maxLinks: number, others: number): number {
  return Math.min(others, others <= maxLinks ? maxLinks : Math.ceil(maxLinks * 3 / 4));
}

/** Whom to call now; undefined: nobody. */
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
    // Without any link nobody waits for anybody. With some, the other one of the pair may be about to call.
    const eager = used < LINKS_MIN || now - (view.underLinkedSince ?? now) >= CALLER_GRACE_MS;
    const mine = candidates.filter((peer) => isCaller(me, peer));
    // Those behind a break first: one such link mends more than any other.
    const broken = candidates.filter((peer) => links.length > 0 && !view.isReachable(peer));
    if (broken.length > 0 && view.unreachableSince !== undefined && view.random() < 0.5) return pick(broken, view);
    return pick(mine.length > 0 ? mine : eager ? candidates : [], view);
  }

  // Enough links, and some phones are not reached: the mesh may be in parts. Two calls at a time, of all the phones on
  // this side, are enough to mend that; more would be a stampede.
  if (view.unreachableSince === undefined || now - view.unreachableSince < UNREACHABLE_PATIENCE_MS) return undefined;
  const beyond = candidates.filter((peer) => !view.isReachable(peer));
  const thisSide = others.length - beyond.length + 1;
  return view.random() < 2 / thisSide ? pick(beyond, view) : undefined;
}

/** When the next call may come, at the earliest. */
export function nextDialAt(view: Pick<TopologyView, "lastDialAt" | "now">): number {
  return Math.max(view.now, view.lastDialAt) + DIAL_EVERY_MS;
}

/** Whether a phone that failed before may be called again. */
function mayDial(dials: DialFacts | undefined, now: number): boolean {
  if (dials === undefined) return true;
  return now - dials.at >= Math.min(DIAL_PEER_MAX_MS, DIAL_PEER_EVERY_MS * 2 ** Math.max(0, dials.failures - 1));
}

/** Whether a phone counts as present after its failures. */
export function isPlausible(dials: DialFacts | undefined): boolean {
  return (dials?.failures ?? 0) < DIAL_FAILURES_MAX;
}

/** Why a phone that calls is taken in or not. */
export type Acceptance =
  | { accept: true; reason: "place_free" | "swap" }
  | { accept: false; reason: "banned" | "off" | "full" | "swapped_lately" };

/** What decides about a phone that calls. */
export interface AcceptView {
  now: number;
  maxLinks: number;
  /** Links and links being set up, the caller's not among them. */
  used: number;
  isBanned: boolean;
  /** Links the caller says it has. */
  callerLinks: number;
  /** Whether the caller is reached over the mesh already. */
  isReachable: boolean;
  lastEvictionAt: number;
  lastEvictionForCallerAt: number;
}

/**
 * Whether to take in a phone that calls. When all places are taken it still gets in, in another one's place, when it has
 * hardly any links, or is not reached otherwise: then it is a newcomer, or a bridge to another part of the room. That
 * happens seldom, and seldom for the same phone, so that nobody pulls the mesh apart by calling.
 */
export function judgeCaller(view: AcceptView): Acceptance {
  if (view.isBanned) return { accept: false, reason: "banned" };
  if (view.maxLinks === 0) return { accept: false, reason: "off" };
  if (view.used < view.maxLinks) return { accept: true, reason: "place_free" };
  if (view.callerLinks >= LINKS_MIN && view.isReachable) return { accept: false, reason: "full" };
  const { now, lastEvictionAt: lastSwapAt, lastEvictionForCallerAt: lastSwapForCallerAt } = view;
  if (now - lastSwapAt < EVICT_EVERY_MS || now - lastSwapForCallerAt < EVICT_FOR_PEER_EVERY_MS) {
    return { accept: false, reason: "swapped_lately" };
  }
  return { accept: true, reason: "swap" };
}

/**
 * Which neighbour gives its place to a newcomer: the one with the most links, which misses this one least. It is told
 * to link to the newcomer, so it loses no link in the end, and the newcomer sits in the middle of the old one.
 */
export function chooseEvicted(links: readonly LinkFacts[], newcomer: AuthorKey): AuthorKey | undefined {
  let leaver: LinkFacts | undefined;
  for (const link of links) {
    if (link.peer === newcomer) continue;
    if (leaver === undefined || link.links > leaver.links || (link.links === leaver.links && link.upAt < leaver.upAt)) {
      leaver = link;
    }
  }
  return leaver?.peer;
}

function pick(peers: readonly AuthorKey[], view: TopologyView): AuthorKey | undefined {
  return peers[Math.floor(view.random() * peers.length)];
}
