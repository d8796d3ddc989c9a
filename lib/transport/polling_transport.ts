/**
 * The polling transport: the frames of a WebSocket over HTTP requests, for networks that block WebSockets. One request
 * at a time waits for frames, another one sends them. Frames are numbered in both directions, so that a lost request or
 * answer can be repeated without losing or duplicating a frame. Rules: docs/PROTOCOL.md, [POLL-…].
 */
import type { RoomId } from "../protocol/event.ts";
import type { Timers } from "../shared/environment.ts";
import { POLL_HOLD_MS, POLL_REQUEST_MAX_BYTES, SERVER_FRAME_MAX_BYTES } from "../protocol/limits.ts";
import {
  type PollAnswerHead,
  type PollConnectionId,
  type PollRequest,
  readPollAnswerHead,
  writePollRequest,
} from "../protocol/poll_frames.ts";
import { ABNORMAL_CLOSURE, type Transport, TRANSPORT_MAX_BUFFERED_BYTES, type TransportEvents } from "./transport.ts";

/** Longest time from a request to its answer, and between two parts of an answer, on top of the server's hold time. */
export const POLL_PATIENCE_MS = 4_000;
/** Pauses before the retries of an unanswered request; after the last one the transport ends. */
export const POLL_RETRY_MS: readonly number[] = [100, 400, 1_000, 2_000];
/** Tries, without a pause, while the answering process does not know the connection: another one may. */
export const POLL_UNKNOWN_TRIES = 4;
/** Bytes of frames in one request: half of the limit, because the head and the last frame come on top. */
export const POLL_SEND_BYTES = POLL_REQUEST_MAX_BYTES / 2;

/** Dependencies of a polling transport. */
export interface PollingDeps {
  /** The platform's fetch. */
  fetch(url: string, init: PollInit): Promise<Pick<Response, "body">>;
  timers: Timers;
}

export interface PollInit {
  method: "POST";
  body: string;
  signal?: AbortSignal;
  /** The request outlives its page. */
  keepalive?: boolean;
  headers: Record<string, string>;
}

/** The polling address of a room, for a page at `pageUrl`. */
export function pollUrl(pageUrl: string, room: RoomId): string {
  return new URL(`/api/rooms/${room}/poll`, pageUrl).href;
}

/** Opens a transport over requests to `url`. */
export function pollingTransport(url: string, deps: PollingDeps, events: TransportEvents): Transport {
  return new PollingTransport(url, deps, events);
}

/** The head of an answer, or `failed` without one. */
type Outcome = PollAnswerHead | { type: "failed" };

const utf8 = new TextEncoder();

class PollingTransport implements Transport {
  readonly #url: string;
  readonly #deps: PollingDeps;
  readonly #events: TransportEvents;
  readonly #closing = new AbortController();
  #connection: PollConnectionId | undefined;
  /** The number of the last frame received. */
  #received = 0;
  /** Frames that the server has not taken yet; the first one has number `#taken + 1`. */
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
    // Without this the server would notice only later, and show this person as present until then.
    const body = writePollRequest({ type: "close", connection: this.#connection });
    this.#deps.fetch(this.#url, { method: "POST", body, headers: HEADERS, keepalive: true })
      .then(({ body }) => body?.cancel())
      .catch(() => {}); // The server notices by itself.
  }

  /** Aborts all requests. Returns false if it was already stopped. */
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

  /** Opens the connection and fetches frames until it ends. */
  async #receive(): Promise<void> {
    // No event may occur before the constructor returns.
    await undefined;
    const opening = await this.#request({ type: "open" });
    if (this.#closing.signal.aborted) return;
    if (opening.type !== "frames" || this.#connection === undefined) return this.#end(ABNORMAL_CLOSURE);
    for (let last = opening; last.type === "frames" && last.closed === undefined;) {
      const answer = await this.#requestWithRetry(() => ({
        type: "fetch",
        connection: this.#connection!,
        received: this.#received,
      }));
      if (answer === undefined) return;
      if (answer.type !== "frames") return this.#end(ABNORMAL_CLOSURE);
      if (answer.closed !== undefined) return this.#end(answer.closed);
      last = answer;
    }
  }

  /** Sends the waiting frames, one request after the other. */
  async #sendWaiting(): Promise<void> {
    this.#sending = true;
    // Frames of the same moment share one request.
    await undefined;
    while (this.#waiting.length > 0) {
      const answer = await this.#requestWithRetry(() => ({
        type: "send",
        connection: this.#connection!,
        first: this.#taken + 1,
        frames: this.#nextFrames(),
      }));
      if (answer === undefined) return;
      // `taken` must grow, and never beyond the frames that were sent.
      const count = answer.type === "taken" ? answer.taken - this.#taken : -1;
      if (count <= 0 || count > this.#waiting.length) return this.#end(ABNORMAL_CLOSURE);
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

  /** Sends a request until it is answered, rebuilt for each try; undefined when the transport has ended. */
  async #requestWithRetry(request: () => PollRequest): Promise<PollAnswerHead | undefined> {
    let failures = 0, unknown = 0;
    for (;;) {
      const before = this.#received;
      const outcome = await this.#request(request());
      if (this.#closing.signal.aborted) return undefined;
      if (outcome.type === "problem" && outcome.problem === "unknown_connection" && ++unknown < POLL_UNKNOWN_TRIES) {
        continue;
      }
      if (outcome.type !== "failed") return outcome;
      // An answer that broke off after some frames still shows a working server.
      if (this.#received > before) failures = 0;
      const pauseMs = POLL_RETRY_MS[failures++];
      if (pauseMs === undefined) {
        this.#end(ABNORMAL_CLOSURE);
        return undefined;
      }
      await this.#pause(pauseMs);
      if (this.#closing.signal.aborted) return undefined;
    }
  }

  /** Sends one request and reads its answer. Delivers new frames as they arrive and skips those delivered before. */
  async #request(request: PollRequest): Promise<Outcome> {
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
      // No network and no answer in time are treated alike: the caller retries.
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
          // A gap in the numbers cannot be filled on this connection. A new one resumes from the position.
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
 * The lines of an answer as they arrive; undefined for data without a line end. An answer that breaks off ends the
 * lines early: its head says how many there should be.
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
    // Rejects when the platform has already aborted the stream.
    reader.cancel().catch(() => {});
  }
}

/** Settles like `promise`, but rejects as soon as `signal` is aborted: some platforms abort a fetch late. */
function unlessAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DOMException("given up", "AbortError"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
