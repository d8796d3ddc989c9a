/**
 * One client's session, over any transport. Rules: docs/PROTOCOL.md.
 *
 * greeting → joining → catching_up → live → closed; every state may end in closed.
 */
import { type Cancel, pause } from "../../shared/environment.ts";
import type { RoomId } from "../../protocol/event.ts";
import { CLOSE_REASONS, type CloseReason, type FrameProblem } from "../../protocol/codes.ts";
import { type ClientFrame, decodeClientFrame, type HelloProof, readHelloProof } from "../../protocol/client_frames.ts";
import type { LogPosition, Person, ServerFrame } from "../../protocol/frames.ts";
import {
  CLIENT_FRAME_MAX_BYTES,
  HELLO_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  LATEST_EVENTS,
  NAME_MAX_BYTES,
  PAGE_MAX_BYTES,
  PROTOCOL_VERSION,
  RESUME_MAX_EVENTS,
} from "../../protocol/limits.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import type { Verifier } from "../../crypto/signing.ts";
import type { Ban } from "../../store/operators/runtime_settings.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Hub, Member } from "../rooms/hub.ts";
import type { FloodLog } from "../limits/flood_log.ts";
import type { EventBudgets } from "../limits/event_budgets.ts";
import type { Overload } from "../limits/overload.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import type { Signaling } from "../rooms/signaling.ts";
import type { RuntimeSettings } from "../admin/runtime_settings.ts";
import type { ServerStats } from "../stats/server_stats.ts";
import type { Environment } from "../environment.ts";
import { membershipFor } from "../http/ice_config.ts";
import { errorText } from "../logger.ts";
import type { EncodedPage } from "../rooms/recent_events.ts";
import type { Admission } from "./admission.ts";
import type { ClientConnection, Visitor } from "./connection.ts";
import { EventIntake } from "./event_intake.ts";

export interface ClientSessionDeps {
  room: RoomId;
  connection: ClientConnection;
  admission: Pick<Admission, "arrive" | "admit" | "sit" | "spoke" | "left" | "returnAfterMs">;
  verifier: Verifier;
  config: ServerConfig;
  environment: Environment;
  signaling: Pick<Signaling, "send">;
  settings: Pick<RuntimeSettings, "bansKey" | "bansDevice" | "banDeviceToo" | "noticesFrame">;
  visitor: Visitor;
  budgets: Pick<EventBudgets, "take">;
  floods: Pick<FloodLog, "refused">;
  overload: Pick<Overload, "load" | "takesNewcomers" | "takesHistory" | "takesEvent" | "retryAfterMs">;
  stats: ServerStats;
  /** The device's clock, as it says, ms since 1970. */
  onDeviceTime(atMs: number): void;
  onFailure(error: StorageUnavailable): void;
}

type State =
  | { name: "greeting"; nonce: string }
  | { name: "joining" }
  | { name: "catching_up"; hub: Hub; position: number }
  | { name: "live"; hub: Hub; position: number }
  | { name: "closed" };

export class ClientSession implements Member {
  readonly #deps: ClientSessionDeps;
  #state: State;
  #person: Person | undefined;
  /** Held open until this session is a member. */
  #held: Hub | undefined;
  #cancelTimeout: Cancel;
  #lastHeardAt: number;
  #badFrames = 0;
  readonly #frames: RateLimiter;
  readonly #sentSignals: RateLimiter;
  readonly #receivedSignals: RateLimiter;
  readonly #events: EventIntake;
  #historyRunning = false;

