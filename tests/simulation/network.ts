/**
 * An unreliable network with the guarantees of TCP: within one connection nothing is reordered or duplicated, and the
 * received data is a prefix of the sent data. Everything else can happen: frames are delayed, a cut loses the data in
 * flight in both directions, each end learns of it at a different time or never, a reader may be slow, and frames of an
 * old connection may arrive after those of the connection that replaced it.
 */
import { CLIENT_FRAME_MAX_BYTES } from "../../lib/protocol/limits.ts";
import type { ClientConnection } from "../../lib/server/connections/connection.ts";
import type { ConnectionHandle } from "../../lib/server/connections/connection.ts";
import { type Line, type LineQuality, Pipe } from "./pipe.ts";
import type { SeededRandom } from "./random.ts";
import type { Life, Scheduler } from "./scheduler.ts";

/** Events of the client's end of a connection. */
export interface ClientEnd {
  opened(): void;
  received(text: string): void;
  closed(code: number, reason: string): void;
}

/** Close code of a connection that died without a closing handshake (RFC 6455 section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;

/** One connection between a page and a server instance. */
export class Link implements Line {
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
    /** A middlebox lets the socket open but blocks all data. */
    muted: boolean;
    /** Called on the server's side when the connection is open there. */
    accept(connection: ClientConnection): ConnectionHandle;
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
      this.#handle?.receive(text);
    });
    // The handshake: a round trip, of which the server's `challenge` is not part.
    this.#up.finish(() => {
      if (server.dead || this.#serverKnows) return this.cut();
      this.#down.finish(() => page.whenAwake(() => this.#openClient()));
      if (parts.muted) this.stall("network", true);
      this.#handle = parts.accept({
        send: (text) => {
          if (server.dead || this.#serverKnows) return;
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

  /** Whether the page's socket accepts frames: it is open, as far as the page knows. */
  get usable(): boolean {
    return this.#clientOpened && !this.#clientKnows;
  }

  clientSends(text: string): void {
    if (text.length > 2 * CLIENT_FRAME_MAX_BYTES) throw new RangeError("a client sent an absurdly large frame");
    if (!this.#page.dead && !this.#clientKnows) this.#up.send(text);
  }

  /** The page closes the connection. The server learns of it after all data sent before. */
  clientCloses(): void {
    if (this.#clientKnows) return;
    this.#clientKnows = true;
    this.#up.finish(() => this.#tellServer());
    this.#scheduler.after(this.#random.between(0, 50), () => this.#page.whenAwake(() => this.#client.closed(1005, "")));
  }

  /** Bytes that the page has sent and that are still buffered. */
  get waitingUp(): number {
    return this.#up.queuedBytes;
  }

  /** The reader stops or resumes reading. */
  stallDown(why: string, stalled: boolean): void {
    this.#down.stall(why, stalled);
  }

  stall(why: string, stalled: boolean): void {
    this.#down.stall(why, stalled);
    this.#up.stall(why, stalled);
  }

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
      // A half-open connection: the operating system gives up much later (RFC 9293 section 3.8.3).
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
