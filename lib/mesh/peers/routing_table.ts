// Runs in browser and simulator.
/**
 * Distance-vector routes with ages: which phones are reachable over which peer, in how many hops, and how recently they
 * were alive. Ages only grow along the path, so a phone that left expires everywhere after the same time and no loop
 * keeps it alive. Rows are unsigned: a false claim affects only routes over the peer that makes it, and costs a delay
 * (docs/PROTOCOL.md [MESH-42]).
 */
import type { AuthorKey } from "../../protocol/event.ts";
import { MESH_HOPS_MAX, MESH_PEERS_ROWS, type MeshFrame } from "../../protocol/peer/mesh_frames.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import { PEERS_EVERY_MS, PEERS_MAX, ROUTE_TTL_MS, ROUTE_TTL_PER_PHONE_MS } from "../mesh_limits.ts";
import type { MeshContext } from "./link.ts";

/** A route to one phone over one peer. */
interface Route {
  /** When that phone was last known alive, by this phone's clock. */
  aliveAt: number;
  hops: number;
}

export class RoutingTable {
  readonly #routes = new Map<AuthorKey, BoundedMap<AuthorKey, Route>>();
  #announceAt = Infinity;
  /** First row of the next update, in rooms that need several frames. */
  #cursor = 0;

  constructor(readonly context: MeshContext, readonly maxLinks: () => number) {}

  linked(peer: AuthorKey): void {
    this.#routes.set(peer, new BoundedMap(PEERS_MAX));
    // Exchanging routes early makes the phones behind a new peer reachable soon.
    this.#announceAt = Math.min(this.#announceAt, this.context.now() + 100 + 400 * this.context.random());
    this.context.wakeAt(this.#announceAt);
  }

  unlinked(peer: AuthorKey): void {
    this.#routes.delete(peer);
  }

  /** Takes a routing update of a peer. */
  update(peer: AuthorKey, frame: MeshFrame<"peers">): void {
    const routes = this.#routes.get(peer);
    if (routes === undefined) return;
    const now = this.context.now();
    for (const [phone, ageMs, hops] of frame.peers) {
      if (phone === this.context.me || phone === peer) continue;
      const aliveAt = now - ageMs, known = routes.get(phone);

      if (known === undefined || aliveAt > known.aliveAt) routes.set(phone, { aliveAt, hops });
    }
  }

  /** The peer with the shortest route to a phone, and its length in links; undefined without a route. */
  nextHop(phone: AuthorKey): { peer: AuthorKey; hops: number } | undefined {
    if (this.context.links.has(phone)) return { peer: phone, hops: 1 };
    const validFrom = this.#validFrom();
    let best: { peer: AuthorKey; hops: number } | undefined;
    for (const [peer, routes] of this.#routes) {
      const route = routes.get(phone);
      if (route === undefined || route.aliveAt < validFrom || route.hops + 1 > MESH_HOPS_MAX) continue;
      if (best === undefined || route.hops + 1 < best.hops) best = { peer, hops: route.hops + 1 };
    }
    return best;
  }

  /** All reachable phones, direct peers included, and when each was last known alive. */
  reachable(): Map<AuthorKey, { aliveAt: number; hops: number }> {
    const now = this.context.now(), validFrom = this.#validFrom();
    const all = new Map<AuthorKey, { aliveAt: number; hops: number }>();
    for (const peer of this.context.links.keys()) all.set(peer, { aliveAt: now, hops: 1 });
    for (const routes of this.#routes.values()) {
      for (const [phone, { aliveAt, hops }] of routes.entries()) {
        if (aliveAt < validFrom || hops + 1 > MESH_HOPS_MAX) continue;
        const known = all.get(phone);
        if (known === undefined) {
          all.set(phone, { aliveAt, hops: hops + 1 });
        } else if (known.hops > 1) {
          known.aliveAt = Math.max(known.aliveAt, aliveAt);
          known.hops = Math.min(known.hops, hops + 1);
        }
      }
    }
    return all;
  }

  nextAt(): number {
    return this.#announceAt;
  }

  due(): void {
    const { context } = this, now = context.now();
    if (this.#announceAt > now) return;
    const links = context.links.size;
    if (links === 0) {
      this.#announceAt = Infinity;
      return;
    }
    const all = [...this.reachable()];
    const large = all.length > MESH_PEERS_ROWS;
    for (const peer of context.links.keys()) {
      const theirs = this.#routes.get(peer);
      const rows: MeshFrame<"peers">["peers"] = [];
      for (let at = 0; at < all.length && rows.length < MESH_PEERS_ROWS; at++) {
        const [phone, { aliveAt, hops }] = all[(this.#cursor + at) % all.length]!;
        if (phone === peer || hops >= MESH_HOPS_MAX) continue;
        // Skips rows that the peer itself reported as at least as fresh.
        if ((theirs?.get(phone)?.aliveAt ?? -Infinity) >= aliveAt) continue;
        rows.push([phone, Math.max(0, Math.round(now - aliveAt)), hops]);
      }
      context.send(peer, { type: "peers", links, maxLinks: this.maxLinks(), peers: rows });
    }
    if (large) this.#cursor = (this.#cursor + MESH_PEERS_ROWS) % all.length;
    this.#announceAt = now + PEERS_EVERY_MS * (large ? 2 : 1) * (0.75 + 0.5 * context.random());
    context.wakeAt(this.#announceAt);
  }

  #validFrom(): number {
    return this.context.now() - Math.max(ROUTE_TTL_MS, ROUTE_TTL_PER_PHONE_MS * this.context.phones());
  }
}
