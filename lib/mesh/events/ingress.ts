// Runs in browser and simulator.
/** How an event gets in: read, not here yet, within its author's budget, checked, kept; then told and passed on. */
import type { AuthorKey, WireEvent } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import { BoundedMap, BoundedSet } from "../../shared/bounded.ts";
import { KeyedRateLimiter } from "../../shared/rate_limiter.ts";
import { Checking } from "./check_queue.ts";
import type { HeldEvents } from "./held_events.ts";
import {
  AUTHOR_BURST,
  AUTHOR_EVERY_MS,
  AUTHOR_FETCH_BURST,
  AUTHORS_MAX,
  SEEN_MAX,
  SHUNNED_MAX,
  SHUNNED_MS,
} from "../mesh_limits.ts";
import type { MeshPorts } from "../mesh_ports.ts";

/** How an event came: pushed by a neighbour, or fetched from what it holds. */
export type IngressSource = "pushed" | "fetched";

/**
 * What became of an event. `accepted`: new, checked and kept. `known`: handled before. `pending`: being checked already.
 * `forged`, `malformed`: its sender did not check it. `over_budget`: its author writes too much. `dropped`: everything
 * else that is nobody's fault.
 */
export type IngressResult = "accepted" | "known" | "pending" | "forged" | "malformed" | "over_budget" | "dropped";

export class Ingress {
  readonly #seen = new BoundedSet<string>(SEEN_MAX);
  /** Ids that are not wanted for a while, and until when. */
  readonly #shunned = new BoundedMap<string, number>(SHUNNED_MAX);
  readonly #limiters = {
    pushed: new KeyedRateLimiter<AuthorKey>({ burst: AUTHOR_BURST, everyMs: AUTHOR_EVERY_MS }, AUTHORS_MAX),
    fetched: new KeyedRateLimiter<AuthorKey>({ burst: AUTHOR_FETCH_BURST, everyMs: AUTHOR_EVERY_MS }, AUTHORS_MAX),
  };
  readonly #checking: Checking;
  readonly counts = { forged: 0, refused: 0, overBudget: 0, conflicts: 0 };

  constructor(readonly held: HeldEvents, readonly ports: Pick<MeshPorts, "verify" | "now">) {
    this.#checking = new Checking(ports);
  }

  /** Whether the event was handled before. */
  knows(id: string): boolean {
    return this.#seen.has(id);
  }

  /** Whether the event should be asked for. */
  wants(id: string): boolean {
    return !this.#seen.has(id) && (this.#shunned.get(id) ?? 0) <= this.ports.now();
  }

  /** How many events of an author may be fetched now. */
  allowance(author: AuthorKey): number {
    return this.#limiters.fetched.left(author, this.ports.now());
  }

  /** Keeps an event that is known to be good. False: it was here, or cannot be kept. */
  keep(event: Event): boolean {
    if (this.#seen.has(event.id)) return false;
    const result = this.held.add(event);
    if (result === "conflict") {
      // Two events of one author with one number: the first one here stays. The server's log decides in the end.
      this.counts.conflicts++;
      this.#shun(event.id);
      return false;
    }
    this.#seen.add(event.id);
    return result === "added";
  }

  /** Takes an event from a neighbour; `done` may be called before this returns. */
  take(
    wire: WireEvent,
    peer: AuthorKey,
    arrival: IngressSource,
    done: (result: IngressResult, event: Event | undefined) => void,
  ): void {
    const read = readEvent(wire);
    // A kind this version does not know is nothing wrong, but cannot be checked and so not passed on.
    if (!read.ok) return done("malformed", undefined);
    const { event } = read;
    if (this.#seen.has(event.id)) return done("known", event);
    if (!this.held.isWanted(event.author, event.n)) {
      if (this.held.judge(event) === "conflict") this.counts.conflicts++;
      this.#shun(event.id);
      return done("dropped", event);
    }
    // Before the signature: checking is what costs.
    if (this.#limiters[arrival].left(event.author, this.ports.now()) < 1) {
      this.counts.overBudget++;
      this.#shun(event.id);
      return done("over_budget", event);
    }
    this.#checking.check(event, peer, (result) => {
      switch (result) {
        case "good":
          // Only true events of an author spend its budget, or anybody could spend it.
          this.#limiters[arrival].take(event.author, this.ports.now());
          return done(this.keep(event) ? "accepted" : "known", event);
        case "forged":
          this.counts.forged++;
          return done("forged", event);
        case "refused":
          this.counts.refused++;
          this.#shun(event.id);
          return done("dropped", event);
        case "twice":
          return done("pending", event);
        case "busy":
          return done("dropped", event);
      }
    });
  }

  #shun(id: string): void {
    this.#shunned.set(id, this.ports.now() + SHUNNED_MS);
  }
}
