/**
 * The polling transport: the frames of a WebSocket, over HTTP requests, for networks that let no WebSocket through. One request
 * at a time waits for frames, another one carries ours. Both directions are numbered, so that a request or an answer that
 * was lost is repeated and nothing is lost or doubled. Rules: docs/PROTOCOL.md, [POLL-…].
 */
import type { RoomId } from "../protocol/event.ts";
import { POLL_HOLD_MS, POLL_REQUEST_MAX_BYTES, SERVER_FRAME_MAX_BYTES } from "../protocol/limits.ts";
import {
  type PollAnswerHead,
  type PollConnectionId,
  type PollRequest,
  readPollAnswerHead,
  writePollRequest,
} from "../protocol/poll_frames.ts";
import type { Transport, TransportEvents } from "./transport.ts";
import { TRANSPORT_MAX_BUFFERED_BYTES } from "./socket_transport.ts";

/** Time from a request to its answer, and from one piece of an answer to the next, beside what the server holds it. */
export const POLL_PATIENCE_MS = 4_000;
/** Pauses before a request is tried again that got no answer; after the last one the transport ends. */
export const POLL_RETRY_MS: readonly number[] = [100, 400, 1_000, 2_000];
/** Other machines or processes may answer for the server: so often one that does not know us is asked again, at once. */
export const POLL_UNKNOWN_TRIES = 4;
/** Bytes of ours in one request: half of what may be, because the head and the last frame come on top. */
export const POLL_SEND_BYTES = POLL_REQUEST_MAX_BYTES / 2;

/** The close code of a transport that broke (RFC 6455 section 7.4.1, "abnormal closure"). */
const BROKEN = 1006;

/** What a polling transport takes from the outside. */
export interface PollingDeps {
  /** The platform's fetch, as far as it is used. */
  fetch(url: string, init: PollInit): Promise<Pick<Response, "body">>;
  timers: { after(delayMs: number, run: () => void): () => void };
}

export interface PollInit {
  method: "POST";
  body: string;
  signal?: AbortSignal;
  /** The request outlives its page. */
  keepalive?: boolean;
  headers: Record<string, string>;
}

/** Where the frames of a room are asked for, for a page at `pageUrl`. */
export function pollUrl(pageUrl: string, room: RoomId): string {
  return new URL(`/api/rooms/${room}/poll`, pageUrl).href;
}

/** A transport over requests to `url`, that begins to open. */
export function pollingTransport(url: string, deps: PollingDeps, events: TransportEvents): Transport {
  return new PollingTransport(url, deps, events);
}

/** What became of one request: its head, or why there is none. */
type Outcome = PollAnswerHead | { type: "failed" };

const utf8 = new TextEncoder();

class PollingTransport implements Transport {
  readonly #url: string;
  readonly #deps: PollingDeps;
  readonly #events: TransportEvents;
  readonly #closing = new AbortController();
  #connection: PollConnectionId | undefined;
  /** The number of the last frame that came. */
  #received = 0;
  /** Frames the server has not taken; the first one has number `#taken + 1`. */
  #waiting: { text: string; bytes: number }[] = [];
  #waitingBytes = 0;
  #taken = 0;
  #sending = false;

  constructor(url: string, deps: PollingDeps, events: TransportEvents) {
    this.#url = url;
    this.#deps = deps;
    this.#events = events;
    void this.#receive();
  }

