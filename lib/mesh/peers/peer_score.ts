// Runs in browser and simulator.
/**
 * Strikes and bans of peers. Honest phones verify before they relay, so one forged event is enough for a ban. Faults
 * that loss or bad luck can explain are strikes, which are forgiven over time.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import { BAN_MAX_MS, BAN_MS, PEER_BANS_MAX, STRIKE_FORGIVEN_MS, STRIKES_MAX } from "../mesh_limits.ts";

export class PeerScore {
  readonly #strikes = new BoundedMap<AuthorKey, { count: number; at: number }>(PEER_BANS_MAX);
  readonly #bans = new BoundedMap<AuthorKey, { until: number; times: number }>(PEER_BANS_MAX);

  /** Adds strikes to a phone. Returns true when it reaches STRIKES_MAX and is banned. */
  strike(peer: AuthorKey, now: number, count = 1): boolean {
    const total = this.strikes(peer, now) + count;
    this.#strikes.set(peer, { count: Math.max(0, total), at: now });
    if (total < STRIKES_MAX) return false;
    this.ban(peer, now);
    return true;
  }

  /** Strikes that are not forgiven yet; may be fractional. */
  strikes(peer: AuthorKey, now: number): number {
    const strikes = this.#strikes.get(peer);
    return strikes === undefined ? 0 : Math.max(0, strikes.count - (now - strikes.at) / STRIKE_FORGIVEN_MS);
  }

  /** Bans a phone, for longer each time. */
  ban(peer: AuthorKey, now: number): void {
    const times = this.#bans.get(peer)?.times ?? 0;
    this.#strikes.delete(peer);
    this.#bans.set(peer, { until: now + Math.min(BAN_MAX_MS, BAN_MS * 2 ** times), times: Math.min(times + 1, 16) });
  }

  isBanned(peer: AuthorKey, now: number): boolean {
    return (this.#bans.get(peer)?.until ?? 0) > now;
  }
}
