/**
 * Fake RTCPeerConnections: in process, in virtual time, with the real signaling states and one rule
 * of ICE: two ends connect when each has the other's description of the same generation, and one candidate.
 *
 * `network.down` cuts all paths, `cut` those of one connection, `network.latencyMs` is one way, `capacity` is what a
 * channel's buffer empties to.
 */
import type { IceCandidate } from "../../lib/protocol/peer/signal.ts";
import type {
  LinkPath,
  OpenPeerConnection,
  PeerConnection,
  PeerConnectionEvents,
} from "../../lib/transport/peer_connection.ts";
import { FILES_HIGH_WATERMARK_BYTES, FILES_LOW_WATERMARK_BYTES } from "../../lib/transport/peer_connection.ts";
import type { VirtualTime } from "../support/virtual_time.ts";

/** The state shared by all fake connections. */
export class FakeNetwork {
  readonly time: VirtualTime;
  readonly connections: FakePeerConnection[] = [];
  /** No frame arrives. */
  down = false;
  latencyMs = 5;
  /** Bytes stay in the channels until `drain`. */
  clogged = false;
  /** Bandwidth of the channel for files, bytes per ms. */
  fileBytesPerMs = 4_096;

  constructor(time: VirtualTime) {
    this.time = time;
  }

  readonly open: OpenPeerConnection = (events) => {
    const connection = new FakePeerConnection(this, events, this.connections.length + 1);
    this.connections.push(connection);
    return connection;
  };
}

interface Description {
  id: number;
  generation: number;
  type: "offer" | "answer";
  /** Candidates found by then. */
  candidates: string[];
}

const write = (description: Description) => JSON.stringify(description);
const read = (sdp: string): Description => JSON.parse(sdp);

export class FakePeerConnection implements PeerConnection {
  readonly id: number;
  readonly #network: FakeNetwork;
  readonly #events: PeerConnectionEvents;
  #local: Description | undefined;
  #remote: Description | undefined;
  #pending: Description | undefined;
  #generation = 0;
  #peer: FakePeerConnection | undefined;
  #gathered = 0;
  /** Own candidates of this generation. */
  readonly #found = new Set<string>();
  /** The peer's. */
  readonly #candidates = new Set<string>();
  #openedOnce = false;
  closed = false;
  /** Drops everything in both directions silently. */
  cut = false;
  bufferedBytes = 0;
  /** Bytes buffered in the channel for files, and when the last of them leaves. */
  fileBytes = 0;
  #filesSentAt = 0;
  /** Errors that a real connection would throw. */
  rollbacks = 0;

  constructor(network: FakeNetwork, events: PeerConnectionEvents, id: number) {
    this.#network = network;
    this.#events = events;
    this.id = id;
  }

  get offering(): boolean {
    return this.#pending !== undefined;
  }

  get described(): boolean {
    return this.#remote !== undefined;
  }

