/**
 * Perfect negotiation (W3C WebRTC 1.0, section 10.7) of one connection: offers, answers and candidates, over signals that
 * may be lost or late. When both sides offer at once, the polite one gives up its own offer; the other one ignores the
 * offer that came. Steps run one after another, so no offer is half made when another one comes.
 */
import { SIGNAL_CANDIDATES_MAX } from "../protocol/limits.ts";
import type { IceCandidate, SignalContent } from "../protocol/peer/signal.ts";
import type { PeerConnection } from "./peer_connection.ts";

export interface NegotiationDeps {
  polite: boolean;
  connection: PeerConnection;
  timers: { after(delayMs: number, run: () => void): () => void };
  /** Links this page has, to be told in offers. */
  linkCount(): number;
  /** Sends a signal, and returns its number. It may get lost. */
  send(content: SignalContent): number;
  log(line: string): void;
}

/** Candidates found within this time go in one signal. */
export const CANDIDATE_BATCH_MS = 15;
/**
 * An offer is made again after this, then after half as long again each time, until the link is connected: its answer may
 * be lost, or all candidates. By then the descriptions hold the candidates, too.
 */
export const OFFER_AGAIN_MS = 1_000;
const OFFER_AGAIN_GROWTH = 1.5;
/** From this wait on, an offer that was answered in vain begins ICE anew. */
const NEW_PATH_AFTER_MS = 2 * OFFER_AGAIN_MS;
/** Candidates that wait for the peer's description, and steps that wait for the one before. More are dropped. */
const WAITING_MAX = 64;

export class Negotiation {
  readonly #deps: NegotiationDeps;
  /** Numbers of the signals that carried the offer that waits. */
  #offers: number[] = [];
  #steps: Promise<unknown> = Promise.resolve();
  #stepsWaiting = 0;
  /** Our candidates that the peer was not told of. */
  #found: IceCandidate[] = [];
  /** A description of ours is out: our candidates mean something to the peer. */
  #introduced = false;
  /** The peer's candidates that came before its description. */
  #early: IceCandidate[] = [];
  /** Number of the peer's newest offer or answer. */
  #describedBy = 0;
  #cancelBatch: (() => void) | undefined;
  #cancelOfferAgain = () => {};
  #againMs = OFFER_AGAIN_MS;
  #ended = false;

  constructor(deps: NegotiationDeps) {
    this.#deps = deps;
  }

  /** Offers; with `iceRestart`, on a new path. */
  offer(iceRestart: boolean): void {
    this.#step(async () => {
      const { connection } = this.#deps;
      // One that waits for its answer says it all, unless there is another network.
      if (connection.offering && !iceRestart) return;
      const sdp = await connection.offer(iceRestart);
      this.#offers = [];
      this.#sendOffer(sdp);
      this.#introduced = true;
    });
  }

  /** Texts go both ways: nothing has to be said again. */
  connected(): void {
    this.#cancelOfferAgain();
    this.#againMs = OFFER_AGAIN_MS;
  }

  /** The peer's signal with the number `seq`, each only once. */
  receive(content: Exclude<SignalContent, { kind: "goodbye" }>, seq: number): void {
    const { connection } = this.#deps;
    if (content.kind !== "candidates") {
      // An offer that its sender gave up before it sent what is known already.
      if (seq < this.#describedBy) return;
      this.#describedBy = seq;
    }
    switch (content.kind) {
      case "offer":
        return this.#step(() => this.#answer(content.sdp, seq));
      case "answer":
        return this.#step(async () => {
          if (!connection.offering || !this.#offers.includes(content.offer)) return;
          await connection.accept(content.sdp);
          await this.#addEarly();
        });
      case "candidates":
        return this.#step(async () => {
          this.#early = [...this.#early, ...content.candidates].slice(-WAITING_MAX);
          if (connection.described) await this.#addEarly();
        });
    }
  }

  /** The connection found a candidate; undefined: these were all. */
  found(candidate: IceCandidate | undefined): void {
    if (candidate !== undefined) this.#found.push(candidate);
    if (candidate === undefined) this.#sendFound();
    else this.#cancelBatch ??= this.#deps.timers.after(CANDIDATE_BATCH_MS, () => this.#sendFound());
  }

  /** Nothing happens any more. */
  end(): void {
    this.#ended = true;
    this.#cancelBatch?.();
    this.#cancelOfferAgain();
  }

  async #answer(sdp: string, offer: number): Promise<void> {
    const { connection, polite, send } = this.#deps;
    if (connection.offering && !polite) return;
    this.#cancelOfferAgain();
    const answer = await connection.answer(sdp);
    send({ kind: "answer", sdp: answer, offer });
    this.#introduced = true;
    await this.#addEarly();
  }

  async #addEarly(): Promise<void> {
    const { connection, log } = this.#deps;
    for (const candidate of this.#early.splice(0)) {
      // Of an offer that was given up, or of a time before a restart: not a way any more.
      await connection.addCandidate(candidate).catch((error) => log(`a candidate was not taken: ${error}`));
    }
  }

  #sendOffer(sdp: string): void {
    const { connection, send, timers } = this.#deps;
    this.#offers.push(send({ kind: "offer", sdp, links: this.#deps.linkCount() }));
    this.#cancelOfferAgain();
    this.#cancelOfferAgain = timers.after(this.#againMs, () => {
      this.#againMs *= OFFER_AGAIN_GROWTH;
      const sdp = connection.offering ? connection.ownSdp() : undefined;
      // Answered, and still no path: names and addresses of the first moment may have been of no use. New ones, then.
      if (sdp === undefined) this.offer(this.#againMs > NEW_PATH_AFTER_MS);
      else this.#sendOffer(sdp);
    });
  }

  #sendFound(): void {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    if (this.#found.length === 0) return;
    if (!this.#introduced) {
      this.#cancelBatch = this.#deps.timers.after(CANDIDATE_BATCH_MS, () => this.#sendFound());
      return;
    }
    while (this.#found.length > 0) {
      this.#deps.send({ kind: "candidates", candidates: this.#found.splice(0, SIGNAL_CANDIDATES_MAX) });
    }
  }

  /** Runs after what was begun before. A step that fails changes nothing: the peer says it again, or time is up. */
  #step(run: () => Promise<void>): void {
    if (this.#ended || this.#stepsWaiting >= WAITING_MAX) return;
    this.#stepsWaiting++;
    this.#steps = this.#steps.then(() => {
      this.#stepsWaiting--;
      return this.#ended ? undefined : run();
    }).catch((error) => this.#ended || this.#deps.log(`a step to a link failed: ${error}`));
  }
}
