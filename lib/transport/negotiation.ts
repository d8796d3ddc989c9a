/**
 * Perfect negotiation (W3C WebRTC 1.0, section 10.7) of one connection: offers, answers and candidates over signals
 * that may be lost or late. When both sides offer at once, the polite one rolls back its own offer and the other one
 * ignores the peer's. Steps run one after another, so that no offer arrives while another one is being made.
 */
import { SIGNAL_CANDIDATES_MAX } from "../protocol/limits.ts";
import type { Timers } from "../shared/environment.ts";
import type { IceCandidate, SignalContent } from "../protocol/peer/signal.ts";
import type { PeerConnection } from "./peer_connection.ts";

interface NegotiationDeps {
  polite: boolean;
  connection: PeerConnection;
  timers: Timers;
  /** This page's link count, which offers carry. */
  linkCount(): number;
  /** Sends a signal, which may get lost, and returns its number. */
  send(content: SignalContent): number;
  log(line: string): void;
}

/** Candidates found within this time are sent in one signal. */
const CANDIDATE_BATCH_MS = 15;
/**
 * First retry of an offer; each further one waits 1.5 times as long, until the link is connected. The answer or all
 * candidates may have been lost. By then the description contains the candidates too.
 */
export const OFFER_RETRY_MS = 1_000;
const OFFER_RETRY_FACTOR = 1.5;
/** From this retry delay on, an offer that was answered without a connection restarts ICE. */
const ICE_RESTART_AFTER_MS = 2 * OFFER_RETRY_MS;
/** Candidates waiting for the peer's description, and steps waiting for earlier ones. Further ones are dropped. */
const WAITING_MAX = 64;

export class Negotiation {
  readonly #deps: NegotiationDeps;
  /** Numbers of the signals that carried the open offer. */
  #offers: number[] = [];
  #steps: Promise<unknown> = Promise.resolve();
  #stepsWaiting = 0;
  /** Own candidates that were not sent yet. */
  #unsent: IceCandidate[] = [];
  /** An own description was sent, so the peer can use own candidates. */
  #descriptionSent = false;
  /** The peer's candidates that arrived before its description. */
  #earlyCandidates: IceCandidate[] = [];
  /** Number of the peer's newest offer or answer. */
  #describedBy = 0;
  #cancelBatch: (() => void) | undefined;
  #cancelOfferRetry = () => {};
  #retryMs = OFFER_RETRY_MS;
  #ended = false;

  constructor(deps: NegotiationDeps) {
    this.#deps = deps;
  }

  /** Makes and sends an offer; with `iceRestart`, for a new path. */
  offer(iceRestart: boolean): void {
    this.#step(async () => {
      const { connection } = this.#deps;
      // An open offer is enough, unless the network changed.
      if (connection.offering && !iceRestart) return;
      const sdp = await connection.offer(iceRestart);
      this.#offers = [];
      this.#sendOffer(sdp);
      this.#descriptionSent = true;
    });
  }

  /** The link works in both directions: stops the retries. */
  connected(): void {
    this.#cancelOfferRetry();
    this.#retryMs = OFFER_RETRY_MS;
  }

  /** Takes the peer's signal with the number `seq`, each only once. */
  receive(content: Exclude<SignalContent, { kind: "goodbye" }>, seq: number): void {
    const { connection } = this.#deps;
    if (content.kind !== "candidates") {
      // Its sender rolled this offer back before it sent the newer description.
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
          await this.#addEarlyCandidates();
        });
      case "candidates":
        return this.#step(async () => {
          this.#earlyCandidates = [...this.#earlyCandidates, ...content.candidates].slice(-WAITING_MAX);
          if (connection.described) await this.#addEarlyCandidates();
        });
    }
  }

  /** Takes a candidate of the own connection; undefined: gathering is complete. */
  found(candidate: IceCandidate | undefined): void {
    if (candidate !== undefined) this.#unsent.push(candidate);
    if (candidate === undefined) this.#sendCandidates();
    else this.#cancelBatch ??= this.#deps.timers.after(CANDIDATE_BATCH_MS, () => this.#sendCandidates());
  }

  /** Stops all timers and ignores pending steps. */
  end(): void {
    this.#ended = true;
    this.#cancelBatch?.();
    this.#cancelOfferRetry();
  }

  async #answer(sdp: string, offer: number): Promise<void> {
    const { connection, polite, send } = this.#deps;
    if (connection.offering && !polite) return;
    this.#cancelOfferRetry();
    const answer = await connection.answer(sdp);
    send({ kind: "answer", sdp: answer, offer });
    this.#descriptionSent = true;
    await this.#addEarlyCandidates();
  }

  async #addEarlyCandidates(): Promise<void> {
    const { connection, log } = this.#deps;
    for (const candidate of this.#earlyCandidates.splice(0)) {
      // Candidates of a rolled back offer, or from before an ICE restart, are of no use.
      await connection.addCandidate(candidate).catch((error) => log(`a candidate was rejected: ${error}`));
    }
  }

  #sendOffer(sdp: string): void {
    const { connection, send, timers } = this.#deps;
    this.#offers.push(send({ kind: "offer", sdp, links: this.#deps.linkCount() }));
    this.#cancelOfferRetry();
    this.#cancelOfferRetry = timers.after(this.#retryMs, () => {
      this.#retryMs *= OFFER_RETRY_FACTOR;
      const sdp = connection.offering ? connection.ownSdp() : undefined;
      // Answered and still no path: the first candidates may have been unusable, so new ones are gathered.
      if (sdp === undefined) this.offer(this.#retryMs > ICE_RESTART_AFTER_MS);
      else this.#sendOffer(sdp);
    });
  }

  #sendCandidates(): void {
    this.#cancelBatch?.();
    this.#cancelBatch = undefined;
    if (this.#unsent.length === 0) return;
    if (!this.#descriptionSent) {
      this.#cancelBatch = this.#deps.timers.after(CANDIDATE_BATCH_MS, () => this.#sendCandidates());
      return;
    }
    while (this.#unsent.length > 0) {
      this.#deps.send({ kind: "candidates", candidates: this.#unsent.splice(0, SIGNAL_CANDIDATES_MAX) });
    }
  }

  /** Runs a step after the earlier ones. A failed step changes nothing: the peer retries, or the setup times out. */
  #step(run: () => Promise<void>): void {
    if (this.#ended || this.#stepsWaiting >= WAITING_MAX) return;
    this.#stepsWaiting++;
    this.#steps = this.#steps.then(() => {
      this.#stepsWaiting--;
      return this.#ended ? undefined : run();
    }).catch((error) => this.#ended || this.#deps.log(`a negotiation step failed: ${error}`));
  }
}
