/**
 * Links two phones without a server: each shows its pairing code and scans the other's. Codes name no person. Once the
 * channel is open, each side proves its identity with a signature that covers both fingerprints, so that the proof is
 * valid on this connection only.
 *
 *   preparing → showing → linking → paired               every state may end in failed
 */
import type { Signer, Verifier } from "../crypto/signing.ts";
import { toBase64Url } from "../shared/base64url.ts";
import type { Random, Timers } from "../shared/environment.ts";
import type { AuthorKey, RoomId } from "../protocol/event.ts";
import {
  amount,
  base64url,
  id,
  key,
  object,
  oneOf,
  optional,
  parseJson,
  readOr,
  signature,
  text,
  tuple,
} from "../protocol/fields.ts";
import { type RoomInfo, roomInfo } from "../protocol/frames.ts";
import type { PairingCode } from "../protocol/peer/pairing_code.ts";
import type { LinkSessionId } from "../protocol/peer/signal.ts";
import { pairingAnswer, pairingOf } from "./pairing_sdp.ts";
import type { OpenPeerConnection, PeerConnection, PeerConnectionEvents } from "./peer_connection.ts";

/** A phone that proved its identity, and the connection to it. */
export interface PairedPeer {
  peer: AuthorKey;
  /** The link sessions of both sides. */
  session: LinkSessionId;
  peerSession: LinkSessionId;
  /** The peer's room information, not verified. */
  info: RoomInfo | undefined;
  /** The highest Lamport clock the peer has seen in the room. */
  clock: number;
  /** Hands over the open connection, once, together with frames that arrived meanwhile. */
  open: OpenPeerConnection;
}

export type PairingState =
  | { state: "preparing" }
  | { state: "showing"; mine: PairingCode }
  | { state: "linking"; mine: PairingCode; theirs: PairingCode }
  | { state: "paired"; peer: PairedPeer }
  /**
   * `unavailable`: the browser made no connection. `no_path`: no path was found. `unproven`: the peer's proof is
   * invalid.
   */
  | { state: "failed"; reason: "unavailable" | "no_path" | "unproven"; mine?: PairingCode; theirs?: PairingCode };

interface PairingDeps {
  room: RoomId;
  /** Sealed rooms only. */
  secret: string | undefined;
  signer: Signer;
  verifier: Verifier;
  timers: Timers;
  random: Pick<Random, "bytes">;
  /** Opens connections without ICE servers, because there may be no internet. */
  open: OpenPeerConnection;
  /** This phone's room information, and the highest Lamport clock it has seen in the room. */
  info(): RoomInfo | undefined;
  clockSeen(): number;
  onState(state: PairingState): void;
  log?(line: string): void;
}

/** Longest time for gathering ICE candidates. Those of the local network are found at once. */
export const PAIRING_GATHER_MS = 1_500;
/** Frames that a peer may send before its proof is verified. More of them end the pairing. */
const EARLY_MAX = 64;
/** Type character of the proof frame. No link frame uses it. */
const PROOF_TYPE = "p";

export class Pairing {
  readonly #deps: PairingDeps;
  readonly #session: LinkSessionId;
  #state: PairingState = { state: "preparing" };
  #connection: PeerConnection | undefined;
  #offer = "";
  #gathered = () => {};
  /** A code that was scanned before the own one was ready. */
  #scanned: PairingCode | undefined;
  /** Resolves when the own proof was sent. No other frame may precede it. */
  #proved: Promise<void> = Promise.resolve();
  /** The peer's first frame arrived. */
  #proving = false;
  #early: unknown[] = [];
  readonly #earlyFiles: unknown[] = [];
  /** Receives the events of the connection after the pairing. */
  #successor: PeerConnectionEvents | undefined;

