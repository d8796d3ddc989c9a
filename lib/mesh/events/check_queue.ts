// Runs in browser and simulator.
/**
 * Every event is checked before it is kept, told or passed on. Checks may take a while; an event that comes again
 * meanwhile, with the same signature, is not checked twice. When too many wait, in all or of one neighbour, what comes
 * is dropped: a neighbour will offer it again, or anti-entropy finds it.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { UNCHECKED_MAX, UNCHECKED_PER_PEER } from "../mesh_limits.ts";
import type { CheckVerdict, MeshPorts } from "../mesh_ports.ts";

/** `busy`: too much to check, the event was dropped. `twice`: it is being checked already. */
export type CheckResult = CheckVerdict | "busy" | "twice";

export class Checking {
  /** By id and signature: whoever changes a signature must not keep the true event from being checked. */
  readonly #unchecked = new Set<string>();
  readonly #perPeer = new Map<AuthorKey, number>();

  constructor(readonly ports: Pick<MeshPorts, "verify">) {}

  /** Checks an event; `done` may be called before this returns. */
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
    // A check that broke says nothing about the event, nor about who sent it.
    verdict.then(end, () => end("refused"));
  }
}
