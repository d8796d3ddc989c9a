/**
 * Which sockets to end when memory outside the JavaScript heap grows: those that may be inside an endless message. The
 * server is told of a message only when it is complete, so it asks every client for a sign of life, which a client inside
 * a message cannot give. A decision over plain values; connections/socket_watch.ts measures and acts.
 */
import type { ServerConfig } from "../config/server_config.ts";

/** A socket as far as the guard needs it. */
export interface GuardedSocket {
  /** Asks for a sign of life. False while nothing can be asked: before the welcome. */
  check(): boolean;
}

interface Watched {
  openedAt: number;
  /** Complete frames; the first one is the hello. */
  frames: number;
}

interface Alarm<Socket> {
  since: number;
  /** Memory when the alarm began, bytes. */
  bytes: number;
  /** Sockets that were not heard since. */
  readonly silent: Set<Socket>;
  readonly asked: Set<Socket>;
  ended: number;
}

export class MemoryGuard<Socket extends GuardedSocket> {
  readonly #settings: ServerConfig["memory"];
  /** In the order of their opening. */
  readonly #sockets = new Map<Socket, Watched>();
  #alarm: Alarm<Socket> | undefined;
  #clearedAt = -Infinity;
  /** Memory without unfinished messages worth mentioning, bytes: that of the last all-clear, or less. */
  #cleared = Infinity;

  constructor(settings: ServerConfig["memory"]) {
    this.#settings = settings;
  }

  /** Sockets that it watches. */
  get size(): number {
    return this.#sockets.size;
  }

  get isAlarmed(): boolean {
    return this.#alarm !== undefined;
  }

  opened(socket: Socket, nowMs: number): void {
    this.#sockets.set(socket, { openedAt: nowMs, frames: 0 });
  }

  /** A complete frame arrived. */
  heard(socket: Socket): void {
    const watched = this.#sockets.get(socket);
    if (watched === undefined) return;
    watched.frames++;
    this.#alarm?.silent.delete(socket);
  }

  /** The socket is gone, and its memory with it. */
  gone(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#alarm?.silent.delete(socket);
  }

  /**
   * One look at the memory outside the JavaScript heap, bytes, and how much of it there may be. Returns the sockets to
   * end; it watches them no longer. `nowMs`: a monotonic clock.
   */
  look(nowMs: number, bytes: number, limitBytes = Infinity): Socket[] {
    const { growthBytes, patienceMs } = this.#settings;
    this.#cleared = Math.min(this.#cleared, bytes);
    const hasGrown = bytes >= this.#cleared + growthBytes;
    // Near the limit for another reason, it would ask all the time.
    const isNearLimit = bytes >= limitBytes && nowMs - this.#clearedAt >= patienceMs;
    if (this.#alarm === undefined && !((hasGrown || isNearLimit) && this.#sockets.size > 0)) return [];
    const alarm = this.#alarm ??= {
      since: nowMs,
      bytes,
      silent: new Set(this.#sockets.keys()),
      asked: new Set(),
      ended: 0,
    };
    for (const socket of alarm.silent) {
      if (!alarm.asked.has(socket) && this.#sockets.get(socket)!.frames > 0 && socket.check()) alarm.asked.add(socket);
    }
    const end = [...this.#late(nowMs, bytes, alarm)];
    for (const socket of end) this.gone(socket);
    alarm.ended += end.length;
    if (alarm.silent.size === 0) this.#allClear(nowMs, bytes, alarm);
    return end;
  }

  /** The sockets whose time to give a sign of life is over. The faster memory grows, the less time they have. */
  *#late(nowMs: number, bytes: number, alarm: Alarm<Socket>): Generator<Socket, void, void> {
    const { helloMs, patienceMs, fastBytes, fastMs, floodBytes, floodMs } = this.#settings;
    const grown = bytes - this.#cleared;
    const waitMs = grown >= floodBytes ? floodMs : grown >= fastBytes ? fastMs : patienceMs;
    for (const [socket, { openedAt, frames }] of this.#sockets) {
      const isSilent = alarm.silent.has(socket);
      // Also those that came after the alarm, because an attacker who was cut off comes back.
      if (frames === 0 && nowMs - openedAt >= helloMs) yield socket;
      // Those that never spoke after their hello go first.
      else if (isSilent && (nowMs - alarm.since >= waitMs || grown >= floodBytes && frames <= 1)) yield socket;
    }
  }

  #allClear(nowMs: number, bytes: number, alarm: Alarm<Socket>): void {
    this.#alarm = undefined;
    this.#clearedAt = nowMs;
    // Memory of an ended socket may be free only later, so then the next look may ask again. If nobody was ended, what
    // there was before the question has another cause than unfinished messages.
    if (alarm.ended === 0) this.#cleared = Math.min(bytes, alarm.bytes);
  }
}