  constructor(deps: PairingDeps) {
    this.#deps = deps;
    this.#session = toBase64Url(deps.random.bytes(16));
    this.#prepare().catch((error) => {
      deps.log?.(`pairing: ${error}`);
      this.#fail("unavailable");
    });
  }

  get state(): PairingState {
    return this.#state;
  }

  /** Takes the other phone's code. Ignores this phone's own code (`own`) and one of another room (`other_room`). */
  scan(code: PairingCode): "taken" | "own" | "other_room" {
    if (code.room !== this.#deps.room || code.secret !== this.#deps.secret) return "other_room";
    if (this.#state.state === "preparing") this.#scanned = code;
    if (this.#state.state !== "showing") return "taken";
    const { mine } = this.#state;
    if (code.fingerprint === mine.fingerprint) return "own";
    this.#become({ state: "linking", mine, theirs: code });
    this.#connection?.accept(pairingAnswer(code, this.#offer)).catch((error) => {
      this.#deps.log?.(`pairing: ${error}`);
      this.#fail("no_path");
    });
    return "taken";
  }

  /** Ends the pairing; a connection that was handed over stays open. */
  close(): void {
    if (this.#state.state === "paired") return;
    this.#connection?.close();
    this.#state = { state: "failed", reason: "no_path" };
  }

  async #prepare(): Promise<void> {
    const { open, timers, room, secret } = this.#deps;
    const gathered = new Promise<void>((resolve) => this.#gathered = resolve);
    const connection = this.#connection = open({
      candidate: (candidate) => this.#successor ? this.#successor.candidate(candidate) : candidate ?? this.#gathered(),
      connection: (state) =>
        this.#successor ? this.#successor.connection(state) : state === "failed" && this.#fail("no_path"),
      opened: () => this.#successor ? this.#successor.opened() : this.#proved = this.#prove(),
      received: (data) => this.#successor ? this.#successor.received(data) : this.#received(data),
      fileReceived: (data) => this.#successor ? this.#successor.fileReceived(data) : this.#fileReceived(data),
      filesDrained: () => this.#successor?.filesDrained(),
      closed: () => this.#successor ? this.#successor.closed() : this.#fail("no_path"),
    });
    await connection.offer(false);
    const cancel = timers.after(PAIRING_GATHER_MS, this.#gathered);
    await gathered;
    cancel();
    this.#offer = connection.ownSdp() ?? "";
    const found = pairingOf(this.#offer);
    if (this.#state.state !== "preparing") return;
    if (found === undefined) throw new TypeError("the browser's description is incomplete");
    this.#become({ state: "showing", mine: { room, ...(secret !== undefined && { secret }), ...found } });
    if (this.#scanned !== undefined) this.scan(this.#scanned);
  }

  /** Sends the own proof over the open channel. */
  async #prove(): Promise<void> {
    if (this.#state.state !== "linking") return;
    const { room, signer, info, clockSeen } = this.#deps;
    const { mine, theirs } = this.#state;
    // No other signed text begins with `pairing`, so this signature cannot be used for anything else.
    const payload = JSON.stringify({
      pairing: 1,
      room,
      author: signer.author,
      session: this.#session,
      mine: mine.fingerprint,
      yours: theirs.fingerprint,
      clock: clockSeen(),
      info: info(),
    });
    this.#connection?.send(PROOF_TYPE + JSON.stringify([payload, await signer.sign(payload)]));
  }

  #received(data: unknown): void {
    if (this.#proving) {
      if (this.#early.push(data) > EARLY_MAX) this.#fail("unproven");
      return;
    }
    this.#proving = true;
    this.#check(data).catch((error) => {
      this.#deps.log?.(`pairing: ${error}`);
      this.#fail("unproven");
    });
  }

  /** Drops file frames beyond the limit: the peer asks again later. */
  #fileReceived(data: unknown): void {
    if (this.#earlyFiles.length < EARLY_MAX) this.#earlyFiles.push(data);
  }

  async #check(data: unknown): Promise<void> {
    if (this.#state.state !== "linking") return;
    const { mine, theirs } = this.#state;
    const proof = readProof(data);
    if (
      proof === undefined || proof.room !== this.#deps.room || proof.author === this.#deps.signer.author ||
      proof.mine !== theirs.fingerprint || proof.yours !== mine.fingerprint ||
      !await this.#deps.verifier.verify(proof.author, proof.payload, proof.signature)
    ) return this.#fail("unproven");
    await this.#proved;
    if (this.#state.state !== "linking") return;
    const { author: peer, session: peerSession, info, clock } = proof;
    this.#become({
      state: "paired",
      peer: { peer, session: this.#session, peerSession, info, clock, open: (events) => this.#handOver(events) },
    });
  }

  #handOver(events: PeerConnectionEvents): PeerConnection {
    this.#successor = events;
    const early = this.#early.splice(0);
    // No event comes before `open` returns.
    queueMicrotask(() => {
      events.opened();
      for (const data of early) events.received(data);
      for (const data of this.#earlyFiles.splice(0)) events.fileReceived(data);
    });
    return this.#connection!;
  }

  #fail(reason: Extract<PairingState, { state: "failed" }>["reason"]): void {
    const before = this.#state;
    if (before.state === "failed" || before.state === "paired") return;
    this.#connection?.close();
    const mine = "mine" in before ? before.mine : undefined, theirs = "theirs" in before ? before.theirs : undefined;
    this.#become({ state: "failed", reason, ...(mine && { mine }), ...(theirs && { theirs }) });
  }

  /** The only place that changes the state. */
  #become(state: PairingState): void {
    this.#state = state;
    this.#deps.onState(state);
  }
}

const signedProof = tuple<[payload: string, signature: string]>(text(), signature);
const proofFields = object({
  pairing: oneOf(1),
  room: id,
  author: key,
  session: id,
  mine: base64url(32),
  yours: base64url(32),
  clock: amount,
  info: optional(roomInfo),
});

/** Decodes a proof frame. Its signature is not verified here. */
function readProof(data: unknown) {
  if (typeof data !== "string" || !data.startsWith(PROOF_TYPE)) return undefined;
  const signed = readOr(signedProof, parseJson(data.slice(PROOF_TYPE.length)));
  if (signed === undefined) return undefined;
  const [payload, signature] = signed;
  const fields = readOr(proofFields, parseJson(payload));
  return fields && { ...fields, payload, signature };
}
