/**
 * An unreliable network that tells the truth about TCP: within one connection nothing is reordered or doubled, and what
 * arrives is a prefix of what was sent. Everything else happens: frames take their time, a cut loses what was under way in
 * both directions, each end learns of it at another moment or never, a reader may be slow, and frames of an old
 * connection may arrive after those of the connection that replaced it.
 */
import { CLIENT_FRAME_MAX_BYTES } from "../../lib/protocol/limits.ts";
import type { Connection } from "../../lib/server/session.ts";
import type { ConnectionHandle } from "../../lib/server/server.ts";
import type { SeededRandom } from "./random.ts";
import type { Life, Scheduler } from "./scheduler.ts";

/** How a line behaves; drawn per connection. */
export interface LineQuality {
  latencyMs: number;
  jitterMs: number;
  /** Bytes per ms from server to client; Infinity: no limit. */
  downBytesPerMs: number;
}

/** What the client's end of a connection is told. */
export interface ClientEnd {
  opened(): void;
  received(text: string): void;
  closed(code: number, reason: string): void;
}

/** Close code of a connection that died without a closing handshake (RFC 6455 section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;

/** One direction of a connection. */
class Pipe {
  readonly #queue: { text: string; end: (() => void) | undefined }[] = [];
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #quality: LineQuality;
  readonly #bytesPerMs: number;
  readonly #deliver: (text: string) => void;
  /** Numbers of frames sent into the air, and of the last one that will still arrive. */
  #sent = 0;
  #arrivesUpTo = Infinity;
  #lastArrivalAt = 0;
  #queuedBytes = 0;
  #transmitting = false;
  #stalled = false;
  #cut = false;

