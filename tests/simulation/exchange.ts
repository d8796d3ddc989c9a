/**
 * One HTTP request and its answer over an unreliable network. The request arrives whole or not at all. The answer
 * arrives in parts, of which the last ones may be missing. Each end learns late, or never, that the other one is gone.
 */
import type { PollHttpRequest } from "../../lib/server/connections/poll_endpoint.ts";
import type { PollInit } from "../../lib/transport/polling_transport.ts";
import { type Line, type LineQuality, Pipe } from "./pipe.ts";
import type { SeededRandom } from "./random.ts";
import type { Life, Scheduler } from "./scheduler.ts";

interface ExchangeDeps {
  scheduler: Scheduler;
  random: SeededRandom;
  quality: LineQuality;
  server: Life;
  page: Life;
  init: PollInit;
  /** Called on the server's side when the request has arrived. */
  answer(request: PollHttpRequest): Promise<Response>;
  /** The server's code threw. */
  fail(error: unknown): void;
}

const utf8 = new TextEncoder();

export class Exchange implements Line {
  /** The result of the page's fetch. */
  readonly response: Promise<Pick<Response, "body">>;
  readonly #deps: ExchangeDeps;
  readonly #up: Pipe;
  readonly #down: Pipe<Uint8Array<ArrayBuffer>>;
  readonly #gone = new AbortController();
  readonly #resolve: (response: Pick<Response, "body">) => void;
  readonly #reject: (error: unknown) => void;
  #body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  /** The page received the end, or aborted. */
  #over = false;
  #cut = false;

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
    const { scheduler, random, quality, page, init } = deps;
    const { promise, resolve, reject } = Promise.withResolvers<Pick<Response, "body">>();
    this.response = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#up = new Pipe(scheduler, random, quality, Infinity, (text) => this.#arrived(text));
    this.#down = new Pipe(scheduler, random, quality, quality.downBytesPerMs, (piece) => {
      page.whenAwake(() => this.#over || this.#open().enqueue(piece));
    });
    init.signal?.addEventListener("abort", () => this.#abort(), { once: true });
    this.#up.send(init.body);
  }

  get open(): boolean {
    return !this.#over && !this.#cut;
  }

  stall(why: string, stalled: boolean): void {
    this.#up.stall(why, stalled);
    this.#down.stall(why, stalled);
  }

  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#up.cut();
    this.#down.cut();
    const { scheduler, random, page } = this.#deps;
    if (random.chance(0.8)) scheduler.after(random.between(0, 3_000), () => page.whenAwake(() => this.#break()));
    scheduler.after(random.between(0, 40_000), () => this.#gone.abort());
  }

  #arrived(body: string): void {
    const { server, answer, fail, random } = this.#deps;
    if (server.dead) return this.cut();
    const request = { body: bodyOf(body), signal: this.#gone.signal };
    answer(request).then((response) => response.text()).then((text) => {
      if (server.dead) return;
      const bytes = utf8.encode(text);
      // A proxy forwards the data as it arrives, split anywhere.
      const half = random.chance(0.3) ? random.between(0, bytes.length) : bytes.length;
      for (const piece of [bytes.slice(0, half), bytes.slice(half)]) if (piece.length > 0) this.#down.send(piece);
      this.#down.finish(() => this.#deps.page.whenAwake(() => this.#end()));
    }).catch(fail);
  }

  /** The answer begins with its first part. */
  #open(): ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> {
    if (this.#body === undefined) {
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => void (this.#body = controller),
        cancel: () => this.#abort(),
      });
      this.#resolve({ body });
    }
    return this.#body!;
  }

  #end(): void {
    if (this.#over) return;
    this.#open().close();
    this.#over = true;
  }

  #break(): void {
    if (this.#over) return;
    this.#over = true;
    const error = new TypeError("the network broke");
    if (this.#body === undefined) this.#reject(error);
    else this.#body.error(error);
  }

  /** The page aborts. The server learns of it after the data in flight. */
  #abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#reject(new DOMException("given up", "AbortError"));
    this.#up.finish(() => this.#gone.abort());
  }
}

function bodyOf(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(utf8.encode(text));
      controller.close();
    },
  });
}
