/**
 * One room's connection, over one road after the other. It knows how a connection begins, whether it is alive, and when
 * the next one is tried; what events mean is not its business.
 *
 *   waiting → opening → greeting → live → waiting …        any of them → ended (a final reason, or disposed)
 */
import { type CloseReason, closeReasonOf } from "../protocol/codes.ts";
import { decodeServerFrame } from "../protocol/decode_server.ts";
import type { ClientFrame, HelloFrame, ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import { HEARTBEAT_MS, PROTOCOL_VERSION } from "../protocol/limits.ts";
import { isFailure, retryDelayMs, STABLE_AFTER_MS } from "../routing/backoff.ts";
import type { OpenRoad, Road } from "../transport/road.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import {
  ANSWER_PATIENCE_MS,
  CONNECT_TIMEOUT_MS,
  PROBE_PATIENCE_MAX,
  PROBE_TIMEOUT_MS,
  STALE_TRY_MS,
} from "./limits.ts";
import { probePatienceMs } from "./probe_patience.ts";
import type { ConnectionState } from "./room_model.ts";

/** Frames that come after `welcome` and concern the room. */
export type RoomFrame = Exclude<ServerFrame, { type: "challenge" | "welcome" | "pong" | "goodbye" }>;

export interface ConnectionParts extends Pick<SessionDeps, "clock" | "steady" | "timers" | "random" | "online"> {
  openRoad: OpenRoad;
  /** Answers a challenge. */
  hello(nonce: string): Promise<HelloFrame>;
  /** False: this is no welcome to go on with; the road is given up. */
  onWelcome(frame: WelcomeFrame): boolean;
  /** False: the frame cannot be right; the road is given up. */
  onFrame(frame: RoomFrame): boolean;
  /** A probe was answered: all that the server sent before has come. */
  onPong?(): void;
  /** Called at every change, after it. */
  onState(state: ConnectionState): void;
  /** From a ping to its pong, ms. */
  onRoundTrip?(ms: number): void;
  log(line: string): void;
}

type LostReason = CloseReason | "lost";

type State =
  /** `retryAt`: undefined before the first try. */
  | { name: "waiting"; reason: LostReason; retryAt?: number }
  | { name: "opening"; road: Road; startedAt: number }
  /** `helloAt`: when the challenge was answered. */
  | { name: "greeting"; road: Road; startedAt: number; helloAt?: number }
  /** `roundTripMs`: what the last answer took. `probe`: a ping without an answer, after so much silence. */
  | {
    name: "live";
    road: Road;
    since: number;
    heardAt: number;
    roundTripMs: number;
    askedAt?: number;
    probe?: { at: number; silentMs: number };
  }
  | { name: "ended"; reason: LostReason };

