// Runs in browser and simulator.
/** Admits events: decode, deduplicate, rate limit per author, verify, hold. */
import type { AuthorKey, WireEvent } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import { BoundedMap, BoundedSet } from "../../shared/bounded.ts";
import { KeyedRateLimiter } from "../../shared/rate_limiter.ts";
import { CheckQueue } from "./check_queue.ts";
import type { HeldEvents } from "./held_events.ts";
import {
  AUTHOR_BURST,
  AUTHOR_EVERY_MS,
  AUTHOR_FETCH_BURST,
  AUTHORS_MAX,
  SEEN_MAX,
  SUPPRESSED_IDS_MAX,
  SUPPRESSED_MS,
} from "../mesh_limits.ts";
import type { MeshPorts } from "../mesh_ports.ts";

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
    pushed: new KeyedRateLimiter<AuthorKey>({ burst: AUTHOR_BURST, everyMs: AUTHOR_EVERY_MS }, AUTHORS_MAX),
    fetched: new KeyedRateLimiter<AuthorKey>({ burst: AUTHOR_FETCH_BURST, everyMs: AUTHOR_EVERY_MS }, AUTHORS_MAX),
  };
  readonly #checking: CheckQueue;
  readonly counts = { forged: 0, refused: 0, overBudget: 0, conflicts: 0 };

  constructor(readonly held: HeldEvents, readonly ports: Pick<MeshPorts, "verify" | "now">) {
    this.#checking = new CheckQueue(ports);
  }

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
      this.counts.overBudget++;
      this.#suppress(event.id);
      return done("over_budget", event);
    }
    this.#checking.check(event, peer, (result) => {
      switch (result) {
        case "good":
          // Only authentic events count against the author, or anybody could exhaust its limit.
          this.#limiters[source].take(event.author, this.ports.now());
          return done(this.keep(event) ? "accepted" : "known", event);
        case "forged":
          this.counts.forged++;
          return done("forged", event);
        case "refused":
          this.counts.refused++;
          this.#suppress(event.id);
          return done("dropped", event);
        case "twice":
          return done("pending", event);
        case "busy":
          return done("dropped", event);
      }
    });
  }

  #suppress(id: string): void {
    this.#suppressed.set(id, this.ports.now() + SUPPRESSED_MS);
  }
}
