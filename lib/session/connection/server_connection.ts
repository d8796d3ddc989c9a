/**
 * One room's connection, over one transport after the other. It knows how a connection begins, whether it is alive, and when
 * the next one is tried; what events mean is not its business.
 *
 *   waiting → opening → greeting → live → waiting …        any of them → ended (a final reason, or disposed)
 */
import type { Cancel } from "../../shared/environment.ts";
import { type CloseReason, closeReasonOf } from "../../protocol/codes.ts";
import { decodeServerFrame } from "../../protocol/decode_server.ts";
import type { ClientFrame, HelloFrame, ServerFrame, WelcomeFrame } from "../../protocol/frames.ts";
import { HEARTBEAT_MS, PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { isFailure, retryDelayMs, STABLE_AFTER_MS } from "../../routing/backoff.ts";
import type { OpenTransport, Transport } from "../../transport/transport.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import {
  ANSWER_PATIENCE_MS,
  CONNECT_TIMEOUT_MS,
  PROBE_PATIENCE_MAX,
  PROBE_TIMEOUT_MS,
  STALE_TRY_MS,
} from "../ports/session_limits.ts";
import { probeTimeoutMs } from "./probe_timeout.ts";
import type { ConnectionState } from "../model/connection_model.ts";

/** Frames that come after `welcome` and concern the room. */
export type RoomFrame = Exclude<ServerFrame, { type: "challenge" | "welcome" | "pong" | "goodbye" }>;

/** The room that a connection serves. */
export interface ConnectedRoom {
  /** Answers a challenge. */
  hello(nonce: string): Promise<HelloFrame>;
  /** False: the welcome cannot be right, and the connection gives the transport up. */
  welcomed(frame: WelcomeFrame): boolean;
  /** False: the frame cannot be right, and the connection gives the transport up. */
  received(frame: RoomFrame): boolean;
  /** The server answered a probe: all frames it sent before have arrived. */
  ponged(): void;
  /** The connection that was welcomed is over. */
  disconnected(): void;
}

export interface ServerConnectionDeps extends Pick<SessionDeps, "clock" | "steady" | "timers" | "random" | "online"> {
  openTransport: OpenTransport;
  /** The room, as soon as it is open: a challenge is answered then. Rejects when it cannot be opened. */
  room(): Promise<ConnectedRoom>;
  /** Called after every change. */
  onState(state: ConnectionState): void;
  /** From a ping to its pong, ms. */
  onRoundTrip?(ms: number): void;
  log(line: string): void;
}

type LostReason = CloseReason | "lost";

type State =
  /** `retryAt`: undefined before the first try. */
  | { name: "waiting"; reason: LostReason; retryAt?: number }
  | { name: "opening"; transport: Transport; startedAt: number }
  /** `hello`: when the challenge was answered, and for which room. */
  | { name: "greeting"; transport: Transport; startedAt: number; hello?: { room: ConnectedRoom; at: number } }
  /** `roundTripMs`: what the last answer took. `probe`: a ping without an answer, after so much silence. */
  | {
    name: "live";
    transport: Transport;
    room: ConnectedRoom;
    since: number;
    heardAt: number;
    roundTripMs: number;
    askedAt?: number;
    probe?: { at: number; silentMs: number };
  }
  | { name: "ended"; reason: LostReason };

export class ServerConnection {
  readonly #deps: ServerConnectionDeps;
  #state: State = { name: "waiting", reason: "lost" };
  #cancelTimer: Cancel = () => {};
  #failures = 0;
  /**
   * How many times PROBE_TIMEOUT_MS a probe may take. On a slow network one frame with all that was missed may take longer
   * than a dead link may stay unnoticed, and nothing is heard before its end: each transport that was replaced for its silence
   * earns the next one twice the time, or the same frame would be asked for and given up for ever.
   */
  #patience = 1;

  constructor(deps: ServerConnectionDeps) {
    this.#deps = deps;
  }

