// Runs in browser and simulator.
/**
 * Events that peers offered and this phone lacks, and which peer to request them from. One peer is asked at a time, the
 * most trustworthy first, so that an event is sent once. False offers fill only the quota of the peer that makes them.
 */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import { MESH_IDS_MAX } from "../../protocol/peer/mesh_frames.ts";
import {
  LOSSY_SHARE,
  WANT_AFTER_LOSS_MS,
  WANT_AFTER_MS,
  WANT_TIMEOUT_MAX_MS,
  WANT_TIMEOUT_MIN_MS,
  WANT_TIMEOUT_MS,
  WANTED_PER_PEER,
  WANTS_MAX,
  WANTS_PER_PEER,
} from "../mesh_limits.ts";

interface Wanted {
  /** Per phone that offered it: requests so far, and the time of the last one. */
  offeredBy: Map<AuthorKey, { asks: number; at: number }>;
  asks: number;
  lastAsked: AuthorKey | undefined;
  dueAt: number;
}

export class WantedEvents {
  readonly #wanted = new Map<EventId, Wanted>();
  readonly #perPeer = new Map<AuthorKey, number>();
  /** Answer time in ms, a moving average over all peers. */
  answerMs = WANT_TIMEOUT_MS / 1.5;
  /** Share of the last events that had to be requested. */
  #askedShare = 0;

  get size(): number {
    return this.#wanted.size;
  }

  /** Whether pushes seem to get lost: many recent events had to be requested. */
  get isLossy(): boolean {
    return this.#askedShare > LOSSY_SHARE;
  }

  /** Notes an offer of a missing event. Returns false if the phone has too many open offers: this one is ignored. */
  addOffer(id: EventId, peer: AuthorKey, now: number): boolean {
    let wanted = this.#wanted.get(id);
    if (wanted?.offeredBy.has(peer)) return true;
    const count = this.#perPeer.get(peer) ?? 0;
    if (count >= WANTED_PER_PEER) return false;
    this.#perPeer.set(peer, count + 1);
    if (wanted === undefined) {
      const waitMs = this.isLossy ? WANT_AFTER_LOSS_MS : WANT_AFTER_MS;
      wanted = { offeredBy: new Map(), asks: 0, lastAsked: undefined, dueAt: now + waitMs };
      this.#wanted.set(id, wanted);
    }
    wanted.offeredBy.set(peer, { asks: 0, at: 0 });
    return true;
  }

  /** When `due` has something to do. */
  nextAt(): number {
    let next = Infinity;
    for (const { dueAt } of this.#wanted.values()) if (dueAt < next) next = dueAt;
    return next;
  }

  /**
   * The requests to send now, and the phones that did not deliver what they offered. `distrust`: phones with higher
   * values are asked later.
   */
  due(now: number, distrust: (peer: AuthorKey) => number): { asks: Map<AuthorKey, EventId[]>; broken: AuthorKey[] } {
    const asks = new Map<AuthorKey, EventId[]>(), broken: AuthorKey[] = [];
    for (const [id, wanted] of this.#wanted) {
      if (wanted.dueAt > now) continue;
      const peer = wanted.asks < WANTS_MAX ? nextToAsk(wanted, distrust) : undefined;
      if (peer === undefined) {
        broken.push(...wanted.offeredBy.keys());
        this.#forget(id);
        continue;
      }
      const offerer = wanted.offeredBy.get(peer)!;
      offerer.asks++;
      offerer.at = now;
      wanted.asks++;
      wanted.lastAsked = peer;
      wanted.dueAt = now + this.#timeoutMs();
      let ids = asks.get(peer);
      if (ids === undefined) asks.set(peer, ids = []);
      // The rest is requested on a later tick.
      if (ids.length < MESH_IDS_MAX) ids.push(id);
    }
    return { asks, broken };
  }

  /** Measures the answer time of a phone that was asked. */
  answered(id: EventId, peer: AuthorKey, now: number): void {
    const offerer = this.#wanted.get(id)?.offeredBy.get(peer);
    if (offerer === undefined || offerer.asks === 0) return;
    this.answerMs += (now - offerer.at - this.answerMs) / 8;
  }

  /** Removes an event that arrived or is no longer wanted. Returns the phones that offered it. */
  remove(id: EventId): AuthorKey[] {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return [];
    this.#askedShare += ((wanted.asks > 0 ? 1 : 0) - this.#askedShare) / 16;
    this.#forget(id);
    return [...wanted.offeredBy.keys()];
  }

  unlinked(peer: AuthorKey): void {
    for (const [id, wanted] of this.#wanted) {
      if (!wanted.offeredBy.delete(peer)) continue;
      if (wanted.offeredBy.size === 0) this.#wanted.delete(id);
      else if (wanted.lastAsked === peer) wanted.dueAt = 0;
    }
    this.#perPeer.delete(peer);
  }

  #timeoutMs(): number {
    return Math.min(WANT_TIMEOUT_MAX_MS, Math.max(WANT_TIMEOUT_MIN_MS, 1.5 * this.answerMs));
  }

  #forget(id: EventId): void {
    for (const peer of this.#wanted.get(id)?.offeredBy.keys() ?? []) {
      const count = this.#perPeer.get(peer)! - 1;
      if (count === 0) this.#perPeer.delete(peer);
      else this.#perPeer.set(peer, count);
    }
    this.#wanted.delete(id);
  }
}

/** The phone asked least often, then the most trustworthy, then the first to offer. */
function nextToAsk({ offeredBy }: Wanted, distrust: (peer: AuthorKey) => number): AuthorKey | undefined {
  let best: AuthorKey | undefined, bestAsks = WANTS_PER_PEER, bestDistrust = Infinity;
  for (const [peer, { asks }] of offeredBy) {
    if (asks > bestAsks || asks >= WANTS_PER_PEER) continue;
    const score = distrust(peer);
    if (asks === bestAsks && score >= bestDistrust) continue;
    best = peer;
    bestAsks = asks;
    bestDistrust = score;
  }
  return best;
}