  constructor(
    scheduler: Scheduler,
    random: SeededRandom,
    quality: LineQuality,
    bytesPerMs: number,
    deliver: (text: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#quality = quality;
    this.#bytesPerMs = bytesPerMs;
    this.#deliver = deliver;
  }

  /** Bytes that wait for their turn. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(text: string): void {
    if (this.#cut) return;
    this.#queue.push({ text, end: undefined });
    this.#queuedBytes += text.length;
    this.#transmit();
  }

  /** Calls `end` when everything sent before has arrived. */
  finish(end: () => void): void {
    if (this.#cut) return;
    this.#queue.push({ text: "", end });
    this.#transmit();
  }

  /** Nothing is taken up any more, until it goes on. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    if (!stalled) this.#transmit();
  }

  /** What waits is lost; of what is in the air the first part may still arrive. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#arrivesUpTo = this.#random.chance(0.5) ? 0 : this.#random.between(0, this.#sent);
  }

  #transmit(): void {
    while (!this.#stalled && !this.#transmitting && !this.#cut) {
      const next = this.#queue[0];
      if (next === undefined) return;
      if (this.#bytesPerMs === Infinity) {
        this.#launch();
        continue;
      }
      this.#transmitting = true;
      this.#scheduler.after(next.text.length / this.#bytesPerMs, () => {
        this.#transmitting = false;
        if (this.#cut) return;
        this.#launch();
        this.#transmit();
      });
    }
  }

  #launch(): void {
    const { text, end } = this.#queue.shift()!;
    this.#queuedBytes -= text.length;
    const number = ++this.#sent;
    const { latencyMs, jitterMs } = this.#quality;
    const arrivesAt = Math.max(
      this.#lastArrivalAt + 1,
      this.#scheduler.now + latencyMs + this.#random.between(0, jitterMs),
    );
    this.#lastArrivalAt = arrivesAt;
    this.#scheduler.after(arrivesAt - this.#scheduler.now, () => {
      if (number > this.#arrivesUpTo) return;
      if (end !== undefined) end();
      else this.#deliver(text);
    });
  }
}

/** One connection between a page and a server instance. */
export class Link {
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #down: Pipe;
  readonly #up: Pipe;
  readonly #server: Life;
  readonly #page: Life;
  readonly #client: ClientEnd;
  #handle: ConnectionHandle | undefined;
  #clientOpened = false;
  #clientKnows = false;
  #serverKnows = false;
  #cut = false;

  constructor(parts: {
    scheduler: Scheduler;
    random: SeededRandom;
    quality: LineQuality;
    server: Life;
    page: Life;
    client: ClientEnd;
    /** Called on the server's side when the connection is open there. */
    accept(connection: Connection): ConnectionHandle;
    /** Sees every frame at the moment the server sends it. */
    serverSends(text: string): void;
    /** Sees every frame that arrives at the server. */
    serverReceives(text: string): void;
  }) {
    const { scheduler, random, quality, server, page, client } = parts;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#server = server;
    this.#page = page;
    this.#client = client;
    this.#down = new Pipe(scheduler, random, quality, quality.downBytesPerMs, (text) => {
      page.whenAwake(() => this.#clientKnows || client.received(text));
    });
    this.#up = new Pipe(scheduler, random, quality, Infinity, (text) => {
      if (server.dead || this.#serverKnows) return;
      parts.serverReceives(text);
      this.#handle?.receive(text);
    });
    // The handshake: a round trip, of which the server's `challenge` is not part.
    this.#up.finish(() => {
      if (server.dead || this.#serverKnows) return this.cut();
      this.#down.finish(() => page.whenAwake(() => this.#openClient()));
      this.#handle = parts.accept({
        send: (text) => {
          if (server.dead || this.#serverKnows) return;
          parts.serverSends(text);
          this.#down.send(text);
        },
        close: (code, reason) => {
          if (server.dead || this.#serverKnows) return;
          this.#serverKnows = true;
          this.#down.finish(() => this.#tellClient(code, reason));
          scheduler.after(0, () => server.whenAwake(() => this.#handle?.closed()));
        },
        bufferedBytes: () => this.#down.queuedBytes,
      });
    });
  }

  get open(): boolean {
    return !this.#cut && !this.#clientKnows && !this.#serverKnows;
  }

  /** Whether the page's socket takes frames: it is open, as far as the page knows. */
  get usable(): boolean {
    return this.#clientOpened && !this.#clientKnows;
  }

  clientSends(text: string): void {
    if (text.length > 2 * CLIENT_FRAME_MAX_BYTES) throw new RangeError("a client sent an absurdly large frame");
    if (!this.#page.dead && !this.#clientKnows) this.#up.send(text);
  }

  /** The page ends the connection: the server hears of it after everything sent before. */
  clientCloses(): void {
    if (this.#clientKnows) return;
    this.#clientKnows = true;
    this.#up.finish(() => this.#tellServer());
    this.#scheduler.after(this.#random.between(0, 50), () => this.#page.whenAwake(() => this.#client.closed(1005, "")));
  }

  /** The reader stops taking frames from the line, or goes on. */
  stallDown(stalled: boolean): void {
    this.#down.stall(stalled);
  }

  /** The line breaks. Each end learns of it soon, late, or only by its own silence. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#down.cut();
    this.#up.cut();
    if (this.#random.chance(0.8)) {
      const noticedAfterMs = this.#random.chance(0.7)
        ? this.#random.between(0, 100)
        : this.#random.between(100, 20_000);
      this.#scheduler.after(noticedAfterMs, () => this.#tellClient(ABNORMAL_CLOSURE, ""));
    } else {
      // A half-open connection: the operating system gives up in the end (RFC 9293 section 3.8.3), long after anybody cares.
      this.#scheduler.after(120_000, () => this.#tellClient(ABNORMAL_CLOSURE, ""));
    }
    if (this.#random.chance(0.7)) {
      const noticedAfterMs = this.#random.chance(0.5)
        ? this.#random.between(0, 200)
        : this.#random.between(200, 40_000);
      this.#scheduler.after(noticedAfterMs, () => this.#tellServer());
    } else {
      this.#scheduler.after(120_000, () => this.#tellServer());
    }
  }

  #openClient(): void {
    if (this.#clientKnows) return;
    this.#clientOpened = true;
    this.#client.opened();
  }

  #tellClient(code: number, reason: string): void {
    this.#page.whenAwake(() => {
      if (this.#clientKnows) return;
      this.#clientKnows = true;
      this.#client.closed(code, reason);
      // The browser answers the closing handshake.
      this.#up.finish(() => this.#tellServer());
    });
  }

  #tellServer(): void {
    if (this.#server.dead || this.#serverKnows) return;
    this.#serverKnows = true;
    this.#handle?.closed();
  }
}