  get live(): boolean {
    return this.#state.name === "live";
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

  /** Sends a frame; false when there is no live transport or it takes no more now. */
  send(frame: ClientFrame): boolean {
    return this.#state.name === "live" && this.#state.transport.send(JSON.stringify(frame));
  }

  /** Something was sent that wants an answer: silence from now on is suspicious. */
  expectAnswer(): void {
    const state = this.#state;
    if (state.name !== "live" || state.askedAt !== undefined) return;
    state.askedAt = this.#deps.steady.now();
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
    const now = this.#deps.steady.now();
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

  /** The transport did something that no right server does, or does not do what it should. */
  fault(why: string): void {
    this.#deps.log(`connection given up: ${why}`);
    this.#lost("lost");
  }

  /** The one door for changes. A transport that is not the next state's is closed, and silent from then on. */
  #become(next: State): void {
    const before = this.#state;
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#state = next;
    if ("transport" in before && !("transport" in next && next.transport === before.transport)) {
      before.transport.close();
    }
    if (before.name === "live") before.room.disconnected();
    this.#deps.onState(this.#view(next));
  }

  #view(state: State): ConnectionState {
    switch (state.name) {
      case "waiting": {
        const offline = this.#deps.online?.() === false;
        if (state.retryAt === undefined || state.retryAt <= this.#deps.steady.now()) return { state: "connecting" };
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
    const { clock, steady } = this.#deps;
    return Math.round(clock.now() + at - steady.now());
  }

  #open(): void {
    const { steady, timers, openTransport } = this.#deps;
    let transport: Transport;
    try {
      transport = openTransport({
        // A server greets first; until then there is nothing to do.
        opened: () => {},
        received: (data) => this.#owns(transport) && this.#received(data),
        closed: (code) => this.#owns(transport) && this.#lost(closeReasonOf(code) ?? "lost"),
      });
    } catch (error) {
      return this.fault(`no transport could be opened: ${error}`);
    }
    this.#become({ name: "opening", transport, startedAt: steady.now() });
    this.#cancelTimer = timers.after(CONNECT_TIMEOUT_MS, () => this.fault("no welcome in time"));
  }

  #owns(transport: Transport): boolean {
    return "transport" in this.#state && this.#state.transport === transport;
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
      const now = state.heardAt = this.#deps.steady.now();
      if (frame.type === "pong" && state.probe !== undefined) {
        state.roundTripMs = now - state.probe.at;
        this.#deps.onRoundTrip?.(state.roundTripMs);
      }
      const askedAt = state.askedAt ?? state.probe?.at;
      if (askedAt !== undefined && now - askedAt < PROBE_TIMEOUT_MS) this.#patience = 1;
      state.askedAt = state.probe = undefined;
    }
    if (frame.type === "goodbye") return this.#lost(frame.reason, frame.retryAfterMs);
    switch (state.name) {
      case "opening":
        if (frame.type === "challenge") return void this.#greet(state.transport, state.startedAt, frame);
        break;
      case "greeting":
        if (frame.type === "welcome" && state.hello !== undefined) {
          return this.#welcomed(state.transport, state.hello, frame);
        }
        break;
      case "live":
        if (frame.type === "pong") return state.room.ponged();
        if (frame.type !== "challenge" && frame.type !== "welcome") {
          if (!state.room.received(frame)) this.fault(`a ${frame.type} frame that cannot be right`);
          return;
        }
    }
    this.fault(`a ${frame.type} frame out of turn`);
  }

  async #greet(transport: Transport, startedAt: number, challenge: { version: number; nonce: string }): Promise<void> {
    if (challenge.version !== PROTOCOL_VERSION) return this.#lost("unsupported_version");
    const { timers, steady } = this.#deps;
    this.#become({ name: "greeting", transport, startedAt });
    const leftMs = startedAt + CONNECT_TIMEOUT_MS - steady.now();
    this.#cancelTimer = timers.after(leftMs, () => this.fault("no welcome in time"));
    let room: ConnectedRoom, hello: HelloFrame;
    try {
      room = await this.#deps.room();
      hello = await room.hello(challenge.nonce);
    } catch (error) {
      if (this.#owns(transport)) this.fault(`hello could not be made: ${error}`);
      return;
    }
    const state = this.#state;
    if (state.name !== "greeting" || state.transport !== transport) return;
    state.hello = { room, at: steady.now() };
    if (!transport.send(JSON.stringify(hello))) this.fault("the transport took no hello");
  }

  #welcomed(transport: Transport, { room, at }: { room: ConnectedRoom; at: number }, frame: WelcomeFrame): void {
    const now = this.#deps.steady.now();
    const live: State = { name: "live", transport, room, since: now, heardAt: now, roundTripMs: now - at };
    this.#become(live);
    if (!room.welcomed(frame)) return this.fault("a welcome that cannot be right");
    if (this.#owns(transport)) this.#watch(live);
  }

  /** Looks again when something could be due: an answer, a pong, a heartbeat. */
  #watch(state: Extract<State, { name: "live" }>): void {
    const { steady, timers } = this.#deps;
    const now = steady.now();
    const { probe, roundTripMs } = state;
    const dueAt = probe !== undefined
      ? probe.at + probeTimeoutMs({ silentMs: probe.silentMs, roundTripMs, patience: this.#patience })
      : Math.min(state.heardAt + HEARTBEAT_MS, (state.askedAt ?? Infinity) + ANSWER_PATIENCE_MS);
    this.#cancelTimer();
    if (dueAt > now) {
      this.#cancelTimer = timers.after(dueAt - now, () => this.#watch(state));
    } else if (probe !== undefined) this.#replace("no answer to a probe");
    else this.#probe(state);
  }

  #probe(state: Extract<State, { name: "live" }>): void {
    const now = this.#deps.steady.now();
    state.probe = { at: now, silentMs: now - state.heardAt };
    if (!state.transport.send('{"type":"ping"}')) return this.#replace("the transport takes nothing any more");
    this.#watch(state);
  }

  /** A dead transport says nothing about the network: the next one is tried at once. */
  #replace(why: string): void {
    this.#deps.log(`connection replaced: ${why}`);
    this.#patience = Math.min(2 * this.#patience, PROBE_PATIENCE_MAX);
    if (this.#takeStable()) return this.#open();
    this.#lost("lost");
  }

  #lost(reason: LostReason, retryAfterMs?: number): void {
    const { steady, timers, random } = this.#deps;
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
    const stable = state.name === "live" && this.#deps.steady.now() - state.since >= STABLE_AFTER_MS;
    if (stable) this.#failures = 0;
    return stable;
  }
}
