/**
 * One client's connection, whatever carries it. Rules: docs/PROTOCOL.md.
 *
 * greeting → joining → catching_up → live → closed; every state may end in closed.
 */
import { type Cancel, pause } from "../../shared/environment.ts";
import { type EventId, eventIdOf, type RoomId, type WireEvent } from "../../protocol/event.ts";
import { readEvent } from "../../kinds/kinds.ts";
import { CLOSE_REASONS, type CloseReason, type FrameProblem } from "../../protocol/codes.ts";
import { decodeClientFrame, readHelloProof } from "../../protocol/decode_client.ts";
import type {
  HelloFrame,
  HelloProof,
  HistoryFrame,
  LogPosition,
  Person,
  SendSignalFrame,
  ServerFrame,
  WelcomeFrame,
} from "../../protocol/frames.ts";
import {
  HELLO_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  LATEST_EVENTS,
  NAME_MAX_BYTES,
  PROTOCOL_VERSION,
  RESUME_MAX_EVENTS,
  SEND_MAX_EVENTS,
} from "../../protocol/limits.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import { type Ban, StorageUnavailable } from "../../store/store.ts";
import type { Outcome, Sender, Submission } from "../rooms/committer.ts";
import type { ServerConfig } from "../config.ts";
import type { Hub, Member } from "../rooms/hub.ts";
import type { Overload } from "../limits/overload.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import type { Signaling } from "../rooms/signaling.ts";
import type { RuntimeSettings } from "../admin/runtime_settings.ts";
import type { ServerStats } from "../stats/server_stats.ts";
import { type Environment } from "../environment.ts";
import type { EncodedPage } from "../rooms/recent_events.ts";

/** What carries frames to one client: a WebSocket, or anything that keeps their order. */
export interface ClientConnection {
  /** Sends one frame, or queues it. Never throws: a dead connection tells by `closed`. */
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Bytes that are not yet with the client. */
  bufferedBytes(): number;
}

/** Whether a connection may join its room; the hub is held for it until `release`. */
export type JoinDecision =
  | { ok: true; hub: Hub }
  | { ok: false; reason: CloseReason; retryAfterMs?: number };

export interface ClientSessionDeps {
  room: RoomId;
  connection: ClientConnection;
  admission: Promise<JoinDecision>;
  verifier: Verifier;
  config: ServerConfig;
  environment: Environment;
  signaling: Pick<Signaling, "send">;
  settings: Pick<RuntimeSettings, "bansKey" | "bansDevice" | "banDeviceToo" | "noticesFrame">;
  device: string;
  overload: Pick<Overload, "load" | "takesNewcomers" | "takesHistory" | "takesEvent" | "retryAfterMs">;
  stats: ServerStats;
  /** When this client, sent away now, should come back, ms: each one at another time. */
  returnAfterMs(): number;
  /** The device's clock, as it says, ms since 1970. */
  onDeviceTime(atMs: number): void;
  onClosed(): void;
  onFailure(error: StorageUnavailable): void;
}

type State =
  | { name: "greeting"; nonce: string }
  | { name: "joining" }
  | { name: "catching_up"; hub: Hub; position: number }
  | { name: "live"; hub: Hub; position: number }
  | { name: "closed" };

export class ClientSession implements Member, Sender {
  readonly #deps: ClientSessionDeps;
  #state: State;
  #person: Person | undefined;
  /** Kept open for this session until it is a member. */
  #held: Hub | undefined;
  #cancelTimeout: Cancel;
  #lastHeardAt: number;
  #badFrames = 0;
  readonly #frames: RateLimiter;
  readonly #events: RateLimiter;
  readonly #sentSignals: RateLimiter;
  readonly #receivedSignals: RateLimiter;
  #inFlight = 0;
  /** Events are checked and submitted in the order of their frames. */
  #checking = Promise.resolve();
  #acks: [EventId, number][] = [];
  #refusals: string[] = [];
  #historyRunning = false;

