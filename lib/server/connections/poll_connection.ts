/**
 * One polling client's connection: frames wait, numbered, until the client says that it has them. No HTTP here.
 *
 *   waiting (for a request) ⇄ held (a request waits for frames)       both → ended (the session is over, unfetched frames are kept)
 */
import type { Cancel, Timers } from "../../shared/environment.ts";
import { POLL_ANSWER_MAX_BYTES, POLL_HOLD_MS } from "../../protocol/limits.ts";
import type { PollAnswerHead } from "../../protocol/poll_frames.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { ConnectionHandle } from "./connection.ts";
import type { ClientConnection } from "./connection.ts";

/** Approximate cost of one ended connection besides its frames. */
const ENDED_BYTES = 512;

export interface PollConnectionDeps {
  settings: ServerConfig["polling"];
  timers: Timers;
  /** The number of characters that wait for a client with a session changed by this much. */
  onUnfetched?(change: number): void;
  /** The session is over; called once. */
  onClosed?(): void;
  /** The session is over; unfetched frames are kept for the client until `onForgotten`. */
  onEnded(): void;
  /** The connection answers no further request. */
  onForgotten(): void;
}

type State =
  | { name: "waiting"; cancelExpiry: Cancel }
  | { name: "held"; answer(body: string): void; cancelAnswer: Cancel; lingering: boolean }
  | { name: "ended"; code: number; cancelForget: Cancel }
  | { name: "forgotten" };

export class PollConnection implements ClientConnection {
  readonly #deps: PollConnectionDeps;
  #state: State;
  #session: ConnectionHandle | undefined;
  /** Frames that the client has not confirmed; the first one has number `#confirmed + 1`. */
  readonly #unconfirmed: string[] = [];
  #unconfirmedBytes = 0;
  #confirmed = 0;
  /** The number of the last frame taken from the client. */
  #taken = 0;

  constructor(deps: PollConnectionDeps) {
    this.#deps = deps;
    this.#state = this.#waiting();
  }

  // ---- the session's side ----

  /** Attaches the session that this connection carries; the session hears when the client is gone. */
  serve(session: ConnectionHandle): void {
    this.#session = session;
  }