export class Connection {
  readonly #parts: ConnectionParts;
  #state: State = { name: "waiting", reason: "lost" };
  #cancelTimer: Cancel = () => {};
  #failures = 0;
  /**
   * How many times PROBE_TIMEOUT_MS a probe may take. On a slow network one frame with all that was missed may take longer
   * than a dead link may stay unnoticed, and nothing is heard before its end: each road that was replaced for its silence
   * earns the next one twice the time, or the same frame would be asked for and given up for ever.
   */
  #patience = 1;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  get live(): boolean {
    return this.#state.name === "live";
  }

  get ended(): boolean {
    return this.#state.name === "ended";
  }

  /** Begins, or begins anew at once whatever there was. */
  restart(): void {
    this.#failures = 0;
    this.#open();
  }

  /** For good, until `restart`. */
  end(reason: LostReason = "lost"): void {
    this.#become({ name: "ended", reason });
  }

  /** Sends a frame; false when there is no live road or it takes no more now. */
  send(frame: ClientFrame): boolean {
    return this.#state.name === "live" && this.#state.road.send(JSON.stringify(frame));
  }

  /** Something was sent that wants an answer: silence from now on is suspicious. */
  expectAnswer(): void {
    const state = this.#state;
    if (state.name !== "live" || state.askedAt !== undefined) return;
    state.askedAt = this.#parts.steady.now();
    this.#watch(state);
  }

  /** What was sent has no answer for too long. While nothing is heard at all, the probe under way decides. */
  answerOverdue(why: string): void {
    if (this.#state.name === "live" && this.#state.probe !== undefined) return;
    this.fault(why);
  }

  /** The device woke, the page is looked at again, the network changed: is this connection still true? */
  wake(): void {
    const state = this.#state;
    const now = this.#parts.steady.now();
    // Perhaps it is another network by now.
    this.#patience = 1;
    switch (state.name) {
      case "waiting":
        return this.#open();
      case "opening":
      case "greeting":
        return now - state.startedAt > STALE_TRY_MS ? this.#open() : undefined;
      case "live":
        // A probe from before the sleep says nothing about now; one under way is answered or not, soon.
        return now - (state.probe?.at ?? 0) > PROBE_TIMEOUT_MS ? this.#probe(state) : undefined;
    }
  }

  /** The road did something that no right server does, or does not do what it should. */
  fault(why: string): void {
    this.#parts.log(`connection given up: ${why}`);
    this.#lost("lost");
  }

  /** The one door for changes. A road that is not the next state's is closed, and silent from then on. */
  #become(next: State): void {
    const before = this.#state;
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#state = next;
    if ("road" in before && !("road" in next && next.road === before.road)) before.road.close();
    this.#parts.onState(this.#view(next));
  }

  #view(state: State): ConnectionState {
    switch (state.name) {
      case "waiting": {
        const offline = this.#parts.online?.() === false;
        if (state.retryAt === undefined || state.retryAt <= this.#parts.steady.now()) return { state: "connecting" };
        return {
          state: "disconnected",
          reason: offline ? "offline" : state.reason,
          retryAtMs: this.#shown(state.retryAt),
        };
      }
      case "opening":
      case "greeting":
        return { state: "connecting" };
      case "live":
        return { state: "connected", since: this.#shown(state.since) };
      case "ended":
        return { state: "disconnected", reason: state.reason };
    }
  }

  /** A time as the device's clock has it. */
  #shown(at: number): number {
    const { clock, steady } = this.#parts;
    return Math.round(clock.now() + at - steady.now());
  }

  #open(): void {
    const { steady, timers, openRoad } = this.#parts;
    let road: Road;
    try {
      road = openRoad({
        // A server greets first; until then there is nothing to do.
        opened: () => {},
        received: (data) => this.#owns(road) && this.#received(data),
        closed: (code) => this.#owns(road) && this.#lost(closeReasonOf(code) ?? "lost"),
      });
    } catch (error) {
      return this.fault(`no road could be opened: ${error}`);
    }
    this.#become({ name: "opening", road, startedAt: steady.now() });
    this.#cancelTimer = timers.after(CONNECT_TIMEOUT_MS, () => this.fault("no welcome in time"));
  }

  #owns(road: Road): boolean {
    return "road" in this.#state && this.#state.road === road;
  }

  #received(data: unknown): void {
    const decoded = decodeServerFrame(data);
    if (!decoded.ok) {
      // A newer server may say more than this client knows.
      if (decoded.problem === "unknown_type") return;
      return this.fault(`an unreadable frame (${decoded.problem} ${decoded.field ?? ""})`);
    }
    const { frame } = decoded;
    const state = this.#state;
    if (state.name === "live") {
      const now = state.heardAt = this.#parts.steady.now();
      if (frame.type === "pong" && state.probe !== undefined) {
        state.roundTripMs = now - state.probe.at;
        this.#parts.onRoundTrip?.(state.roundTripMs);
      }
      const askedAt = state.askedAt ?? state.probe?.at;
      if (askedAt !== undefined && now - askedAt < PROBE_TIMEOUT_MS) this.#patience = 1;
      state.askedAt = state.probe = undefined;
    }
    if (frame.type === "goodbye") return this.#lost(frame.reason, frame.retryAfterMs);
    switch (state.name) {
      case "opening":
        if (frame.type === "challenge") return void this.#greet(state.road, state.startedAt, frame);
        break;
      case "greeting":
        if (frame.type === "welcome" && state.helloAt !== undefined) {
          return this.#welcomed(state.road, state.helloAt, frame);
        }
        break;
      case "live":
        if (frame.type === "pong") return this.#parts.onPong?.();
        if (frame.type !== "challenge" && frame.type !== "welcome") {
          if (!this.#parts.onFrame(frame)) this.fault(`a ${frame.type} frame that cannot be right`);
          return;
        }
    }
    this.fault(`a ${frame.type} frame out of turn`);
  }

  async #greet(road: Road, startedAt: number, challenge: { version: number; nonce: string }): Promise<void> {
    if (challenge.version !== PROTOCOL_VERSION) return this.#lost("unsupported_version");
    const { timers, steady } = this.#parts;
    this.#become({ name: "greeting", road, startedAt });
    const leftMs = startedAt + CONNECT_TIMEOUT_MS - steady.now();
    this.#cancelTimer = timers.after(leftMs, () => this.fault("no welcome in time"));
    let hello: HelloFrame;
    try {
      hello = await this.#parts.hello(challenge.nonce);
    } catch (error) {
      if (this.#owns(road)) this.fault(`hello could not be made: ${error}`);
      return;
    }
    const state = this.#state;
    if (state.name !== "greeting" || state.road !== road) return;
    state.helloAt = steady.now();
    if (!road.send(JSON.stringify(hello))) this.fault("the road took no hello");
  }

  #welcomed(road: Road, helloAt: number, frame: WelcomeFrame): void {
    const now = this.#parts.steady.now();
    const live: State = { name: "live", road, since: now, heardAt: now, roundTripMs: now - helloAt };
    this.#become(live);
    if (!this.#parts.onWelcome(frame)) return this.fault("a welcome that cannot be right");
    if (this.#owns(road)) this.#watch(live);
  }

  /** Looks again when something could be due: an answer, a pong, a heartbeat. */
  #watch(state: Extract<State, { name: "live" }>): void {
    const { steady, timers } = this.#parts;
    const now = steady.now();
    const { probe, roundTripMs } = state;
    const dueAt = probe !== undefined
      ? probe.at + probePatienceMs({ silentMs: probe.silentMs, roundTripMs, patience: this.#patience })
      : Math.min(state.heardAt + HEARTBEAT_MS, (state.askedAt ?? Infinity) + ANSWER_PATIENCE_MS);
    this.#cancelTimer();
    if (dueAt > now) {
      this.#cancelTimer = timers.after(dueAt - now, () => this.#watch(state));
    } else if (probe !== undefined) this.#replace("no answer to a probe");
    else this.#probe(state);
  }

  #probe(state: Extract<State, { name: "live" }>): void {
    const now = this.#parts.steady.now();
    state.probe = { at: now, silentMs: now - state.heardAt };
    if (!state.road.send('{"type":"ping"}')) return this.#replace("the road takes nothing any more");
    this.#watch(state);
  }

  /** A dead road says nothing about the network: the next one is tried at once. */
  #replace(why: string): void {
    this.#parts.log(`connection replaced: ${why}`);
    this.#patience = Math.min(2 * this.#patience, PROBE_PATIENCE_MAX);
    if (this.#takeStable()) return this.#open();
    this.#lost("lost");
  }

  #lost(reason: LostReason, retryAfterMs?: number): void {
    const { steady, timers, random } = this.#parts;
    const wasStable = this.#takeStable();
    const lost = { reason, failures: this.#failures, wasStable, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    const delay = retryDelayMs(lost, random.fraction());
    if (isFailure(lost)) this.#failures++;
    if (delay === "never") return this.end(reason);
    this.#become({ name: "waiting", reason, retryAt: steady.now() + delay });
    this.#cancelTimer = timers.after(delay, () => this.#open());
  }

  /** Whether the connection that ends now was good; that ends a row of failures. */
  #takeStable(): boolean {
    const state = this.#state;
    const stable = state.name === "live" && this.#parts.steady.now() - state.since >= STABLE_AFTER_MS;
    if (stable) this.#failures = 0;
    return stable;
  }
}
