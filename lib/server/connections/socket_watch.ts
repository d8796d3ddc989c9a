/**
 * Watches the WebSockets of an instance for memory that they hold without telling: of messages that never end, and of
 * clients that do not read. Measures, asks and ends; limits/memory_guard.ts decides.
 */
import type { Cancel, Clock, Timers } from "../../shared/environment.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Log } from "../environment.ts";
import { MemoryGuard } from "../limits/memory_guard.ts";

/** A socket as far as the watch needs it. */
export interface WatchedSocket {
  /** Asks the client for a sign of life. False while it cannot be asked: before the welcome. */
  check(): boolean;
  /** Ends the socket at once and frees its memory. */
  abort(): void;
}

/** The process's memory, bytes. */
export interface ProcessMemory {
  residentBytes: number;
  heapBytes: number;
}

export interface SocketWatchDeps {
  settings: ServerConfig["memory"];
  /** RAM that the process may use, bytes. */
  memoryBytes: number;
  /** A monotonic clock. */
  steady: Clock;
  timers: Timers;
  log: Log;
  /** Absent: memory is not watched. */
  memory?(): ProcessMemory;
}

export class SocketWatch {
  readonly #deps: SocketWatchDeps;
  readonly #guard: MemoryGuard<WatchedSocket>;
  readonly #closing = new Map<WatchedSocket, Cancel>();
  #cancelLook: Cancel | undefined;
  #closed = false;
  /** Sockets that were ended since memory began to grow; undefined while it is calm. */
  #flood: { ended: number; since: number; quietSince?: number } | undefined;

  constructor(deps: SocketWatchDeps) {
    this.#deps = deps;
    this.#guard = new MemoryGuard(deps.settings);
  }

  opened(socket: WatchedSocket): void {
    this.#guard.opened(socket, this.#deps.steady.now());
    this.#lookLater();
  }

  /** A complete frame arrived from the client. */
  heard(socket: WatchedSocket): void {
    this.#guard.heard(socket);
  }

  /** The server closes the socket, and the client may take its time. */
  closing(socket: WatchedSocket): void {
    const { timers, settings } = this.#deps;
    if (!this.#closing.has(socket)) {
      this.#closing.set(socket, timers.after(settings.closingMs, () => this.#abort(socket)));
    }
  }

  gone(socket: WatchedSocket): void {
    this.#guard.gone(socket);
    this.#closing.get(socket)?.();
    this.#closing.delete(socket);
  }

  #abort(socket: WatchedSocket): void {
    this.gone(socket);
    socket.abort();
  }

  #lookLater(): void {
    const { memory, timers, settings } = this.#deps;
    if (memory === undefined || this.#closed || this.#cancelLook !== undefined) return;
    this.#cancelLook = timers.after(settings.lookMs, () => {
      this.#cancelLook = undefined;
      this.#look(memory());
      if (this.#guard.size > 0 || this.#flood !== undefined) this.#lookLater();
    });
  }

  #look({ residentBytes, heapBytes }: ProcessMemory): void {
    const { settings: { nearShare }, memoryBytes, steady } = this.#deps;
    const now = steady.now();
    const ended = this.#guard.look(now, residentBytes - heapBytes, memoryBytes * nearShare - heapBytes);
    for (const socket of ended) this.#abort(socket);
    this.#note(now, ended.length);
  }

  /** One line when sockets begin to be ended, and one when that is over. */
  #note(now: number, ended: number): void {
    const { log, settings: { patienceMs } } = this.#deps;
    if (ended > 0) {
      if (this.#flood === undefined) log("memory grows: connections that give no sign of life are ended");
      this.#flood = { since: this.#flood?.since ?? now, ended: (this.#flood?.ended ?? 0) + ended };
    } else if (this.#flood !== undefined) {
      this.#flood.quietSince ??= now;
      if (now - this.#flood.quietSince < patienceMs) return;
      const seconds = Math.round((this.#flood.quietSince - this.#flood.since) / 1_000);
      log(`memory is calm again: ${this.#flood.ended} connections were ended in ${seconds} s`);
      this.#flood = undefined;
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
    for (const cancel of this.#closing.values()) cancel();
    this.#closing.clear();
  }
}