  send(text: string): void {
    const state = this.#state;
    if (state.name !== "waiting" && state.name !== "held") return;
    this.#unconfirmed.push(text);
    this.#unconfirmedBytes += text.length;
    this.#deps.onUnfetched?.(text.length);
    if (this.#state !== state) return;
    if (state.name !== "held" || state.lingering) return;
    // Frames of the same moment share one answer.
    state.cancelAnswer();
    state.lingering = true;
    state.cancelAnswer = this.#deps.timers.after(this.#deps.settings.lingerMs, () => this.#answerHeld());
  }

  close(code: number, _reason: string): void {
    const before = this.#state;
    if (before.name !== "waiting" && before.name !== "held") return;
    const { timers, settings, onEnded } = this.#deps;
    this.#leave(before);
    this.#state = { name: "ended", code, cancelForget: timers.after(settings.keepEndedMs, () => this.forget()) };
    if (before.name === "held") before.answer(this.#body());
    this.#deps.onUnfetched?.(-this.#unconfirmedBytes);
    this.#deps.onClosed?.();
    onEnded();
  }

  get maxBufferedBytes(): number {
    return this.#deps.settings.unfetchedChars;
  }

  /** UTF-16 length of the unconfirmed frames; their bytes are at most three times as many. */
  bufferedBytes(): number {
    return this.#unconfirmedBytes;
  }

  // ---- the client's side ----

  /** Approximate cost of keeping this connection. */
  get keptBytes(): number {
    return this.#unconfirmedBytes + ENDED_BYTES;
  }

  /** The answer to a client that just opened this connection. */
  opening(connection: string): string {
    return this.#body({ connection });
  }

  /**
   * Frames after number `received`: at once when there are any, else when they come, and empty after POLL_HOLD_MS. A
   * newer request, or `signal`, ends the wait with an empty answer. `bad_poll`: the client confirms frames that were never sent.
   */
  fetch(received: number, signal: AbortSignal): Promise<string> | "bad_poll" {
    if (received > this.#confirmed + this.#unconfirmed.length) return "bad_poll";
    this.#confirm(received);
    const before = this.#state;
    if (before.name === "held") this.#release(before);
    if (this.#state.name !== "waiting" || this.#unconfirmed.length > 0) {
      this.#heard();
      return Promise.resolve(this.#body());
    }
    return this.#hold(this.#state, signal);
  }

  /**
   * Takes frames, numbered from `first`, and skips those it already has. Returns the number of the last frame taken so
   * far: lower than `first - 1` when frames before them are missing; then it takes none of these.
   */
  take(first: number, frames: readonly string[]): number {
    this.#heard();
    if (first > this.#taken + 1) return this.#taken;
    for (const frame of frames.slice(this.#taken + 1 - first)) {
      this.#taken++;
      this.#session?.receive(frame);
    }
    return this.#taken;
  }

  /** The client is gone: ends the session and keeps nothing. */
  forget(): void {
    const before = this.#state;
    if (before.name === "forgotten") return;
    this.#leave(before);
    this.#state = { name: "forgotten" };
    if (before.name === "held") before.answer(this.#body());
    if (before.name !== "ended") this.#deps.onUnfetched?.(-this.#unconfirmedBytes);
    this.#unconfirmed.length = this.#unconfirmedBytes = 0;
    this.#deps.onForgotten();
    if (before.name === "ended") return;
    this.#deps.onClosed?.();
    this.#session?.closed();
  }

  // ---- inside ----

  #waiting(): State {
    const { timers, settings } = this.#deps;
    return { name: "waiting", cancelExpiry: timers.after(settings.expireMs, () => this.forget()) };
  }

  /** The client is alive: restarts its expiry. */
  #heard(): void {
    if (this.#state.name !== "waiting") return;
    this.#state.cancelExpiry();
    this.#state = this.#waiting();
  }

  #hold(before: Extract<State, { name: "waiting" }>, signal: AbortSignal): Promise<string> {
    this.#leave(before);
    return new Promise((resolve) => {
      const abort = () => {
        if (this.#state === held) this.#release(held);
      };
      const held: Extract<State, { name: "held" }> = {
        name: "held",
        answer(body) {
          signal.removeEventListener("abort", abort);
          resolve(body);
        },
        cancelAnswer: this.#deps.timers.after(POLL_HOLD_MS, () => this.#answerHeld()),
        lingering: false,
      };
      this.#state = held;
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  #answerHeld(): void {
    const state = this.#state;
    if (state.name !== "held") return;
    this.#leave(state);
    this.#state = this.#waiting();
    state.answer(this.#body());
  }

  /** Ends a held request that nobody waits for any more. The frames stay. */
  #release(held: Extract<State, { name: "held" }>): void {
    this.#leave(held);
    this.#state = this.#waiting();
    held.answer(framesBody({ from: this.#confirmed + 1, count: 0 }, []));
  }

  #leave(state: State): void {
    if (state.name === "waiting") state.cancelExpiry();
    else if (state.name === "held") state.cancelAnswer();
    else if (state.name === "ended") state.cancelForget();
  }

  /** A number lower than the last one comes from an overtaken request and changes nothing. */
  #confirm(received: number): void {
    if (received <= this.#confirmed) return;
    const gone = this.#unconfirmed.splice(0, received - this.#confirmed);
    const goneBytes = gone.reduce((sum, text) => sum + text.length, 0);
    this.#unconfirmedBytes -= goneBytes;
    if (this.#state.name !== "ended") this.#deps.onUnfetched?.(-goneBytes);
    this.#confirmed = received;
  }

  /** The next frames that fit; the same ones again until they are confirmed. */
  #body(more: { connection?: string } = {}): string {
    const frames: string[] = [];
    let bytes = 0;
    for (const text of this.#unconfirmed) {
      if (frames.length > 0 && bytes + text.length > POLL_ANSWER_MAX_BYTES) break;
      frames.push(text);
      bytes += text.length;
    }
    const last = frames.length === this.#unconfirmed.length;
    const state = this.#state;
    return framesBody({
      from: this.#confirmed + 1,
      count: frames.length,
      ...more,
      ...(state.name === "ended" && last ? { closed: state.code } : {}),
    }, frames);
  }
}

function framesBody(head: Omit<Extract<PollAnswerHead, { type: "frames" }>, "type">, frames: readonly string[]) {
  return `${[JSON.stringify({ type: "frames", ...head }), ...frames].join("\n")}\n`;
}
