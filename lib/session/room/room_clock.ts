/** The highest Lamport clock seen in a room, over any transport. */
export class RoomClock {
  #seen = 0;

  get seen(): number {
    return this.#seen;
  }

  see(clock: number): void {
    this.#seen = Math.max(this.#seen, clock);
  }
}
