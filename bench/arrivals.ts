/** A seeded schedule of messages, the same for every server. */

/** One scheduled message. */
export interface Arrival {
  /** Ms after the start. */
  atMs: number;
  /** The socket that sends it. */
  socket: number;
}

/** Seeded numbers from 0 to below 1 (mulberry32, by Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A Poisson process: people write independently, so messages come in bursts and with pauses. */
export function poissonArrivals(seed: number, perSecond: number, durationMs: number, sockets: number): Arrival[] {
  const random = seededRandom(seed);
  const arrivals: Arrival[] = [];
  for (let atMs = 0;;) {
    atMs += -Math.log(1 - random()) * 1_000 / perSecond;
    if (atMs >= durationMs) return arrivals;
    arrivals.push({ atMs, socket: Math.floor(random() * sockets) });
  }
}
