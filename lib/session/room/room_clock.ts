/** The highest Lamport clock that was seen in a room, on whichever transport. */
export class RoomClock {
  #seen = 0;

  get seen(): number {
    return this.#seen;
  }

  see(clock: number): void {
    this.#seen = Math.max(this.#seen, clock);
  }
}
