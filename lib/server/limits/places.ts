/**
 * The places of an instance for connections, shared fairly by address: keys and cookies are free to make, addresses less
 * so. Below the maximum everybody gets one. When all are taken, an address with fewer places displaces a connection of
 * the address with the most, and a person of the room displaces a stranger. Pure.
 */

/** The greatest number of connections: with a place, and before their hello. */
export interface PlaceLimits {
  connections: number;
  lobby: number;
}

/** Holders by address, oldest first. */
class ByAddress<Holder> {
  readonly #groups = new Map<string, Set<Holder>>();

  of(address: string): ReadonlySet<Holder> {
    return this.#groups.get(address) ?? new Set();
  }

  add(address: string, holder: Holder): void {
    const group = this.#groups.get(address);
    if (group === undefined) this.#groups.set(address, new Set([holder]));
    else group.add(holder);
  }

  delete(address: string, holder: Holder): void {
    const group = this.#groups.get(address);
    if (group?.delete(holder) && group.size === 0) this.#groups.delete(address);
  }

  /** Those of the address that has the most. */
  get largest(): ReadonlySet<Holder> {
    let largest: ReadonlySet<Holder> = new Set();
    for (const group of this.#groups.values()) if (group.size > largest.size) largest = group;
    return largest;
  }
}

export class Places<Holder> {
  /** Read at each decision, because operators change them. */
  readonly #limits: () => PlaceLimits;
  /** The address of each connection before its hello. */
  readonly #lobby = new Map<Holder, string>();
  readonly #lobbyBy = new ByAddress<Holder>();
  /** `known`: has spoken in its room. */
  readonly #seats = new Map<Holder, { address: string; known: boolean }>();
  readonly #seatsBy = new ByAddress<Holder>();

  constructor(limits: () => PlaceLimits) {
    this.#limits = limits;
  }

  /** Connections, those before their hello included. */
  get size(): number {
    return this.#seats.size + this.#lobby.size;
  }

  get isFull(): boolean {
    return this.#seats.size >= this.#limits().connections;
  }

  /** A connection opens. Returns the one that has to go for it: the oldest of the address with the most. */
  arrive(holder: Holder, address: string): Holder | undefined {
    this.#lobby.set(holder, address);
    this.#lobbyBy.add(address, holder);
    if (this.#lobby.size <= this.#limits().lobby) return undefined;
    const [displaced] = this.#lobbyBy.largest;
    if (displaced !== undefined) this.leave(displaced);
    return displaced;
  }

  /** Whether a connection of this address might get a place; `returns`: its client says that it was here before. */
  mightSit(address: string, returns: boolean): boolean {
    return !this.isFull || returns || this.#mayDisplace(address);
  }

  /**
   * A connection that arrived asks for its place; `known`: its person has spoken in the room. False: there is none.
   * `displaced` has lost its own.
   */
  sit(holder: Holder, known: boolean): { ok: boolean; displaced?: Holder } {
    const address = this.#lobby.get(holder);
    if (address === undefined) return { ok: false };
    let displaced: Holder | undefined;
    if (this.isFull) {
      if (this.#mayDisplace(address)) displaced = this.#dispensable(this.#seatsBy.largest);
      else if (known) displaced = this.#dispensable(this.#seatsBy.of(address), true);
      if (displaced === undefined) return { ok: false };
      this.leave(displaced);
    }
    this.leave(holder);
    this.#seats.set(holder, { address, known });
    this.#seatsBy.add(address, holder);
    return displaced === undefined ? { ok: true } : { ok: true, displaced };
  }

  /** The connection's person has spoken. */
  spoke(holder: Holder): void {
    const seat = this.#seats.get(holder);
    if (seat !== undefined) seat.known = true;
  }

  leave(holder: Holder): void {
    const waiting = this.#lobby.get(holder), seat = this.#seats.get(holder);
    if (waiting !== undefined) this.#lobbyBy.delete(waiting, holder);
    if (seat !== undefined) this.#seatsBy.delete(seat.address, holder);
    this.#lobby.delete(holder);
    this.#seats.delete(holder);
  }

  /** Whether another address has two more: with one more, the two would displace each other in turns. */
  #mayDisplace(address: string): boolean {
    return this.#seatsBy.largest.size > this.#seatsBy.of(address).size + 1;
  }

  /** The newest stranger; else the newest of all, unless only strangers may go. */
  #dispensable(holders: ReadonlySet<Holder>, onlyStrangers = false): Holder | undefined {
    const newest = [...holders].reverse();
    return newest.find((holder) => this.#seats.get(holder)?.known !== true) ?? (onlyStrangers ? undefined : newest[0]);
  }
}