  constructor(deps: ClientSessionDeps) {
    this.#deps = deps;
    const { environment: { clock, random, timers }, config } = deps;
    this.#lastHeardAt = clock.now();
    this.#frames = new RateLimiter(config.limits.connectionFrames);
    this.#events = new RateLimiter(config.limits.connectionEvents);
    this.#sentSignals = new RateLimiter(config.limits.sentSignals);
    this.#receivedSignals = new RateLimiter(config.limits.receivedSignals);
    const nonce = toBase64Url(random.bytes(16));
    this.#state = { name: "greeting", nonce };
    this.#cancelTimeout = timers.after(HELLO_TIMEOUT_MS, () => this.end("hello_timeout"));
    this.#tell({ type: "challenge", version: PROTOCOL_VERSION, nonce, at: clock.now() });
    deps.admission.then((admission) => {
      if (!admission.ok) this.end(admission.reason, admission.retryAfterMs);
      else if (this.#state.name === "closed") admission.hub.release();
      else this.#held = admission.hub;
    });
  }

  /** Who this is; only after `hello`. */
  get person(): Person {
    if (this.#person === undefined) throw new Error("a session is a member of a room only after its hello");
    return this.#person;
  }

  get state(): State["name"] {
    return this.#state.name;
  }

  // ---- frames in ----

  /** Something arrived. Whatever it is, only this connection is the worse for it. */
  receive(data: unknown): void {
    if (this.#state.name === "closed") return;
    const now = this.#deps.environment.clock.now();
    this.#lastHeardAt = now;
    const decoded = decodeClientFrame(data);
    if (!decoded.ok) {
      return this.#problem(decoded.problem, decoded.field === undefined ? {} : { field: decoded.field });
    }
    const { frame } = decoded;
    // Events and signals have limits of their own.
    const waitMs = frame.type === "send" || frame.type === "signal" ? 0 : this.#frames.take(now);
    if (waitMs > 0) return this.#problem("busy", { retryAfterMs: waitMs });
    const { name } = this.#state;
    switch (frame.type) {
      case "ping":
        if (name === "greeting") return this.#problem("out_of_turn");
        return this.#tell({ type: "pong", at: now });
      case "hello":
        if (this.#state.name !== "greeting") return this.#problem("out_of_turn");
        return void this.#hello(frame, this.#state.nonce);
      case "send":
        if (this.#state.name !== "catching_up" && this.#state.name !== "live") return this.#problem("out_of_turn");
        return this.#send(this.#state.hub, frame.events);
      case "history":
        if (this.#state.name !== "catching_up" && this.#state.name !== "live") return this.#problem("out_of_turn");
        return void this.#history(this.#state.hub, frame);
      case "signal":
        if (this.#state.name !== "catching_up" && this.#state.name !== "live") return this.#problem("out_of_turn");
        return this.#signal(this.#state.hub, frame);
    }
  }

  /** The transport says that the client is gone. */
  closed(): void {
    this.#close();
  }

  enforceBan(): void {
    const { settings, room, device } = this.#deps;
    if (settings.bansDevice(device, room) !== undefined) return this.end("banned");
    const ban = this.#person && settings.bansKey(this.#person.author, room);
    if (ban !== undefined) this.#keepOut(ban);
  }

  #keepOut(ban: Ban): void {
    const { settings, device } = this.#deps;
    if (ban.withDevice === true) settings.banDeviceToo(ban, device);
    this.end("banned");
  }

  /** Says goodbye and ends the connection. */
  end(reason: CloseReason, retryAfterMs?: number): void {
    if (this.#state.name === "closed") return;
    const { connection, stats } = this.#deps;
    stats.count("goodbyes", reason);
    this.#close();
    connection.send(
      JSON.stringify({ type: "goodbye", reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }),
    );
    connection.close(CLOSE_REASONS[reason].code, reason);
  }

  // ---- hello ----

  async #hello(frame: HelloFrame, nonce: string): Promise<void> {
    this.#state = { name: "joining" };
    this.#cancelTimeout();
    this.#watchIdle();
    if (frame.version !== PROTOCOL_VERSION) return this.end("unsupported_version");
    // Who was in the middle of a conversation comes first.
    if (frame.resume === undefined && !this.#deps.overload.takesNewcomers) {
      return this.end("overloaded", this.#deps.returnAfterMs());
    }
    const proof = readHelloProof(frame.proof[0]);
    const right = proof !== undefined && proof.nonce === nonce && proof.room === this.#deps.room &&
      await this.#deps.verifier.verify(proof.author, ...frame.proof);
    if (this.#isClosed()) return;
    if (!right) return this.end("bad_hello");
    if (frame.at !== undefined) this.#deps.onDeviceTime(frame.at);
    const admission = await this.#deps.admission;
    if (!admission.ok || this.#isClosed()) return;
    const { hub } = admission;
    try {
      await this.#join(hub, proof, frame.resume);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      this.#deps.onFailure(error);
      this.end("overloaded", this.#deps.returnAfterMs());
    }
  }

  async #join(hub: Hub, proof: HelloProof, resume: LogPosition | undefined): Promise<void> {
    const person = personOf(proof, hub);
    if (person === undefined) return this.end("bad_hello");
    const ban = this.#deps.settings.bansKey(person.author, hub.room.id);
    if (ban !== undefined) return this.#keepOut(ban);
    const lastN = await hub.lastNOf(person.author);
    // The client may come from an instance that is a moment ahead of this one.
    if (resume?.epoch === hub.head.epoch && resume.position > hub.newest) await hub.refresh();
    if (this.#isClosed()) return;
    if (hub.closed) return this.end("going_away", this.#deps.returnAfterMs());

    const { epoch, clock, oldest } = hub.head;
    const head = hub.newest;
    const resumes = resume !== undefined && resume.epoch === epoch && resume.position <= head &&
      resume.position >= oldest - 1 && head - resume.position <= RESUME_MAX_EVENTS;
    const from = resumes ? resume.position + 1 : Math.max(oldest, head - LATEST_EVENTS + 1);
    // Nobody is ever ahead of what the room was told of: then the room is told first.
    if (from - 1 > hub.fannedOut) hub.flush();

    this.#person = person;
    this.#state = { name: "catching_up", hub, position: from - 1 };
    hub.join(this);
    this.#letGo();
    const { environment, config: { limits } } = this.#deps;
    const welcome: WelcomeFrame = {
      type: "welcome",
      room: hub.room,
      epoch,
      head,
      oldest,
      mode: resumes ? "resume" : "latest",
      from,
      lastN,
      clock,
      ...hub.head.cleared !== undefined && { cleared: hub.head.cleared },
      people: { count: hub.presence.count, shown: hub.presence.shown(person) },
      limits: {
        messageBurst: limits.messages.burst,
        messageEveryMs: limits.messages.everyMs,
        inFlight: limits.inFlightEvents,
      },
      at: environment.clock.now(),
    };
    this.#tell(welcome);
    const notices = this.#deps.settings.noticesFrame;
    if (notices !== undefined) this.#push(notices);
    void this.#catchUp();
  }

  /** Sends page after page until this session has exactly what everybody who is live has; then it is live too. */
  async #catchUp(): Promise<void> {
    const { connection, environment: { clock, timers }, config: { fanOut, commit } } = this.#deps;
    let movedAt = clock.now();
    while (this.#state.name === "catching_up") {
      const state = this.#state;
      const { hub, position } = state;
      if (position === hub.fannedOut) {
        this.#state = { name: "live", hub, position };
        return hub.goLive(this);
      }
      if (connection.bufferedBytes() > fanOut.highWatermarkBytes / 2) {
        if (clock.now() - movedAt > fanOut.stalledMs) return this.end("too_slow");
        await pause(timers, fanOut.drainCheckMs);
        continue;
      }
      movedAt = clock.now();
      let page = hub.pageAfter(position);
      if (page instanceof Promise) {
        try {
          const read = await page;
          // Deleted while we were reading: the client comes back and is told which part is gone.
          if (read === undefined) return this.end("too_slow");
          page = read;
        } catch (error) {
          if (!(error instanceof StorageUnavailable)) throw error;
          this.#deps.onFailure(error);
          return this.end("overloaded", commit.retryAfterMs);
        }
        if (this.#isClosed()) return;
      }
      this.#push(page.text);
      state.position = page.to;
    }
  }

  // ---- events and history ----

  #send(hub: Hub, wires: readonly WireEvent[]): void {
    const { config: { limits, commit }, environment: { clock }, overload } = this.#deps;
    const arrivedAt = this.#deps.stats.clock.now();
    const toCheck: Submission[] = [];
    for (const wire of wires) {
      if (!overload.takesEvent()) {
        this.#refuse(eventIdOf(wire[0]), "overloaded", { retryAfterMs: overload.retryAfterMs() });
        continue;
      }
      // Before anything costly: a flood costs a hash each, no signature check and no database.
      const waitMs = this.#events.take(clock.now());
      if (waitMs > 0) {
        this.#refuse(eventIdOf(wire[0]), "rate_limited", { retryAfterMs: waitMs });
        // A server that lags reads in one moment what was sent over seconds: then it need not be a flood.
        if (overload.load.level === "normal") this.#strike(1 / SEND_MAX_EVENTS);
      } else if (this.#inFlight >= limits.inFlightEvents) {
        this.#refuse(eventIdOf(wire[0]), "overloaded", { retryAfterMs: commit.retryAfterMs });
      } else {
        const read = readEvent(wire);
        if (read.ok && this.#deps.settings.bansKey(read.event.author, hub.room.id) !== undefined) {
          this.#refuse(read.event.id, "banned");
        } else if (read.ok) {
          this.#inFlight++;
          toCheck.push({ event: read.event, sender: this, arrivedAt });
        } else {
          const { reason, field } = read.problem;
          this.#refuse(eventIdOf(wire[0]), reason, { field });
          this.#strike();
        }
      }
    }
    this.#flushRefusals();
    if (toCheck.length > 0) this.#checking = this.#checking.then(() => this.#check(hub, toCheck));
  }

  async #check(hub: Hub, submissions: readonly Submission[]): Promise<void> {
    const { verifier } = this.#deps;
    const valid = await Promise.all(submissions.map(({ event }) => verifyEvent(verifier, event)));
    if (this.#isClosed()) return;
    for (const [index, { event }] of submissions.entries()) {
      if (valid[index]) continue;
      this.#inFlight--;
      this.#refuse(event.id, "bad_signature");
      this.#strike();
    }
    this.#flushRefusals();
    const signed = submissions.filter((_, index) => valid[index]);
    if (signed.length > 0 && !this.#isClosed()) hub.submit(signed);
  }

  answer(id: EventId, outcome: Outcome): void {
    this.#inFlight--;
    if (outcome.type === "stored") this.#acks.push([id, outcome.position]);
    else {
      const { type: _, reason, ...more } = outcome;
      this.#refuse(id, reason, more);
    }
  }

  flushAnswers(): void {
    const acks = this.#acks;
    this.#acks = [];
    if (acks.length > 0) this.#tell({ type: "ack", acks });
    this.#flushRefusals();
  }

  async #history(hub: Hub, { before, limit }: HistoryFrame): Promise<void> {
    // One at a time: whoever scrolls waits for a page before wanting the next one.
    if (this.#historyRunning) return this.#busy();
    if (!this.#deps.overload.takesHistory) return this.#busy(this.#deps.overload.retryAfterMs());
    this.#historyRunning = true;
    try {
      const { from, events, oldest } = await hub.history(before, limit);
      this.#tell({ type: "page", before, from, events, oldest });
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      this.#deps.onFailure(error);
      this.#busy();
    } finally {
      this.#historyRunning = false;
    }
  }

  // ---- signals ----

  #signal(hub: Hub, frame: SendSignalFrame): void {
    const retryAfterMs = this.#sentSignals.take(this.#deps.environment.clock.now());
    if (retryAfterMs > 0) {
      this.#deps.stats.count("frame_problems", "busy");
      this.#tell({ type: "problem", problem: "busy", field: "signal", retryAfterMs });
      return this.#strike(SIGNAL_OVER_LIMIT_STRIKE);
    }
    if (frame.to === this.person.author) return this.#problem("bad_field", { field: "to" });
    this.#deps.signaling.send(hub, this, frame);
  }

  pass(text: string): boolean {
    const { connection, config, environment } = this.#deps;
    if (this.#state.name === "closed") return false;
    // Somebody who calls again and again must not get a slow reader cut off.
    if (connection.bufferedBytes() + text.length > config.fanOut.highWatermarkBytes / 2) return false;
    if (this.#receivedSignals.take(environment.clock.now()) > 0) return false;
    connection.send(text);
    return true;
  }

  // ---- frames out ----

  deliver(page: EncodedPage): void {
    if (this.#state.name !== "live") return;
    this.#state.position = page.to;
    this.#push(page.text);
  }

  tell(text: string): void {
    this.#push(text);
  }

  #tell(frame: ServerFrame): void {
    this.#push(JSON.stringify(frame));
  }

  /** The one way out. Who does not read is cut off before more is kept for them; others never wait. */
  #push(text: string): void {
    if (this.#state.name === "closed") return;
    const { connection, config } = this.#deps;
    if (connection.bufferedBytes() > config.fanOut.highWatermarkBytes) return this.end("too_slow");
    connection.send(text);
  }

  #refuse(id: EventId, reason: string, more: { retryAfterMs?: number; expectedN?: number; field?: string } = {}) {
    this.#deps.stats.count("refusals", reason);
    this.#refusals.push(JSON.stringify({ type: "refused", id, reason, ...more }));
  }

  #flushRefusals(): void {
    const refusals = this.#refusals;
    this.#refusals = [];
    for (const text of refusals) this.#push(text);
  }

  #busy(retryAfterMs = this.#deps.config.commit.retryAfterMs): void {
    this.#deps.stats.count("frame_problems", "busy");
    this.#tell({ type: "problem", problem: "busy", retryAfterMs });
  }

  #problem(problem: FrameProblem, more: { field?: string; retryAfterMs?: number } = {}): void {
    this.#deps.stats.count("frame_problems", problem);
    this.#tell({ type: "problem", problem, ...more });
    this.#strike();
  }

  /** A frame or event that no correct client sends; a part of one for what a correct client sends seldom. */
  #strike(weight = 1): void {
    this.#badFrames += weight;
    if (this.#badFrames >= this.#deps.config.limits.badFrames) this.end("bad_frames");
  }

  // ---- the end ----

  #watchIdle(): void {
    const { clock, timers } = this.#deps.environment;
    const leftMs = this.#lastHeardAt + IDLE_TIMEOUT_MS - clock.now();
    if (leftMs <= 0) return this.end("idle");
    this.#cancelTimeout = timers.after(leftMs, () => this.#watchIdle());
  }

  /** A call, so that the compiler does not take the state before an `await` for the one after it. */
  #isClosed(): boolean {
    return this.#state.name === "closed";
  }

  #close(): void {
    if (this.#state.name === "closed") return;
    const state = this.#state;
    this.#state = { name: "closed" };
    this.#cancelTimeout();
    this.#letGo();
    if (state.name === "catching_up" || state.name === "live") state.hub.leave(this);
    this.#deps.onClosed();
  }

  #letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.release();
  }
}

const utf8 = new TextEncoder();

/** A correct client may come over the limit when a whole room links at once; one that goes on and on is thrown out. */
const SIGNAL_OVER_LIMIT_STRIKE = 1 / 20;

/** Who a valid hello introduces; undefined when the name is none. A sealed name is passed on as it is. */
function personOf({ author, name }: HelloProof, hub: Hub): Person | undefined {
  if (hub.room.kind === "sealed") return { author, name };
  const clean = name.trim().normalize("NFC");
  return clean === "" || utf8.encode(clean).length > NAME_MAX_BYTES ? undefined : { author, name: clean };
}
