/**
 * The links of one page in one room, and the signals between them and the room's connection: signs what goes out, opens
 * what comes in, and finds the link it is for. Whom to link with, and how many, is decided elsewhere.
 *
 * A peer that begins anew takes the place of its old link: it reloaded, or another tab of it took over.
 */
import { BoundedSet } from "../shared/bounded.ts";
import type { Signer, Verifier } from "../crypto/signing.ts";
import { openSignal, signSignal } from "../crypto/signal_signing.ts";
import { toBase64Url } from "../shared/base64url.ts";
import type { AuthorKey, RoomId } from "../protocol/event.ts";
import type { SendSignalFrame, SignalFrame, SignalUndeliverableFrame } from "../protocol/frames.ts";
import { LINK_HEARTBEAT_MS } from "../protocol/limits.ts";
import type { GoodbyeReason, LinkSessionId, Signal, SignalContent, SignalHeader } from "../protocol/peer/signal.ts";
import type { PairedPeer } from "./pairing.ts";
import { type LinkState, PeerLink, type PeerLinkDeps } from "./peer_link.ts";

export interface PeerLinksDeps extends Pick<PeerLinkDeps, "clock" | "timers" | "random" | "open" | "log"> {
  room: RoomId;
  signer: Signer;
  verifier: Verifier;
  /** Gives a frame to the room's connection; false when it takes none now. */
  sendFrame(frame: SendSignalFrame): boolean;
  /** Whether a peer that calls, and says that it has so many links, gets one. One that is linked already, and begins anew, is not asked for. */
  admits(peer: AuthorKey, links: number): boolean;
  /** Links this page has, to be told in offers. */
  linkCount(): number;
  /** Called at every change of a link, also of one that a peer began; not after `closed`. */
  onState(link: PeerLink, state: LinkState): void;
  onMessage(link: PeerLink, text: string): void;
  onDrained(link: PeerLink): void;
  onFileFrame(link: PeerLink, data: unknown): void;
  onFilesDrained(link: PeerLink): void;
}

/** Signals that wait to be checked or signed. More are dropped: whoever gets no answer asks again. */
const WAITING_MAX = 128;
/** Ended sessions of peers that are remembered, so that their last offers begin nothing. The oldest are forgotten. */
const ENDED_MAX = 256;

export class PeerLinks {
  readonly #deps: PeerLinksDeps;
  /** Links that are not closed. */
  readonly #links = new Map<AuthorKey, PeerLink>();
  readonly #ended = new BoundedSet<LinkSessionId>(ENDED_MAX);
  #opening = Promise.resolve();
  #signing = Promise.resolve();
  #waiting = 0;
  #heartbeatMs = LINK_HEARTBEAT_MS;
  #closed = false;

  constructor(deps: PeerLinksDeps) {
    this.#deps = deps;
  }

  get all(): Iterable<PeerLink> {
    return this.#links.values();
  }

  get size(): number {
    return this.#links.size;
  }

  get(peer: AuthorKey): PeerLink | undefined {
    return this.#links.get(peer);
  }

  /** Begins a link with a peer; the one there is, when there is one. */
  connect(peer: AuthorKey): PeerLink {
    const known = this.#links.get(peer);
    if (known !== undefined) return known;
    const link = this.#add(peer);
    link.connect();
    return link;
  }

  /** Takes over a connection that was made without signals. A link with the same peer gives way. */
  adopt({ peer, session, peerSession, open }: PairedPeer): void {
    this.#links.get(peer)?.close("replaced");
    this.#add(peer, { open, paired: { session, peerSession } });
  }

