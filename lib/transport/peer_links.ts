/**
 * The links of one page in one room. Signs outgoing signals, verifies inbound ones and passes each to its link. The
 * mesh node decides which links to make.
 *
 * A new link session of a peer replaces its old link: its page was reloaded, or another of its tabs took over.
 */
import { BoundedSet } from "../shared/bounded.ts";
import type { Signer, Verifier } from "../crypto/signing.ts";
import { openSignal, signSignal } from "../crypto/signal_signing.ts";
import { toBase64Url } from "../shared/base64url.ts";
import type { AuthorKey, RoomId } from "../protocol/event.ts";
import type { ClientFrame } from "../protocol/client_frames.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { LINK_HEARTBEAT_MS } from "../protocol/limits.ts";
import type { GoodbyeReason, LinkSessionId, Signal, SignalContent, SignalHeader } from "../protocol/peer/signal.ts";
import type { PairedPeer } from "./pairing.ts";
import { PeerLink, type PeerLinkDeps } from "./peer_link.ts";

/** `onState` is not called after `closed`, and for every link, whichever side dialled. */
export interface PeerLinksDeps extends Omit<PeerLinkDeps, "me" | "peer" | "paired" | "sendSignal"> {
  room: RoomId;
  signer: Signer;
  verifier: Verifier;
  /** Sends a frame over the room's connection. Returns false if it was rejected. */
  sendFrame(frame: ClientFrame<"signal">): boolean;
  /**
   * Whether to answer a peer that dials and reports this link count. Not called for a peer that replaces its own link.
   */
  admits(peer: AuthorKey, links: number): boolean;
}

/** Signals waiting to be verified or signed. Further ones are dropped: negotiation retries. */
const WAITING_MAX = 128;
/** Ended sessions of peers, remembered so that their late offers start no link. The oldest are forgotten. */
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

  /** Dials a peer, or returns the existing link. */
  connect(peer: AuthorKey): PeerLink {
    const known = this.#links.get(peer);
    if (known !== undefined) return known;
    const link = this.#add(peer);
    link.connect();
    return link;
  }

  /** Takes over a connection that was made without signals. It replaces a link to the same peer. */
  adopt({ peer, session, peerSession, open }: PairedPeer): void {
    this.#links.get(peer)?.close("replaced");
    this.#add(peer, { open, paired: { session, peerSession } });
  }

  /** Handles a signal from the room's connection. */
  receive(frame: ServerFrame<"signal">): void {
    this.#queue("#opening", async () => {
      const { verifier, room, signer: { author: me } } = this.#deps;
      const opened = await openSignal(verifier, frame, { room, me });
      if (this.#closed) return;
      if (opened.ok) this.#take(opened.signal);
      else this.#deps.log(`a signal was rejected: ${opened.problem.problem}`);
    });
  }

  undeliverable(frame: ServerFrame<"signal_undeliverable">): void {
    // `busy` says nothing about the peer: the offer is retried.
    if (frame.reason === "not_present") this.#links.get(frame.to)?.undeliverable();
  }

  /** The device changed networks. */
  networkChanged(): void {
    for (const link of this.all) link.networkChanged();
  }

  /** Sets the silence after which links are pinged, ms: longer saves power. */
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
      // Only offers are answered: other signals may belong to a link of another tab.
      if (signal.kind === "offer") this.#refuse(signal, "gone");
    } else if (signal.peerSession === link.session) {
      if (signal.kind === "goodbye") {
        if (signal.reason === "gone") link.suspect();
      } else if (signal.kind === "answer") this.#refuse(signal, "taken", link.session);
    }
  }

  #add(peer: AuthorKey, made?: Pick<PeerLinkDeps, "open" | "paired">): PeerLink {
    const { signer, onState } = this.#deps;
    const link = new PeerLink({
      ...this.#deps,
      ...made,
      me: signer.author,
      peer,
      sendSignal: (header, content) => this.#send(peer, header, content),
      onState: (link, state) => {
        if (state.state === "closed") {
          if (this.#links.get(peer) === link) this.#links.delete(peer);
          if (link.peerSession !== undefined) this.#ended.add(link.peerSession);
        }
        onState(link, state);
      },
    });
    link.setHeartbeat(this.#heartbeatMs);
    this.#links.set(peer, link);
    onState(link, link.state);
    return link;
  }

  /** Answers a signal that belongs to no link with a goodbye. */
  #refuse(signal: Signal, reason: GoodbyeReason, session = toBase64Url(this.#deps.random.bytes(16))): void {
    // A number far from those of the link whose session it may use.
    const seq = reason === "taken" ? Number.MAX_SAFE_INTEGER : 1;
    this.#send(signal.from, { session, peerSession: signal.session, seq }, { kind: "goodbye", reason });
  }

  #send(to: AuthorKey, header: Pick<SignalHeader, "session" | "peerSession" | "seq">, content: SignalContent): void {
    this.#queue("#signing", async () => {
      const { signer, room, sendFrame, log } = this.#deps;
      const frame = await signSignal(signer, { room, to, ...header }, content);
      if (!sendFrame(frame)) log(`a signal was not sent: ${content.kind}`);
    });
  }

  /** Runs tasks of one direction in sequence: signals of one link must not overtake one another. */
  #queue(direction: "#opening" | "#signing", run: () => Promise<void>): void {
    if (this.#waiting >= WAITING_MAX) return this.#deps.log("too many signals at once");
    this.#waiting++;
    const before = direction === "#opening" ? this.#opening : this.#signing;
    const after = before.then(run)
      .catch((error) => this.#deps.log(`a signal failed: ${error}`))
      .finally(() => this.#waiting--);
    if (direction === "#opening") this.#opening = after;
    else this.#signing = after;
  }
}
