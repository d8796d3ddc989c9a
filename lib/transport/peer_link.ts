/**
 * One link to one peer: a data channel, set up and repaired by signals, watched by heartbeats. It has one life; a new try
 * is a new link.
 *
 *   connecting → connected ⇄ suspect → closed             every state may end in closed
 *
 * Of two peers that begin at once, the one with the smaller key is polite: negotiation.ts.
 */
import { toBase64Url } from "../shared/base64url.ts";
import type { AuthorKey } from "../protocol/event.ts";
import { LINK_HEARTBEAT_MS, LINK_SETUP_TIMEOUT_MS } from "../protocol/limits.ts";
import {
  type GoodbyeReason,
  type LinkSessionId,
  ReplayWindow,
  type Signal,
  type SignalContent,
  type SignalHeader,
} from "../protocol/peer/signal.ts";
import { goodbyeFrame, LinkFrameReader, messageFrames, pingFrame, pongFrame } from "./link_frames.ts";
import { LinkHeartbeat } from "./link_heartbeat.ts";
import { Negotiation } from "./negotiation.ts";
import {
  LINK_HIGH_WATERMARK_BYTES,
  type LinkPath,
  type OpenPeerConnection,
  type PeerConnection,
} from "./peer_connection.ts";

/** How a link ended. `line`: neither side said so. */
export type LinkEnd =
  | { by: "us" | "peer"; reason: GoodbyeReason }
  | { by: "line"; reason: "not_present" | "no_answer" | "no_path" | "silent" | "cut" };

export type LinkState =
  | { state: "connecting"; since: number }
  | { state: "connected"; since: number }
  /** A ping was not answered: texts go other transports, and a new path is looked for. */
  | { state: "suspect"; since: number }
  | { state: "closed"; since: number; end: LinkEnd };

export interface PeerLinkDeps {
  me: AuthorKey;
  peer: AuthorKey;
  /** Ms; fractions count: round trips are measured with it. */
  clock: { now(): number };
  timers: { after(delayMs: number, run: () => void): () => void };
  random: { bytes(count: number): Uint8Array };
  open: OpenPeerConnection;
  /** The sessions of both sides, when the connection was made without signals: pairing.ts. */
  paired?: { session: LinkSessionId; peerSession: LinkSessionId };
  /** Sends a signal to the peer. It may get lost. */
  sendSignal(header: Pick<SignalHeader, "session" | "peerSession" | "seq">, content: SignalContent): void;
  /** Links this page has, to be told in offers. */
  linkCount(): number;
  /** Called at every change, after it. */
  onState(state: LinkState): void;
  onMessage(text: string): void;
  /** A link that took no text takes some again. */
  onDrained(): void;
  /** Something came that belongs to files: bytes, or what is no frame at all. */
  onFileFrame(data: unknown): void;
  /** The channel for files takes frames, again or for the first time. */
  onFilesDrained(): void;
  log?(line: string): void;
}

/** The polite peer leaves the repair to the other one for this long: two offers at once cost a round trip. */
export const POLITE_REPAIR_DELAY_MS = 1_000;
/** A goodbye on the channel has this long to leave before the connection goes. */
const LAST_WORD_MS = 200;
export class PeerLink {
  readonly peer: AuthorKey;
  /** This end's life. */
  readonly session: LinkSessionId;
  readonly #deps: PeerLinkDeps;
  readonly #polite: boolean;
  readonly #connection: PeerConnection;
  readonly #negotiation: Negotiation;
  readonly #reader = new LinkFrameReader();
  readonly #window = new ReplayWindow();
  #state: LinkState;
  #peerSession: LinkSessionId | undefined;
  #heartbeat: LinkHeartbeat | undefined;
  #heartbeatMs = LINK_HEARTBEAT_MS;
  #seq = 0;
  #refused = false;
  #cancelSetup: () => void;
  #cancelRepair = () => {};