  /** A signal came over the room's connection. */
  receive(frame: SignalFrame): void {
    this.#queue("#opening", async () => {
      const { verifier, room, signer: { author: me } } = this.#deps;
      const opened = await openSignal(verifier, frame, { room, me });
      if (this.#closed) return;
      if (opened.ok) this.#take(opened.signal);
      else this.#deps.log?.(`a signal was not taken: ${opened.problem.problem}`);
    });
  }

  undeliverable(frame: SignalUndeliverableFrame): void {
    // `busy` is no verdict: the offer is sent again.
    if (frame.reason === "not_present") this.#links.get(frame.to)?.undeliverable();
  }

  /** The device has another network. */
  networkChanged(): void {
    for (const link of this.all) link.networkChanged();
  }

  /** Silence after which links are asked whether they live, ms: longer saves power. */
  setHeartbeat(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
    for (const link of this.all) link.setHeartbeat(heartbeatMs);
  }

  /** Ends all links, with a goodbye. */
  close(reason: GoodbyeReason = "leaving"): void {
    for (const link of [...this.all]) link.close(reason);
    this.#closed = true;
  }

  #take(signal: Signal): void {
    const { from: peer } = signal;
    const link = this.#links.get(peer);
    if (link?.fits(signal)) return link.receive(signal);
    if (signal.kind === "offer" && signal.peerSession === undefined) {
      if (this.#ended.has(signal.session)) return;
      if (link !== undefined) link.close("replaced");
      else if (!this.#deps.admits(peer, signal.links)) return this.#refuse(signal, "full");
      return this.#add(peer).receive(signal);
    }
    if (link === undefined) {
      // Only offers: other tabs of this device may have what the rest is about.
      if (signal.kind === "offer") this.#refuse(signal, "gone");
    } else if (signal.peerSession === link.session) {
      if (signal.kind === "goodbye") {
        if (signal.reason === "gone") link.suspect();
      } else if (signal.kind === "answer") this.#refuse(signal, "taken", link.session);
    }
  }

  #add(peer: AuthorKey, made?: Pick<PeerLinkDeps, "open" | "paired">): PeerLink {
    const { clock, timers, random, open, log, signer, linkCount, onState, onMessage, onDrained } = this.#deps;
    const { onFileFrame, onFilesDrained } = this.#deps;
    const link: PeerLink = new PeerLink({
      me: signer.author,
      peer,
      clock,
      timers,
      random,
      open,
      ...made,
      linkCount,
      sendSignal: (header, content) => this.#send(peer, header, content),
      onState: (state) => {
        if (state.state === "closed") {
          if (this.#links.get(peer) === link) this.#links.delete(peer);
          this.#remember(link.peerSession);
        }
        onState(link, state);
      },
      onMessage: (text) => onMessage(link, text),
      onDrained: () => onDrained(link),
      onFileFrame: (data) => onFileFrame(link, data),
      onFilesDrained: () => onFilesDrained(link),
      ...(log && { log }),
    });
    link.setHeartbeat(this.#heartbeatMs);
    this.#links.set(peer, link);
    onState(link, link.state);
    return link;
  }

  #remember(session: LinkSessionId | undefined): void {
    if (session === undefined) return;
    this.#ended.add(session);
  }

  /** Answers a signal that begins or continues nothing here. */
  #refuse(signal: Signal, reason: GoodbyeReason, session = toBase64Url(this.#deps.random.bytes(16))): void {
    // A number of its own, far from those of a link whose session it may borrow.
    const seq = reason === "taken" ? Number.MAX_SAFE_INTEGER : 1;
    this.#send(signal.from, { session, peerSession: signal.session, seq }, { kind: "goodbye", reason });
  }

  #send(to: AuthorKey, header: Pick<SignalHeader, "session" | "peerSession" | "seq">, content: SignalContent): void {
    this.#queue("#signing", async () => {
      const { signer, room, sendFrame, log } = this.#deps;
      const frame = await signSignal(signer, { room, to, ...header }, content);
      if (!sendFrame(frame)) log?.(`a signal was not sent: ${content.kind}`);
    });
  }

  /** One after another, in each direction: signals of one link must not overtake one another. */
  #queue(direction: "#opening" | "#signing", run: () => Promise<void>): void {
    if (this.#waiting >= WAITING_MAX) return this.#deps.log?.("too many signals at once");
    this.#waiting++;
    const before = direction === "#opening" ? this.#opening : this.#signing;
    const after = before.then(run)
      .catch((error) => this.#deps.log?.(`a signal failed: ${error}`))
      .finally(() => this.#waiting--);
    if (direction === "#opening") this.#opening = after;
    else this.#signing = after;
  }
}
