/**
 * One room's connection to the server, over one transport after another: how it begins, whether it is alive, and when
 * to try the next transport. It does not look into events.
 *
 *  waiting → opening → greeting → live → waiting …        any of them → ended (a final reason, or disposed)
 */
import type { Cancel } from "../../shared/environment.ts";
import { type CloseReason, closeReasonOf } from "../../protocol/codes.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
import { decodeServerFrame, type ServerFrame } from "../../protocol/frames.ts";
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
export type RoomFrame = Exclude<ServerFrame, { type: "challenge" | "welcome" | "pong" | "check" | "goodbye" }>;

/** The room that a connection serves. */
export interface ConnectedRoom {
  /** Answers a challenge. */
  hello(nonce: string): Promise<ClientFrame<"hello">>;
  /** False: the welcome cannot be right, and the connection gives the transport up. */
  welcomed(frame: ServerFrame<"welcome">): boolean;
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
  /** `roundTripMs`: the last round trip. `probe`: an unanswered ping, and the silence before it. */
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
   * Multiplies PROBE_TIMEOUT_MS. On a slow network one large frame can take longer than a dead link may stay unnoticed,
   * and nothing arrives before its end. Each transport that was replaced for its silence doubles the patience with the
   * next one; otherwise the same frame would be requested and given up forever.
   */
  #patience = 1;

  constructor(deps: ServerConnectionDeps) {
    this.#deps = deps;
  }

  get live(): boolean {
    return this.#state.name === "live";
  }

  /** Connects at once, whatever the state. */
  restart(): void {
    this.#failures = 0;
    this.#open();
  }

  /** Ends the connection until `restart`. */
  end(reason: LostReason = "lost"): void {
    this.#become({ name: "ended", reason });
  }

  /** Returns false without a live transport, or when the transport rejected the frame. */
  send(frame: ClientFrame): boolean {
    return this.#state.name === "live" && this.#state.transport.send(JSON.stringify(frame));
  }

  /** A frame was sent that wants an answer: silence is suspicious from now on. */
  expectAnswer(): void {
    const state = this.#state;
    if (state.name !== "live" || state.askedAt !== undefined) return;
    state.askedAt = this.#deps.steady.now();
    this.#watch(state);
  }

  /** A frame has had no answer for too long. During complete silence the running probe decides instead. */
  answerOverdue(why: string): void {
    if (this.#state.name === "live" && this.#state.probe !== undefined) return;
    this.fault(why);
  }

  /** The device woke up, the page is visible again, or the network changed: checks whether the connection is alive. */
  wake(): void {
    const state = this.#state;
    const now = this.#deps.steady.now();
    // The network may be another one by now.
    this.#patience = 1;
    switch (state.name) {
      case "waiting":
        return this.#open();
      case "opening":
      case "greeting":
        return now - state.startedAt > STALE_TRY_MS ? this.#open() : undefined;
      case "live":
        // A probe from before the sleep tells nothing; a recent one will be answered or time out soon.
        return now - (state.probe?.at ?? 0) > PROBE_TIMEOUT_MS ? this.#probe(state) : undefined;
    }
  }

  /** The transport broke the protocol or does not do its work: replaces it. */
  fault(why: string): void {
    this.#deps.log(`connection: ${why}`);
    this.#lost("lost");
  }

  /** All state changes pass here. Closes the transport unless the next state keeps it; its later events are ignored. */
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

  /** Converts a steady time to the device's clock. */
  #shown(at: number): number {
    const { clock, steady } = this.#deps;
    return Math.round(clock.now() + at - steady.now());
  }

  #open(): void {
    const { steady, timers, openTransport } = this.#deps;
    let transport: Transport;
    try {
      transport = openTransport({
        // The server speaks first.
        opened: () => {},
        received: (data) => this.#owns(transport) && this.#received(data),
        closed: (code) => this.#owns(transport) && this.#lost(closeReasonOf(code) ?? "lost"),
      });
    } catch (error) {
      return this.fault(`no transport: ${error}`);
    }
    this.#become({ name: "opening", transport, startedAt: steady.now() });
    this.#cancelTimer = timers.after(CONNECT_TIMEOUT_MS, () => this.fault("no welcome"));
  }

  #owns(transport: Transport): boolean {
    return "transport" in this.#state && this.#state.transport === transport;
  }

  #received(data: unknown): void {
    const decoded = decodeServerFrame(data);
    if (!decoded.ok) {
      // A newer server may send frames that this client does not know.
      if (decoded.problem === "unknown_type") return;
      return this.fault(`unreadable frame: ${decoded.problem} ${decoded.field}`);
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
        if (frame.type === "check") return void this.send({ type: "ping" });
        if (frame.type !== "challenge" && frame.type !== "welcome") {
          if (!state.room.received(frame)) this.fault(`invalid frame: ${frame.type}`);
          return;
        }
    }
    this.fault(`unexpected frame: ${frame.type}`);
  }

  async #greet(transport: Transport, startedAt: number, challenge: { version: number; nonce: string }): Promise<void> {
    if (challenge.version !== PROTOCOL_VERSION) return this.#lost("unsupported_version");
    const { timers, steady } = this.#deps;
    this.#become({ name: "greeting", transport, startedAt });
    const leftMs = startedAt + CONNECT_TIMEOUT_MS - steady.now();
    this.#cancelTimer = timers.after(leftMs, () => this.fault("no welcome"));
    let room: ConnectedRoom, hello: ClientFrame<"hello">;
    try {
      room = await this.#deps.room();
      hello = await room.hello(challenge.nonce);
    } catch (error) {
      if (this.#owns(transport)) this.fault(`no hello: ${error}`);
      return;
    }
    const state = this.#state;
    if (state.name !== "greeting" || state.transport !== transport) return;
    state.hello = { room, at: steady.now() };
    if (!transport.send(JSON.stringify(hello))) this.fault("hello not sent");
  }

  #welcomed(
    transport: Transport,
    { room, at }: { room: ConnectedRoom; at: number },
    frame: ServerFrame<"welcome">,
  ): void {
    const now = this.#deps.steady.now();
    const live: State = { name: "live", transport, room, since: now, heardAt: now, roundTripMs: now - at };
    this.#become(live);
    if (!room.welcomed(frame)) return this.fault("invalid frame: welcome");
    if (this.#owns(transport)) this.#watch(live);
  }

  /** Schedules the next check: an answer, a pong or a heartbeat may be due. */
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
    } else if (probe !== undefined) this.#replace("no pong");
    else this.#probe(state);
  }

  #probe(state: Extract<State, { name: "live" }>): void {
    const now = this.#deps.steady.now();
    state.probe = { at: now, silentMs: now - state.heardAt };
    if (!state.transport.send('{"type":"ping"}')) return this.#replace("ping not sent");
    this.#watch(state);
  }

  /** A dead transport says nothing about the network, so the next one is tried at once. */
  #replace(why: string): void {
    this.#deps.log(`connection: ${why}`);
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

  /** Whether the ending connection was stable; a stable one resets the failures. */
  #takeStable(): boolean {
    const state = this.#state;
    const stable = state.name === "live" && this.#deps.steady.now() - state.since >= STABLE_AFTER_MS;
    if (stable) this.#failures = 0;
    return stable;
  }
}