  constructor(deps: ClientSessionDeps) {
    this.#deps = deps;
    const { environment: { clock, random, timers }, config } = deps;
    this.#lastHeardAt = clock.now();
    this.#frames = new RateLimiter(config.limits.connectionFrames);
    this.#sentSignals = new RateLimiter(config.limits.sentSignals);
    this.#receivedSignals = new RateLimiter(config.limits.receivedSignals);
    this.#events = new EventIntake(deps, {
      person: () => this.person,
      spoke: () => deps.admission.spoke(this),
      isClosed: () => this.#isClosed(),
      tell: (frame) => this.#tell(frame),
      push: (text) => this.#push(text),
      strike: (weight) => this.#strike(weight),
      run: (place, step) => this.#run(place, step),
    });
    const nonce = toBase64Url(random.bytes(16));
    this.#state = { name: "greeting", nonce };
    this.#cancelTimeout = timers.after(HELLO_TIMEOUT_MS, () => this.end("hello_timeout"));
    this.#tell({ type: "challenge", version: PROTOCOL_VERSION, nonce, at: clock.now() });
    deps.admission.arrive(this, deps.room, deps.visitor);
  }

  /** The person at the other end; throws before `hello`. */
  get person(): Person {
    if (this.#person === undefined) throw new Error("a session is a member of a room only after its hello");
    return this.#person;
  }

  get state(): State["name"] {
    return this.#state.name;
  }

  // ---- frames in ----

  /** Handles one inbound frame. Neither invalid input nor an error of ours affects another connection. */
  receive(data: unknown): void {
    this.#contain("a frame", () => this.#receive(data));
  }

  #receive(data: unknown): void {
    if (this.#state.name === "closed") return;
    const now = this.#deps.environment.clock.now();
    this.#lastHeardAt = now;
    const decoded = decodeClientFrame(data);
    if (!decoded.ok && decoded.problem !== "unknown_type") {
      const strikes = sizeOf(data) > GIANT_FRAME_BYTES ? this.#deps.config.limits.badFrames : 1;
      return this.#problem(decoded.problem, decoded.field === undefined ? {} : { field: decoded.field }, strikes);
    }
    const { frame } = decoded.ok ? decoded : {};
    // Events and signals have separate limits.
    const waitMs = frame?.type === "send" || frame?.type === "signal" ? 0 : this.#frames.take(now);
    if (waitMs > 0) return this.#problem("busy", { retryAfterMs: waitMs });
    // A client of a later version is no offender.
    if (frame === undefined) return this.#problem("unknown_type", {}, 0);
    switch (frame.type) {
      case "ping":
        if (this.#state.name === "greeting") return this.#problem("out_of_turn");
        return this.#tell({ type: "pong", at: now });
      case "hello":
        if (this.#state.name !== "greeting") return this.#problem("out_of_turn");
        return void this.#run("hello", this.#hello(frame, this.#state.nonce));
    }
    if (this.#state.name !== "catching_up" && this.#state.name !== "live") return this.#problem("out_of_turn");
    const { hub } = this.#state;
    switch (frame.type) {
      case "send":
        return this.#events.take(hub, frame.events);
      case "history":
        return void this.#run("history", this.#history(hub, frame));
      case "signal":
        return this.#signal(hub, frame);
    }
  }

  /** The transport reports that the client is gone. */
  closed(): void {
    this.#contain("leaving", () => this.#close());
  }

  check(): boolean {
    const { name } = this.#state;
    if (name !== "catching_up" && name !== "live") return false;
    this.#tell({ type: "check" });
    return true;
  }

  enforceBan(): void {
    this.#contain("a ban", () => this.#enforceBan());
  }

  #enforceBan(): void {
    const { settings, room, visitor } = this.#deps;
    if (settings.bansDevice(visitor.device, room) !== undefined) return this.end("banned");
    const ban = this.#person && settings.bansKey(this.#person.author, room);
    if (ban !== undefined) this.#endBanned(ban);
  }

  #endBanned(ban: Ban): void {
    const { settings, visitor } = this.#deps;
    if (ban.withDevice === true) settings.banDeviceToo(ban, visitor.device);
    this.end("banned");
  }

  /** Says goodbye and ends the connection. */
  end(reason: CloseReason, retryAfterMs?: number): void {
    if (this.#state.name === "closed") return;
    const { connection, stats } = this.#deps;
    stats.count("goodbyes", reason);
    this.#contain("leaving", () => this.#close());
    const goodbye = { type: "goodbye", reason, ...retryAfterMs !== undefined && { retryAfterMs } };
    this.#contain("the goodbye", () => connection.send(JSON.stringify(goodbye)));
    this.#contain("closing", () => connection.close(CLOSE_REASONS[reason].code, reason));
  }

  // ---- unforeseen errors ----

  /** Runs one step of this connection. An error in it ends this connection and no other. */
  #contain(place: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(place, error);
    }
  }

  /** As #contain, for a step that takes time. */
  #run(place: string, step: Promise<void>): Promise<void> {
    return step.catch((error) => this.#fail(place, error));
  }

  #fail(place: string, error: unknown): void {
    const { environment, onFailure, admission } = this.#deps;
    if (error instanceof StorageUnavailable) {
      onFailure(error);
      return this.end("overloaded", admission.returnAfterMs());
    }
    environment.log(`a connection was closed: ${place} failed: ${errorText(error)}`);
    this.end("internal_error", admission.returnAfterMs());
  }

  // ---- hello ----

  async #hello(frame: ClientFrame<"hello">, nonce: string): Promise<void> {
    this.#state = { name: "joining" };
    this.#cancelTimeout();
    this.#watchIdle();
    if (frame.version !== PROTOCOL_VERSION) return this.end("unsupported_version");
    // Clients that resume a conversation come before newcomers.
    if (frame.resume === undefined && !this.#deps.overload.takesNewcomers) {
      return this.end("overloaded", this.#deps.admission.returnAfterMs());
    }
    const proof = readHelloProof(frame.proof[0]);
    const right = proof !== undefined && proof.nonce === nonce && proof.room === this.#deps.room &&
      await this.#deps.verifier.verify(proof.author, ...frame.proof);
    if (this.#isClosed()) return;
    if (!right) return this.end("bad_hello");
    if (frame.at !== undefined) this.#deps.onDeviceTime(frame.at);
    const { admission, room, visitor } = this.#deps;
    const decision = await admission.admit(room, visitor, frame.resume !== undefined);
    if (!decision.ok) return this.end(decision.reason, decision.retryAfterMs);
    if (this.#isClosed()) return decision.hub.release();
    this.#held = decision.hub;
    await this.#join(decision.hub, proof, frame.resume);
  }

  async #join(hub: Hub, proof: HelloProof, resume: LogPosition | undefined): Promise<void> {
    const person = personOf(proof, hub);
    if (person === undefined) return this.end("bad_hello");
    const ban = this.#deps.settings.bansKey(person.author, hub.room.id);
    if (ban !== undefined) return this.#endBanned(ban);
    const lastN = await hub.lastNOf(person.author);
    // The client may come from an instance that is a moment ahead of this one.
    if (resume?.epoch === hub.head.epoch && resume.position > hub.newest) await hub.refresh();
    if (this.#isClosed()) return;
    if (hub.closed) return this.end("going_away", this.#deps.admission.returnAfterMs());
    if (!this.#deps.admission.sit(this, lastN > 0)) return this.end("overloaded", this.#deps.admission.returnAfterMs());

    const { epoch, clock, oldest } = hub.head;
    const head = hub.newest;
    const resumes = resume !== undefined && resume.epoch === epoch && resume.position <= head &&
      resume.position >= oldest - 1 && head - resume.position <= RESUME_MAX_EVENTS;
    const from = resumes ? resume.position + 1 : Math.max(oldest, head - LATEST_EVENTS + 1);
    // No session may be ahead of the fan-out, so the room gets those events first.
    if (from - 1 > hub.fannedOut) hub.flush();

    this.#person = person;
    this.#state = { name: "catching_up", hub, position: from - 1 };
    hub.join(this);
    this.#events.joined(lastN);
    this.#releaseHeld();
    const { environment, config: { limits, ice }, visitor } = this.#deps;
    const now = environment.clock.now();
    const membership = membershipFor(ice, visitor.device, now);
    const welcome: ServerFrame<"welcome"> = {
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
      ...membership !== undefined && { membership },
      at: now,
    };
    this.#tell(welcome);
    const notices = this.#deps.settings.noticesFrame;
    if (notices !== undefined) this.#push(notices);
    void this.#run("catching up", this.#catchUp());
  }

  /** Sends page after page until this session has what every live session has; then it is live too. */
  async #catchUp(): Promise<void> {
    const { connection, environment: { clock, timers }, config: { fanOut } } = this.#deps;
    const maxBytes = this.#maxBufferedBytes;
    let movedAt = clock.now();
    while (this.#state.name === "catching_up") {
      const state = this.#state;
      const { hub, position } = state;
      if (position === hub.fannedOut) {
        this.#state = { name: "live", hub, position };
        return hub.goLive(this);
      }
      if (connection.bufferedBytes() > maxBytes / 2) {
        if (clock.now() - movedAt > fanOut.stalledMs) return this.end("too_slow");
        await pause(timers, fanOut.drainCheckMs);
        continue;
      }
      movedAt = clock.now();
      let page = hub.pageAfter(position, this.#pageBytes);
      if (page instanceof Promise) {
        const read = await page;
        // Deleted during the read: the client reconnects and learns which part is gone.
        if (read === undefined) return this.end("too_slow");
        page = read;
        if (this.#isClosed()) return;
      }
      this.#push(page.text);
      state.position = page.to;
    }
  }

  // ---- history ----

  async #history(hub: Hub, { before, limit }: ClientFrame<"history">): Promise<void> {
    // One at a time: a client that scrolls waits for a page before it asks for the next.
    if (this.#historyRunning) return this.#busy();
    // Pages that a polling client has not fetched would pile up here.
    if (this.#deps.connection.bufferedBytes() > this.#maxBufferedBytes / 2) return this.#busy();
    if (!this.#deps.overload.takesHistory) return this.#busy(this.#deps.overload.retryAfterMs());
    this.#historyRunning = true;
    try {
      const { from, events, oldest } = await hub.history(before, limit, this.#pageBytes);
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

  #signal(hub: Hub, frame: ClientFrame<"signal">): void {
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
    const { connection, environment } = this.#deps;
    if (this.#state.name === "closed") return false;
    // Repeated calls must not get a slow reader disconnected.
    if (connection.bufferedBytes() + text.length > this.#maxBufferedBytes / 2) return false;
    if (this.#receivedSignals.take(environment.clock.now()) > 0) return false;
    this.#contain("sending", () => connection.send(text));
    return true;
  }

  // ---- frames out ----

  deliver(page: EncodedPage): void {
    const state = this.#state;
    if (state.name !== "live") return;
    const { connection, environment: { timers }, config: { fanOut } } = this.#deps;
    const { maxBufferedBytes } = connection;
    if (maxBufferedBytes !== undefined && connection.bufferedBytes() + page.text.length > maxBufferedBytes / 2) {
      const { hub, position } = state;
      hub.fallBehind(this);
      this.#state = { name: "catching_up", hub, position };
      // Not at once: the hub is sending to everybody.
      return void this.#run("catching up", pause(timers, fanOut.drainCheckMs).then(() => this.#catchUp()));
    }
    state.position = page.to;
    this.#push(page.text);
  }

  tell(text: string): void {
    this.#push(text);
  }

  #tell(frame: ServerFrame): void {
    this.#push(JSON.stringify(frame));
  }

  /** Sends a frame. Disconnects slow readers instead of buffering for them, so they never delay others. */
  #push(text: string): void {
    if (this.#state.name === "closed") return;
    const { connection } = this.#deps;
    if (connection.bufferedBytes() > this.#maxBufferedBytes) return this.end("too_slow");
    this.#contain("sending", () => connection.send(text));
  }

  get #maxBufferedBytes(): number {
    const { connection, config } = this.#deps;
    return connection.maxBufferedBytes ?? config.fanOut.highWatermarkBytes;
  }

  /** Size of a page of events: after one there is still room for answers. */
  get #pageBytes(): number {
    const { maxBufferedBytes } = this.#deps.connection;
    return maxBufferedBytes === undefined ? PAGE_MAX_BYTES : maxBufferedBytes / 4;
  }

  #busy(retryAfterMs = this.#deps.config.commit.retryAfterMs): void {
    this.#deps.stats.count("frame_problems", "busy");
    this.#tell({ type: "problem", problem: "busy", retryAfterMs });
  }

  #problem(problem: FrameProblem, more: { field?: string; retryAfterMs?: number } = {}, strikes = 1): void {
    this.#deps.stats.count("frame_problems", problem);
    this.#tell({ type: "problem", problem, ...more });
    this.#strike(strikes);
  }

  /** Counts a frame or event that no correct client sends; `weight` is below 1 for one that a correct client sends seldom. */
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

  /** A method, because the compiler would assume that the state is the same before and after an `await`. */
  #isClosed(): boolean {
    return this.#state.name === "closed";
  }

  #close(): void {
    if (this.#state.name === "closed") return;
    const state = this.#state;
    this.#state = { name: "closed" };
    this.#cancelTimeout();
    this.#deps.admission.left(this);
    this.#releaseHeld();
    if (state.name === "catching_up" || state.name === "live") state.hub.leave(this);
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.release();
  }
}

const utf8 = new TextEncoder();

/** No client sends such a frame by mistake, and each one costs memory: the first one is the last. */
const GIANT_FRAME_BYTES = 8 * CLIENT_FRAME_MAX_BYTES;

function sizeOf(data: unknown): number {
  if (typeof data === "string") return data.length;
  return data instanceof Blob ? data.size : data instanceof ArrayBuffer ? data.byteLength : 0;
}

/** A correct client may exceed the limit when a whole room links at once; only one that keeps on is disconnected. */
const SIGNAL_OVER_LIMIT_STRIKE = 1 / 20;

/** The person whom a valid hello introduces; undefined when the name is unusable. A sealed name passes unchanged. */
function personOf({ author, name }: HelloProof, hub: Hub): Person | undefined {
  if (hub.room.kind === "sealed") return { author, name };
  const clean = name.trim().normalize("NFC");
  return clean === "" || utf8.encode(clean).length > NAME_MAX_BYTES ? undefined : { author, name: clean };
}
