// Runs in browser and simulator.
/**
 * Verifies events before they are kept, delivered or relayed. A duplicate that arrives during its verification is not
 * verified twice. When too many events wait, in total or from one peer, further ones are dropped: a peer offers them
 * again, or anti-entropy finds them.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { UNCHECKED_MAX, UNCHECKED_PER_PEER } from "../mesh_limits.ts";
import type { CheckVerdict, MeshPorts } from "../mesh_ports.ts";

/** `busy`: the queue is full and the event was dropped. `twice`: the event is being verified already. */
type CheckResult = CheckVerdict | "busy" | "twice";

export class CheckQueue {
  /** By id and signature, so that a copy with a changed signature does not block the true event. */
  readonly #unchecked = new Set<string>();
  readonly #perPeer = new Map<AuthorKey, number>();

  constructor(readonly ports: Pick<MeshPorts, "verify">) {}

  /** Verifies an event; `done` may be called before this returns. */
  check(event: Event, peer: AuthorKey, done: (result: CheckResult) => void): void {
    const key = event.id + event.wire[1];
    if (this.#unchecked.has(key)) return done("twice");
    const ofPeer = this.#perPeer.get(peer) ?? 0;
    if (this.#unchecked.size >= UNCHECKED_MAX || ofPeer >= UNCHECKED_PER_PEER) return done("busy");
    const verdict = this.ports.verify(event);
    if (typeof verdict === "string") return done(verdict);
    this.#unchecked.add(key);
    this.#perPeer.set(peer, ofPeer + 1);
    const end = (result: CheckVerdict) => {
      this.#unchecked.delete(key);
      const left = this.#perPeer.get(peer)! - 1;
      if (left === 0) this.#perPeer.delete(peer);
      else this.#perPeer.set(peer, left);
      done(result);
    };
    // A failed verification proves nothing about the event or its sender.
    verdict.then(end, () => end("refused"));
  }
}