  constructor(deps: PeerLinkDeps) {
    this.#deps = deps;
    this.peer = deps.peer;
    this.session = deps.paired?.session ?? toBase64Url(deps.random.bytes(16));
    this.#peerSession = deps.paired?.peerSession;
    this.#polite = deps.me < deps.peer;
    this.#state = { state: "connecting", since: deps.clock.now() };
    this.#connection = deps.open({
      candidate: (candidate) => this.#negotiation.found(candidate),
      connection: (state) => this.#connectionChanged(state),
      opened: () => this.#opened(),
      received: (data) => this.#received(data),
      drained: () => this.#drained(),
      closed: () => this.#end({ by: "line", reason: "cut" }),
      fileReceived: (data) => this.#fileReceived(data),
      filesDrained: () => {
        if (this.#state.state === "connected") deps.onFilesDrained();
      },
    });
    this.#negotiation = new Negotiation({
      polite: this.#polite,
      connection: this.#connection,
      timers: deps.timers,
      linkCount: () => deps.linkCount(),
      send: (content) => this.#send(content),
      log: (line) => this.#log(line),
    });
    this.#cancelSetup = deps.timers.after(LINK_SETUP_TIMEOUT_MS, () => {
      this.#sayGoodbye("failed");
      this.#end({ by: "line", reason: this.#peerSession === undefined ? "no_answer" : "no_path" });
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  get peerSession(): LinkSessionId | undefined {
    return this.#peerSession;
  }

  /** Smoothed round trip, ms, as heartbeats measured it; undefined before the first. */
  get rttMs(): number | undefined {
    return this.#heartbeat?.rttMs;
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  /** The way in use: direct, or through a relay; undefined when none is known. */
  path(): Promise<LinkPath | undefined> {
    return this.#connection.path();
  }

  /** Begins from this side. A link that a peer's offer began needs none. */
  connect(): void {
    this.#negotiation.offer(false);
  }

  /**
   * Hands over one text, in order; false when it was not taken: not connected, or LINK_HIGH_WATERMARK_BYTES wait already,
   * then `onDrained` follows. Throws RangeError for more than LINK_MESSAGE_MAX_BYTES.
   */
  send(text: string): boolean {
    const frames = messageFrames(text);
    if (this.#state.state !== "connected") return false;
    if (this.#connection.bufferedBytes > LINK_HIGH_WATERMARK_BYTES) {
      this.#refused = true;
      return false;
    }
    for (const frame of frames) {
      if (!this.#connection.send(frame)) {
        // A part of a text cannot be taken back: the peer would wait for the rest.
        this.close("failed");
        return false;
      }
    }
    this.#heartbeat?.sent();
    return true;
  }

  /** Hands over one frame of a file, in order; false when it was not taken, then `onFilesDrained` follows. */
  sendFile(frame: Uint8Array<ArrayBuffer>): boolean {
    return this.#state.state === "connected" && this.#connection.sendFile(frame);
  }

  /** Silence after which the link is asked whether it lives, ms. */
  setHeartbeat(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
    if (this.#heartbeat) this.#heartbeat.heartbeatMs = heartbeatMs;
  }

  /** The device has another network: looks for a new path, whatever the old one still says. */
  networkChanged(): void {
    this.#negotiation.offer(true);
    this.#heartbeat?.check();
  }

  /** Says goodbye and ends the link. */
  close(reason: GoodbyeReason): void {
    if (this.#state.state === "closed") return;
    this.#sayGoodbye(reason);
    this.#end({ by: "us", reason });
  }

  /** The server says that a signal reached nobody. Who is connected already needs no server. */
  undeliverable(): void {
    if (this.#state.state === "connecting") this.#end({ by: "line", reason: "not_present" });
  }

  /** The peer's page may not know of this link any more. */
  suspect(): void {
    if (this.#heartbeat) this.#heartbeat.suspect();
    else this.#end({ by: "peer", reason: "gone" });
  }

  // ---- signals in ----

  /** Whether a signal belongs to this life of the link, on both sides. */
  fits(signal: Signal): boolean {
    if (signal.peerSession !== undefined && signal.peerSession !== this.session) return false;
    if (this.#peerSession !== undefined) return signal.session === this.#peerSession;
    // What trickles in before the first offer names nobody's session.
    return signal.peerSession !== undefined || signal.kind === "offer";
  }

  /** Takes a signal that `fits`, its signature checked. */
  receive(signal: Signal): void {
    if (this.#state.state === "closed" || !this.fits(signal)) return;
    this.#peerSession ??= signal.session;
    if (!this.#window.take(signal.seq)) return;
    if (signal.kind === "goodbye") this.#end({ by: "peer", reason: signal.reason });
    else this.#negotiation.receive(signal, signal.seq);
  }

  #send(content: SignalContent): number {
    const seq = ++this.#seq;
    const peerSession = this.#peerSession;
    this.#deps.sendSignal({ session: this.session, ...(peerSession && { peerSession }), seq }, content);
    return seq;
  }

  // ---- the channel ----

  #opened(): void {
    this.#cancelSetup();
    this.#negotiation.connected();
    this.#become({ state: "connected", since: this.#deps.clock.now() });
    this.#heartbeat ??= new LinkHeartbeat({
      clock: this.#deps.clock,
      timers: this.#deps.timers,
      ping: (number) => void this.#connection.send(pingFrame(number)),
      onSuspect: () => this.#becameSuspect(),
      onAlive: () => {
        this.#cancelRepair();
        this.#negotiation.connected();
        this.#become({ state: "connected", since: this.#deps.clock.now() });
        this.#drained();
        this.#deps.onFilesDrained();
      },
      onSilent: () => {
        this.#sayGoodbye("failed");
        this.#end({ by: "line", reason: "silent" });
      },
    }, this.#heartbeatMs);
  }

  #received(data: unknown): void {
    if (this.#state.state === "closed") return;
    const frame = this.#reader.read(data);
    if (frame.type === "pong") return this.#heartbeat?.pong(frame.number);
    this.#heartbeat?.heard();
    switch (frame.type) {
      case "message":
        return this.#deps.onMessage(frame.text);
      case "ping":
        return void this.#connection.send(pongFrame(frame.number));
      case "goodbye":
        return this.#end({ by: "peer", reason: frame.reason });
      case "bad":
        this.#log(`a frame on a link could not be read: ${frame.problem}`);
        return this.close("bad_frames");
    }
  }

  #fileReceived(data: unknown): void {
    if (this.#state.state === "closed") return;
    this.#heartbeat?.heard();
    this.#deps.onFileFrame(data);
  }

  #drained(): void {
    if (!this.#refused || this.#state.state !== "connected") return;
    this.#refused = false;
    this.#deps.onDrained();
  }

  #connectionChanged(state: RTCIceConnectionState): void {
    if (state === "disconnected") this.#heartbeat?.check();
    // It never connects again by itself.
    if (state === "failed") this.#negotiation.offer(true);
  }

  #becameSuspect(): void {
    this.#become({ state: "suspect", since: this.#deps.clock.now() });
    this.#cancelRepair = this.#deps.timers.after(
      this.#polite ? POLITE_REPAIR_DELAY_MS : 0,
      () => this.#negotiation.offer(true),
    );
  }

  // ---- the end ----

  #sayGoodbye(reason: GoodbyeReason): void {
    this.#connection.send(goodbyeFrame(reason));
    if (this.#seq > 0 || this.#peerSession !== undefined) this.#send({ kind: "goodbye", reason });
  }

  #end(end: LinkEnd): void {
    if (this.#state.state === "closed") return;
    this.#cancelSetup();
    this.#cancelRepair();
    this.#negotiation.end();
    this.#heartbeat?.stop();
    if (end.by === "us") this.#deps.timers.after(LAST_WORD_MS, () => this.#connection.close());
    else this.#connection.close();
    this.#become({ state: "closed", since: this.#deps.clock.now(), end });
  }

  /** The one door for changes. */
  #become(state: LinkState): void {
    this.#state = state;
    this.#deps.onState(state);
  }

  #log(line: string): void {
    this.#deps.log?.(line);
  }
}