  async offer(iceRestart: boolean): Promise<string> {
    await this.#turn();
    if (iceRestart || this.#generation === 0) this.#generation++;
    this.#pending = { id: this.id, generation: this.#generation, type: "offer", candidates: [] };
    this.#gather();
    return this.ownSdp()!;
  }

  ownSdp(): string | undefined {
    const own = this.#pending ?? this.#local;
    return own && write({ ...own, candidates: [...this.#found] });
  }

  async answer(offer: string): Promise<string> {
    await this.#turn();
    const remote = read(offer);
    if (remote.type !== "offer") throw new Error("InvalidStateError: an answer is no offer");
    if (this.#pending !== undefined) {
      this.rollbacks++;
      this.#pending = undefined;
    }
    const restarts = remote.id !== this.#remote?.id || remote.generation !== this.#remote.generation;
    this.#setRemote(remote);
    if (restarts) this.#generation++;
    this.#local = { id: this.id, generation: this.#generation, type: "answer", candidates: [] };
    this.#gather();
    this.#tryConnect();
    return this.ownSdp()!;
  }

  async accept(answer: string): Promise<void> {
    await this.#turn();
    const remote = read(answer);
    if (this.#pending === undefined || remote.type !== "answer") throw new Error("InvalidStateError: no offer waits");
    this.#local = this.#pending;
    this.#pending = undefined;
    this.#setRemote(remote);
    this.#tryConnect();
  }

  async addCandidate({ candidate, ufrag }: IceCandidate): Promise<void> {
    await this.#turn();
    if (this.#remote === undefined) throw new Error("InvalidStateError: no remote description");
    if (ufrag !== String(this.#remote.generation)) throw new Error("OperationError: another generation");
    this.#candidates.add(candidate);
    this.#tryConnect();
  }

  send(text: string): boolean {
    if (this.closed || this.#peer === undefined) return false;
    const peer = this.#peer;
    this.bufferedBytes += text.length;
    const sentAt = this.#generation;
    this.#network.time.after(this.#network.latencyMs, () => {
      if (this.#network.clogged) return;
      this.bufferedBytes -= text.length;
      // A real connection resends data in flight over the next path; this fake loses it, which is worse.
      if (!this.#network.down && !this.cut && !peer.cut && !peer.closed && sentAt > 0) peer.#events.received(text);
    });
    return true;
  }

  sendFile(frame: Uint8Array<ArrayBuffer>): boolean {
    if (this.closed || this.#peer === undefined || this.fileBytes >= FILES_HIGH_WATERMARK_BYTES) return false;
    const peer = this.#peer, network = this.#network, now = network.time.now(), bytes = frame.slice();
    this.fileBytes += bytes.length;
    this.#filesSentAt = Math.max(now, this.#filesSentAt) + bytes.length / network.fileBytesPerMs;
    network.time.after(this.#filesSentAt - now, () => {
      const before = this.fileBytes;
      this.fileBytes -= bytes.length;
      const low = before > FILES_LOW_WATERMARK_BYTES && this.fileBytes <= FILES_LOW_WATERMARK_BYTES;
      if (low && !this.closed) this.#events.filesDrained();
      network.time.after(network.latencyMs, () => {
        if (!network.down && !this.cut && !peer.cut && !peer.closed) peer.#events.fileReceived(bytes.buffer);
      });
    });
    return true;
  }

  /** Empties a clogged channel. */
  drain(): void {
    this.bufferedBytes = 0;
  }

  /** Injects data that no link would send. */
  inject(data: unknown): void {
    this.#events.received(data);
  }

  fail(): void {
    this.#events.connection("failed");
  }

  path(): Promise<LinkPath | undefined> {
    return Promise.resolve(this.#peer && { local: "host", remote: "srflx", relayed: false });
  }

  close(): void {
    this.closed = true;
  }

  #turn(): Promise<void> {
    if (this.closed) throw new Error("InvalidStateError: closed");
    return Promise.resolve();
  }

  #setRemote(remote: Description): void {
    if (remote.generation !== this.#remote?.generation || remote.id !== this.#remote.id) this.#candidates.clear();
    for (const candidate of remote.candidates) this.#candidates.add(candidate);
    this.#remote = remote;
  }

  #gather(): void {
    if (this.#generation === this.#gathered) return;
    this.#gathered = this.#generation;
    this.#found.clear();
    const ufrag = String(this.#generation);
    for (const number of [1, 2, 3]) {
      this.#network.time.after(number, () => {
        if (this.closed) return;
        if (ufrag !== String(this.#generation)) return;
        this.#found.add(`candidate ${this.id} ${number}`);
        this.#events.candidate({ candidate: `candidate ${this.id} ${number}`, mid: "0", line: 0, ufrag });
      });
    }
    this.#network.time.after(4, () => this.closed || this.#events.candidate(undefined));
  }

  #tryConnect(): void {
    const peer = this.#network.connections.find(({ id }) => id === this.#remote?.id);
    if (peer === undefined || this.#network.down || this.closed || peer.closed || this.cut || peer.cut) return;
    const agreed = peer.#remote?.id === this.id && peer.#remote.generation === this.#local?.generation &&
      this.#remote?.generation === peer.#local?.generation;
    if (!agreed || this.#candidates.size + peer.#candidates.size === 0) return;
    for (const [one, other] of [[this, peer], [peer, this]] as const) {
      one.#peer = other;
      if (one.#openedOnce) continue;
      one.#openedOnce = true;
      this.#network.time.after(this.#network.latencyMs, () => {
        if (one.closed) return;
        one.#events.opened();
        one.#events.filesDrained();
      });
    }
  }
}
