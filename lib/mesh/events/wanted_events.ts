// Runs in browser and simulator.
/**
 * Events that neighbours offered and this phone lacks: whom to ask, when, and whom next. One is asked at a time, the
 * most trustworthy first, so that an event is sent once. Who offers what it never sends fills only its own quota.
 */
import type { AuthorKey, EventId } from "../../protocol/event.ts";
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
  /** Per phone that offered it: asks so far, and when the last one was. */
  offeredBy: Map<AuthorKey, { asks: number; at: number }>;
  asks: number;
  lastAsked: AuthorKey | undefined;
  dueAt: number;
}

/** One event to ask one phone for. */
export interface Ask {
  peer: AuthorKey;
  id: EventId;
}

export class WantedEvents {
  readonly #wanted = new Map<EventId, Wanted>();
  readonly #perPeer = new Map<AuthorKey, number>();
  /** How long answers take, ms, a moving average over all neighbours. */
  answerMs = WANT_TIMEOUT_MS / 1.5;
  /** Share of the last events that had to be asked for. */
  #askedShare = 0;

  get size(): number {
    return this.#wanted.size;
  }

  /** Whether so many events had to be asked for lately that pushes seem to get lost. */
  get isLossy(): boolean {
    return this.#askedShare > LOSSY_SHARE;
  }

  has(id: EventId): boolean {
    return this.#wanted.has(id);
  }

  /** A phone offers an event that is not here. False: it offers too much at once and is not heard. */
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

  /** When `due` has something to say. */
  nextAt(): number {
    let next = Infinity;
    for (const { dueAt } of this.#wanted.values()) if (dueAt < next) next = dueAt;
    return next;
  }

  /**
   * Whom to ask for what now, and which phones did not keep what they offered. `distrust`: the higher, the later a phone
   * is asked.
   */
  due(now: number, distrust: (peer: AuthorKey) => number): { asks: Ask[]; broken: AuthorKey[] } {
    const asks: Ask[] = [], broken: AuthorKey[] = [];
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
      asks.push({ peer, id });
    }
    return { asks, broken };
  }

  /** The answer of a phone that was asked is here. */
  answered(id: EventId, peer: AuthorKey, now: number): void {
    const offerer = this.#wanted.get(id)?.offeredBy.get(peer);
    if (offerer === undefined || offerer.asks === 0) return;
    this.answerMs += (now - offerer.at - this.answerMs) / 8;
  }

  /** The event is here, or is not wanted any more. Returns who offered it. */
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

/** The phone asked least often, then the most trustworthy one, then the one that offered first. */
function nextToAsk({ offeredBy }: Wanted, distrust: (peer: AuthorKey) => number): AuthorKey | undefined {
  let best: AuthorKey | undefined, bestAsks = WANTS_PER_PEER, bestDistrust = Infinity;
  for (const [peer, { asks }] of offeredBy) {
    if (asks > bestAsks || asks >= WANTS_PER_PEER) continue;
    const its = distrust(peer);
    if (asks === bestAsks && its >= bestDistrust) continue;
    best = peer;
    bestAsks = asks;
    bestDistrust = its;
  }
  return best;
}
