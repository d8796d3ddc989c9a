// Runs in browser and simulator.
/**
 * What a phone puts up with from its neighbours. An honest phone never passes on a forged event, since it checks first:
 * one is enough. Everything that loss or bad luck can explain is a strike, forgiven with time.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import { BAN_MAX_MS, BAN_MS, PEER_BANS_MAX, STRIKE_FORGIVEN_MS, STRIKES_MAX } from "../mesh_limits.ts";

export class PeerScore {
  readonly #strikes = new BoundedMap<AuthorKey, { count: number; at: number }>(PEER_BANS_MAX);
  readonly #bans = new BoundedMap<AuthorKey, { until: number; times: number }>(PEER_BANS_MAX);

  /** Counts strikes against a phone; true when it has gone too far and is banned. */
  strike(peer: AuthorKey, now: number, count = 1): boolean {
    const total = this.strikes(peer, now) + count;
    this.#strikes.set(peer, { count: Math.max(0, total), at: now });
    if (total < STRIKES_MAX) return false;
    this.ban(peer, now);
    return true;
  }

  /** Strikes that are not forgiven yet; a fraction of one counts. */
  strikes(peer: AuthorKey, now: number): number {
    const strikes = this.#strikes.get(peer);
    return strikes === undefined ? 0 : Math.max(0, strikes.count - (now - strikes.at) / STRIKE_FORGIVEN_MS);
  }

  /** No links to this phone for a while, longer each time. */
  ban(peer: AuthorKey, now: number): void {
    const times = this.#bans.get(peer)?.times ?? 0;
    this.#strikes.delete(peer);
    this.#bans.set(peer, { until: now + Math.min(BAN_MAX_MS, BAN_MS * 2 ** times), times: Math.min(times + 1, 16) });
  }

  isBanned(peer: AuthorKey, now: number): boolean {
    return (this.#bans.get(peer)?.until ?? 0) > now;
  }
}