  send(text: string): boolean {
    const bytes = utf8.encode(text).length;
    if (this.#connection === undefined || this.#closing.signal.aborted) return false;
    if (this.#waitingBytes + bytes > TRANSPORT_MAX_BUFFERED_BYTES) return false;
    this.#waiting.push({ text, bytes });
    this.#waitingBytes += bytes;
    if (!this.#sending) void this.#sendWaiting();
    return true;
  }

  close(): void {
    if (!this.#stop() || this.#connection === undefined) return;
    // The server would find out by itself, but others see us in the room until then.
    const body = writePollRequest({ type: "close", connection: this.#connection });
    this.#deps.fetch(this.#url, { method: "POST", body, headers: HEADERS, keepalive: true })
      .then(({ body }) => body?.cancel())
      .catch(() => {}); // It was a courtesy.
  }

  /** Ends all requests; false when that was done before. */
  #stop(): boolean {
    if (this.#closing.signal.aborted) return false;
    this.#closing.abort();
    this.#waiting = [];
    this.#waitingBytes = 0;
    return true;
  }

  #end(code: number): void {
    if (this.#stop()) this.#events.closed(code);
  }

  /** Opens the connection, and asks for frames until it ends. */
  async #receive(): Promise<void> {
    // So that no event comes before the owner has the transport in its hands.
    await undefined;
    const opening = await this.#ask({ type: "open" });
    if (this.#closing.signal.aborted) return;
    if (opening.type !== "frames" || this.#connection === undefined) return this.#end(BROKEN);
    for (let last = opening; last.type === "frames" && last.closed === undefined;) {
      const answer = await this.#askAgain(() => ({
        type: "fetch",
        connection: this.#connection!,
        received: this.#received,
      }));
      if (answer === undefined) return;
      if (answer.type !== "frames") return this.#end(BROKEN);
      if (answer.closed !== undefined) return this.#end(answer.closed);
      last = answer;
    }
  }

  /** Sends what waits, one request after the other. */
  async #sendWaiting(): Promise<void> {
    this.#sending = true;
    // Frames of the same moment go in one request.
    await undefined;
    while (this.#waiting.length > 0) {
      const answer = await this.#askAgain(() => ({
        type: "send",
        connection: this.#connection!,
        first: this.#taken + 1,
        frames: this.#nextFrames(),
      }));
      if (answer === undefined) return;
      // Taken means taken: the server can neither forget what it took, nor take what nobody sent.
      const count = answer.type === "taken" ? answer.taken - this.#taken : -1;
      if (count <= 0 || count > this.#waiting.length) return this.#end(BROKEN);
      for (const { bytes } of this.#waiting.splice(0, count)) this.#waitingBytes -= bytes;
      this.#taken += count;
    }
    this.#sending = false;
  }

  #nextFrames(): string[] {
    const frames: string[] = [];
    let total = 0;
    for (const { text, bytes } of this.#waiting) {
      if (frames.length > 0 && total + bytes > POLL_SEND_BYTES) break;
      frames.push(text);
      total += bytes + 1;
    }
    return frames;
  }

  /** Asks until there is an answer, with what is true at each try; undefined when the transport is over. */
  async #askAgain(request: () => PollRequest): Promise<PollAnswerHead | undefined> {
    let failures = 0, unknown = 0;
    for (;;) {
      const before = this.#received;
      const outcome = await this.#ask(request());
      if (this.#closing.signal.aborted) return undefined;
      if (outcome.type === "problem" && outcome.problem === "unknown_connection" && ++unknown < POLL_UNKNOWN_TRIES) {
        continue;
      }
      if (outcome.type !== "failed") return outcome;
      // An answer that broke off, but brought something, is no silence.
      if (this.#received > before) failures = 0;
      const pauseMs = POLL_RETRY_MS[failures++];
      if (pauseMs === undefined) {
        this.#end(BROKEN);
        return undefined;
      }
      await this.#pause(pauseMs);
      if (this.#closing.signal.aborted) return undefined;
    }
  }

  /** One request and its answer. Frames in it are told as they come, those that came before are not told again. */
  async #ask(request: PollRequest): Promise<Outcome> {
    const giveUp = new AbortController();
    const holdMs = request.type === "fetch" ? POLL_HOLD_MS : 0;
    const abort = () => giveUp.abort();
    this.#closing.signal.addEventListener("abort", abort, { once: true });
    let cancelPatience = this.#deps.timers.after(holdMs + POLL_PATIENCE_MS, abort);
    try {
      const init: PollInit = {
        method: "POST",
        body: writePollRequest(request),
        headers: HEADERS,
        signal: giveUp.signal,
      };
      // No network, or no answer in time: all the same to whoever asks again.
      const response = await unlessAborted(giveUp.signal, this.#deps.fetch(this.#url, init)).catch(() => undefined);
      if (response === undefined) return { type: "failed" };
      let head: PollAnswerHead | undefined;
      let at = 0, left = 0;
      for await (const line of readLines(response.body, giveUp.signal)) {
        cancelPatience();
        cancelPatience = this.#deps.timers.after(POLL_PATIENCE_MS, abort);
        if (line === undefined) continue;
        if (head === undefined) {
          head = readPollAnswerHead(line);
          if (head === undefined) return { type: "failed" };
          if (head.type !== "frames") return head;
          if (head.connection !== undefined && request.type === "open") {
            this.#connection = head.connection;
            this.#events.opened();
          }
          // What is missing between is gone: only a new connection can tell what it was.
          if (head.from > this.#received + 1 && head.count > 0) return { type: "problem", problem: "bad_poll" };
          at = head.from;
          left = head.count;
        } else if (left-- > 0) {
          if (at++ <= this.#received) continue;
          this.#received++;
          this.#events.received(line);
        }
        if (this.#closing.signal.aborted) break;
      }
      return head !== undefined && left === 0 ? head : { type: "failed" };
    } finally {
      cancelPatience();
      this.#closing.signal.removeEventListener("abort", abort);
      giveUp.abort();
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#deps.timers.after(delayMs, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

const HEADERS = { "content-type": "application/x-ndjson" };

/**
 * The lines of an answer as they come; undefined when something came that ends no line. They also end where the answer
 * breaks off: its head says how many there should be.
 */
async function* readLines(
  stream: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): AsyncGenerator<string | undefined> {
  if (stream === null) return;
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const read = await unlessAborted(signal, reader.read()).catch(() => undefined);
      if (read === undefined || read.done) return;
      const parts = (rest + decoder.decode(read.value, { stream: true })).split("\n");
      rest = parts.pop()!;
      if (rest.length > SERVER_FRAME_MAX_BYTES) return;
      if (parts.length === 0) yield undefined;
      yield* parts;
    }
  } finally {
    // A platform that already broke it off says so by rejecting.
    reader.cancel().catch(() => {});
  }
}

/** What `promise` gives, or a rejection as soon as `signal` is aborted: not every platform ends a fetch in time. */
function unlessAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DOMException("given up", "AbortError"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
