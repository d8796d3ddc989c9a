// Runs in browser and simulator.
/**
 * Admits events: decode, deduplicate, rate limit per author, verify, hold. A duplicate that arrives during its
 * verification is not verified twice. When too many events wait for it, in total or from one peer, further ones are
 * dropped: a peer offers them again, or anti-entropy finds them.
 */
import type { AuthorKey, WireEvent } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import { BoundedMap, BoundedSet } from "../../shared/bounded.ts";
import { KeyedRateLimiter } from "../../shared/rate_limiter.ts";
import type { HeldEvents } from "./held_events.ts";
import {
  AUTHORS_MAX,
  FETCH_LIMIT,
  PUSH_LIMIT,
  SEEN_MAX,
  SUPPRESSED_IDS_MAX,
  SUPPRESSED_MS,
  UNCHECKED_MAX,
  UNCHECKED_PER_PEER,
} from "../mesh_limits.ts";
import type { CheckVerdict, MeshPorts } from "../mesh_ports.ts";

/** Whether a peer pushed the event or this phone fetched it. */
type IngressSource = "pushed" | "fetched";

/**
 * Result of `take`. `accepted`: new, verified and held. `known`: handled before. `pending`: being verified already.
 * `forged`, `malformed`: its sender did not verify it. `over_budget`: its author writes too fast. `dropped`: any other
 * reason, without blame.
 */
export type IngressResult = "accepted" | "known" | "pending" | "forged" | "malformed" | "over_budget" | "dropped";

export class Ingress {
  readonly #seen = new BoundedSet<string>(SEEN_MAX);
  /** Ids that are not requested for a while, and until when. */
  readonly #suppressed = new BoundedMap<string, number>(SUPPRESSED_IDS_MAX);
  readonly #limiters = {
    pushed: new KeyedRateLimiter<AuthorKey>(PUSH_LIMIT, AUTHORS_MAX),
    fetched: new KeyedRateLimiter<AuthorKey>(FETCH_LIMIT, AUTHORS_MAX),
  };
  /** Being verified, by id and signature, so that a copy with a changed signature does not block the true event. */
  readonly #unchecked = new Set<string>();
  readonly #uncheckedOf = new Map<AuthorKey, number>();
  readonly counts = { forged: 0, conflicts: 0 };

  constructor(readonly held: HeldEvents, readonly ports: Pick<MeshPorts, "verify" | "now">) {}

  /** Whether the event was handled before. */
  knows(id: string): boolean {
    return this.#seen.has(id);
  }

  /** Whether the event should be requested. */
  wants(id: string): boolean {
    return !this.#seen.has(id) && (this.#suppressed.get(id) ?? 0) <= this.ports.now();
  }

  /** Number of an author's events that may be fetched now. */
  allowance(author: AuthorKey): number {
    return this.#limiters.fetched.left(author, this.ports.now());
  }

  /** Holds a verified event. Returns false if it was handled before or cannot be held. */
  keep(event: Event): boolean {
    if (this.#seen.has(event.id)) return false;
    const result = this.held.add(event);
    if (result === "conflict") {
      // Two events with the same author and number: the first one stays. The server's log decides later.
      this.counts.conflicts++;
      this.#suppress(event.id);
      return false;
    }
    this.#seen.add(event.id);
    return result === "added";
  }

  /** Takes an event from a peer; `done` may be called before this returns. */
  take(
    wire: WireEvent,
    peer: AuthorKey,
    source: IngressSource,
    done: (result: IngressResult, event: Event | undefined) => void,
  ): void {
    const read = readEvent(wire);
    if (!read.ok) return done("malformed", undefined);
    const { event } = read;
    if (this.#seen.has(event.id)) return done("known", event);
    if (!this.held.isWanted(event.author, event.n)) {
      if (this.held.classify(event) === "conflict") this.counts.conflicts++;
      this.#suppress(event.id);
      return done("dropped", event);
    }
    // Limited before verification, which is the expensive step.
    if (this.#limiters[source].left(event.author, this.ports.now()) < 1) {
      this.#suppress(event.id);
      return done("over_budget", event);
    }
    const key = event.id + event.wire[1];
    if (this.#unchecked.has(key)) return done("pending", event);
    const ofPeer = this.#uncheckedOf.get(peer) ?? 0;
    if (this.#unchecked.size >= UNCHECKED_MAX || ofPeer >= UNCHECKED_PER_PEER) return done("dropped", event);
    const verdict = this.ports.verify(event);
    if (typeof verdict === "string") return done(this.#judged(event, source, verdict), event);
    this.#unchecked.add(key);
    this.#uncheckedOf.set(peer, ofPeer + 1);
    const end = (verdict: CheckVerdict) => {
      this.#unchecked.delete(key);
      const left = this.#uncheckedOf.get(peer)! - 1;
      if (left === 0) this.#uncheckedOf.delete(peer);
      else this.#uncheckedOf.set(peer, left);
      done(this.#judged(event, source, verdict), event);
    };
    // A failed verification proves nothing about the event or its sender.
    verdict.then(end, () => end("refused"));
  }

  #judged(event: Event, source: IngressSource, verdict: CheckVerdict): IngressResult {
    switch (verdict) {
      case "good":
        // Only authentic events count against the author, or anybody could exhaust its limit.
        this.#limiters[source].take(event.author, this.ports.now());
        return this.keep(event) ? "accepted" : "known";
      case "forged":
        this.counts.forged++;
        return "forged";
      case "refused":
        this.#suppress(event.id);
        return "dropped";
    }
  }

  #suppress(id: string): void {
    this.#suppressed.set(id, this.ports.now() + SUPPRESSED_MS);
  }
}
