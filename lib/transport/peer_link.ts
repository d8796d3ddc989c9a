/**
 * One link to one peer: a data channel, set up and repaired over signals, monitored by heartbeats. A closed link is
 * never reused; a new attempt is a new link.
 *
 *   connecting → connected ⇄ suspect → closed             every state may end in closed
 *
 * When both peers begin at once, the one with the smaller key is polite (negotiation.ts).
 */
import { toBase64Url } from "../shared/base64url.ts";
import type { Clock, Random, Timers } from "../shared/environment.ts";
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

/** How a link ended. `network`: without a goodbye of either side. */
export type LinkEnd =
  | { by: "us" | "peer"; reason: GoodbyeReason }
  | { by: "network"; reason: "not_present" | "no_answer" | "no_path" | "silent" | "cut" };

export type LinkState =
  | { state: "connecting"; since: number }
  | { state: "connected"; since: number }
  /** A ping was not answered: texts take other transports and ICE looks for a new path. */
  | { state: "suspect"; since: number }
  | { state: "closed"; since: number; end: LinkEnd };

export interface PeerLinkDeps {
  me: AuthorKey;
  peer: AuthorKey;
  /** Measures round trips; may return fractions of a ms. */
  clock: Clock;
  timers: Timers;
  random: Pick<Random, "bytes">;
  open: OpenPeerConnection;
  /** The sessions of both sides, if the connection was made without signals (pairing.ts). */
  paired?: { session: LinkSessionId; peerSession: LinkSessionId };
  /** Sends a signal to the peer, which may get lost. */
  sendSignal(header: Pick<SignalHeader, "session" | "peerSession" | "seq">, content: SignalContent): void;
  /** This page's link count, which offers carry. */
  linkCount(): number;
  /** Called after every change. */
  onState(link: PeerLink, state: LinkState): void;
  onMessage(link: PeerLink, text: string): void;
  /** Delivers data of the channel for files, not decoded. */
  onFileFrame(link: PeerLink, data: unknown): void;
  /** The channel for files opened, or accepts frames again. */
  onFilesDrained(link: PeerLink): void;
  log(line: string): void;
}

/** The polite peer delays its repair by this, because two simultaneous offers cost a round trip. */
export const POLITE_REPAIR_DELAY_MS = 1_000;
/** Time for a goodbye to leave the channel before the connection is closed. */
const GOODBYE_FLUSH_MS = 200;

export class PeerLink {
  readonly peer: AuthorKey;
  /** This side's link session. */
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
      closed: () => this.#end({ by: "network", reason: "cut" }),
      fileReceived: (data) => this.#fileReceived(data),
      filesDrained: () => {
        if (this.#state.state === "connected") deps.onFilesDrained(this);
      },
    });
    this.#negotiation = new Negotiation({
      polite: this.#polite,
      connection: this.#connection,
      timers: deps.timers,
      linkCount: deps.linkCount,
      send: (content) => this.#send(content),
      log: deps.log,
    });
    this.#cancelSetup = deps.timers.after(LINK_SETUP_TIMEOUT_MS, () => {
      this.#sayGoodbye("failed");
      this.#end({ by: "network", reason: this.#peerSession === undefined ? "no_answer" : "no_path" });
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  get peerSession(): LinkSessionId | undefined {
    return this.#peerSession;
  }

  /** Smoothed round trip in ms; undefined before the first heartbeat. */
  get rttMs(): number | undefined {
    return this.#heartbeat?.rttMs;
  }

  /** The path in use, direct or relayed; undefined if unknown. */
  path(): Promise<LinkPath | undefined> {
    return this.#connection.path();
  }

  /** Dials the peer. A link that answers a peer's offer does not call this. */
  connect(): void {
    this.#negotiation.offer(false);
  }

  /**
   * Sends one text, in order. Returns false if the link is not connected, or if LINK_HIGH_WATERMARK_BYTES are buffered.
   * Throws RangeError for more than LINK_MESSAGE_MAX_BYTES.
   */
  send(text: string): boolean {
    const frames = messageFrames(text);
    if (this.#state.state !== "connected" || this.#connection.bufferedBytes > LINK_HIGH_WATERMARK_BYTES) return false;
    for (const frame of frames) {
      if (!this.#connection.send(frame)) {
        // The peer may have a part of the text and would wait for the rest.
        this.close("failed");
        return false;
      }
    }
    this.#heartbeat?.sent();
    return true;
  }

  /** Sends one frame of a file, in order. Returns false if it was rejected; `onFilesDrained` follows then. */
  sendFile(frame: Uint8Array<ArrayBuffer>): boolean {
    return this.#state.state === "connected" && this.#connection.sendFile(frame);
  }

  /** Sets the silence after which the link is pinged, ms. */
  setHeartbeat(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
    if (this.#heartbeat) this.#heartbeat.heartbeatMs = heartbeatMs;
  }

  /** The device changed networks: looks for a new path even if the old one still seems to work. */
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

  /** The server reports the peer as absent. Connected links are not affected. */
  undeliverable(): void {
    if (this.#state.state === "connecting") this.#end({ by: "network", reason: "not_present" });
  }

  /** The peer's page may have forgotten this link. */
  suspect(): void {
    if (this.#heartbeat) this.#heartbeat.suspect();
    else this.#end({ by: "peer", reason: "gone" });
  }

  // ---- inbound signals ----

  /** Whether a signal belongs to this link, by the sessions of both sides. */
  fits(signal: Signal): boolean {
    if (signal.peerSession !== undefined && signal.peerSession !== this.session) return false;
    if (this.#peerSession !== undefined) return signal.session === this.#peerSession;
    // Before the first offer only signals that name this session, or an offer, belong here.
    return signal.peerSession !== undefined || signal.kind === "offer";
  }

  /** Takes a verified signal that `fits`. */
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
        this.#deps.onFilesDrained(this);
      },
      onSilent: () => {
        this.#sayGoodbye("failed");
        this.#end({ by: "network", reason: "silent" });
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
        return this.#deps.onMessage(this, frame.text);
      case "ping":
        return void this.#connection.send(pongFrame(frame.number));
      case "goodbye":
        return this.#end({ by: "peer", reason: frame.reason });
      case "bad":
        this.#deps.log(`a frame on a link could not be read: ${frame.problem}`);
        return this.close("bad_frames");
    }
  }

  #fileReceived(data: unknown): void {
    if (this.#state.state === "closed") return;
    this.#heartbeat?.heard();
    this.#deps.onFileFrame(this, data);
  }

  #connectionChanged(state: RTCIceConnectionState): void {
    if (state === "disconnected") this.#heartbeat?.check();
    // A failed connection does not recover without an ICE restart.
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
    if (end.by === "us") this.#deps.timers.after(GOODBYE_FLUSH_MS, () => this.#connection.close());
    else this.#connection.close();
    this.#become({ state: "closed", since: this.#deps.clock.now(), end });
  }

  /** The only place that changes the state. */
  #become(state: LinkState): void {
    this.#state = state;
    this.#deps.onState(this, state);
  }
}
