/**
 * The places of an instance when more want one than there are: fair by address, as thousands of honest people may
 * share one and an attacker has few. A decision over plain values; connections/admission.ts ends those who are displaced.
 *
 * A connection waits in the lobby until its hello is checked; then it takes a place or is refused. The lobby comes on top of
 * the places, and may use those that are free. It never refuses anybody: when it is full, the one who waits longest goes.
 */

export interface PlaceLimits {
  /** Connections after their hello. */
  connections: number;
  /** Connections before it, on top. */
  lobby: number;
}

/** Whether the connection is in, and who has to go for it. */
export type Seated<Guest> = { ok: true; displaced?: Guest } | { ok: false };

interface Position {
  place: "lobby" | "quiet" | "heard";
  address: string;
}

export class Places<Guest> {
  readonly #limits: PlaceLimits;
  readonly #guests = new Map<Guest, Position>();
  readonly #lobby = new Groups<Guest>();
  /** Newcomers who have not said a word. */
  readonly #quiet = new Groups<Guest>();
  /** All who have a place. */
  readonly #placed = new Groups<Guest>();

  /** `limits` may change later. */
  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** Connections, the lobby included. */
  get size(): number {
    return this.#guests.size;
  }

  get isFull(): boolean {
    return this.#placed.size >= this.#limits.connections;
  }

  /** A connection opens. Returns the one that has to go for it. */
  enter(guest: Guest, address: string): Guest | undefined {
    this.#guests.set(guest, { place: "lobby", address });
    this.#lobby.add(guest, address);
    const { connections, lobby } = this.#limits;
    if (this.size <= connections + lobby) return undefined;
    const displaced = this.#lobby.oldestOf(this.#lobby.largest()!)!;
    this.leave(displaced);
    return displaced;
  }

  /**
   * Its hello was right: it takes a place. `isKnown`: the room has events of this person. When all places are taken, an
   * address with fewer than the most takes one of those; a known person also takes that of a newcomer who has said nothing, at the same address or one with more.
   */
  sit(guest: Guest, isKnown: boolean): Seated<Guest> {
    const waiting = this.#guests.get(guest);
    if (waiting?.place !== "lobby") return { ok: false };
    const { address } = waiting;
    let displaced: Guest | undefined;
    if (this.isFull) {
      displaced = this.#whoGives(address, isKnown);
      if (displaced === undefined) return { ok: false };
      this.leave(displaced);
    }
    this.#lobby.delete(guest, address);
    this.#guests.set(guest, { place: isKnown ? "heard" : "quiet", address });
    this.#placed.add(guest, address);
    if (!isKnown) this.#quiet.add(guest, address);
    return { ok: true, ...displaced !== undefined && { displaced } };
  }

  /** The person has said something: from now on newcomers of the same address do not displace them. */
  spoke(guest: Guest): void {
    const placed = this.#guests.get(guest);
    if (placed?.place !== "quiet") return;
    this.#quiet.delete(guest, placed.address);
    placed.place = "heard";
  }

  /** The connection is over. */
  leave(guest: Guest): void {
    const at = this.#guests.get(guest);
    if (at === undefined) return;
    this.#guests.delete(guest);
    if (at.place === "lobby") return this.#lobby.delete(guest, at.address);
    this.#placed.delete(guest, at.address);
    if (at.place === "quiet") this.#quiet.delete(guest, at.address);
  }

  #whoGives(address: string, isKnown: boolean): Guest | undefined {
    const largest = this.#placed.largest();
    if (largest === undefined) return undefined;
    // Two more, so that afterwards it does not hold fewer than the other: the two would displace each other in turns.
    const lead = this.#placed.countOf(largest) - this.#placed.countOf(address);
    if (lead > 1) {
      return this.#quiet.newestOf(largest) ?? this.#placed.newestOf(largest);
    }
    if (!isKnown) return undefined;
    // Of no address that has no more than this one: an attacker with many known keys would drive out lone newcomers.
    return this.#quiet.newestOf(address) ?? (lead > 0 ? this.#quiet.newestOf(largest) : undefined);
  }
}

/** Guests by address, in the order in which they came, and which address has most. */
class Groups<Guest> {
  readonly #byAddress = new Map<string, Set<Guest>>();
  /** The addresses that have 1, 2, 3, … guests, at 1, 2, 3, … */
  readonly #bySize: Set<string>[] = [];
  #most = 0;
  size = 0;

  countOf(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  add(guest: Guest, address: string): void {
    const group = this.#byAddress.get(address) ?? new Set();
    if (group.size === 0) this.#byAddress.set(address, group);
    group.add(guest);
    this.#resized(address, group.size - 1, group.size);
    this.size++;
  }

  delete(guest: Guest, address: string): void {
    const group = this.#byAddress.get(address);
    if (group?.delete(guest) !== true) return;
    if (group.size === 0) this.#byAddress.delete(address);
    this.#resized(address, group.size + 1, group.size);
    this.size--;
  }

  /** An address that has most guests. */
  largest(): string | undefined {
    return this.#bySize[this.#most]?.values().next().value;
  }

  oldestOf(address: string): Guest | undefined {
    return this.#byAddress.get(address)?.values().next().value;
  }

  newestOf(address: string): Guest | undefined {
    let newest: Guest | undefined;
    for (const guest of this.#byAddress.get(address) ?? []) newest = guest;
    return newest;
  }

  #resized(address: string, from: number, to: number): void {
    this.#bySize[from]?.delete(address);
    if (to > 0) (this.#bySize[to] ??= new Set()).add(address);
    if (to > this.#most) this.#most = to;
    while (this.#most > 0 && !this.#bySize[this.#most]?.size) this.#most--;
  }
}
