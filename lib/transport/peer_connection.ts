/** The part of RTCPeerConnection (W3C WebRTC 1.0) that links use, and its browser implementation. */
import type { IceCandidate } from "../protocol/peer/signal.ts";

/** Events of a peer connection. */
export interface PeerConnectionEvents {
  /** An ICE candidate was found; undefined: gathering is complete. */
  candidate(candidate: IceCandidate | undefined): void;
  connection(state: RTCIceConnectionState): void;
  /** The channel for texts is open in both directions. */
  opened(): void;
  received(data: unknown): void;
  /** The channel was closed by the peer or the network. */
  closed(): void;
  /** A frame arrived on the channel for files. */
  fileReceived(data: unknown): void;
  /** The channel for files opened, or accepts frames again. */
  filesDrained(): void;
}

/**
 * One connection with two negotiated data channels: one for texts and one for files, so that no text waits for a file.
 */
export interface PeerConnection {
  /** An own offer waits for its answer. */
  readonly offering: boolean;
  /** The peer's description is set, so its candidates can be added. */
  readonly described: boolean;
  /** Bytes buffered in the channel for texts. */
  readonly bufferedBytes: number;
  /** Makes an offer, sets it, and returns its SDP. */
  offer(iceRestart: boolean): Promise<string>;
  /** The current own description, with the candidates found so far. */
  ownSdp(): string | undefined;
  /** Sets the peer's offer, rolling back an own open one, and returns the SDP of the answer. */
  answer(offer: string): Promise<string>;
  /** Sets the peer's answer to the own offer. */
  accept(answer: string): Promise<void>;
  addCandidate(candidate: IceCandidate): Promise<void>;
  /** Returns false if the channel rejected the text. */
  send(text: string): boolean;
  /**
   * Sends a frame on the channel for files. Returns false if it is not open or FILES_HIGH_WATERMARK_BYTES are buffered.
   */
  sendFile(frame: Uint8Array<ArrayBuffer>): boolean;
  /** The path in use; undefined if unknown. */
  path(): Promise<LinkPath | undefined>;
  /** Closes the connection. No event follows. */
  close(): void;
}

/** The candidate types of both ends of the path in use (RFC 8445 section 5.1.1). */
export interface LinkPath {
  local: RTCIceCandidateType;
  remote: RTCIceCandidateType;
  /** Whether a TURN server relays it. */
  relayed: boolean;
}

/** Opens a connection. No event occurs before it returns. */
export type OpenPeerConnection = (events: PeerConnectionEvents) => PeerConnection;

/** Buffered bytes above which a link accepts no texts. */
export const LINK_HIGH_WATERMARK_BYTES = 262_144;
/**
 * Buffered bytes above which the channel for files accepts nothing, and to which they fall before it does again: enough
 * to keep a fast network busy, and little for a slow one to send after a stop.
 */
export const FILES_LOW_WATERMARK_BYTES = 131_072;
export const FILES_HIGH_WATERMARK_BYTES = 524_288;

/** Opens browser connections; `make` is `(configuration) => new RTCPeerConnection(configuration)`. */
export function browserPeerConnections(
  make: (configuration: RTCConfiguration) => RTCPeerConnection,
  ice: () => Pick<RTCConfiguration, "iceServers">,
): OpenPeerConnection {
  return (events) => {
    const configuration: RTCConfiguration = { ...ice(), bundlePolicy: "max-bundle" };
    return new BrowserPeerConnection(() => make(configuration), events);
  };
}

class BrowserPeerConnection implements PeerConnection {
  readonly #make: () => RTCPeerConnection;
  readonly #events: PeerConnectionEvents;
  #connection: RTCPeerConnection;
  #channel: RTCDataChannel;
  #files: RTCDataChannel;

  constructor(make: () => RTCPeerConnection, events: PeerConnectionEvents) {
    this.#make = make;
    this.#events = events;
    [this.#connection, this.#channel, this.#files] = this.#open();
  }

  #open(): [RTCPeerConnection, RTCDataChannel, RTCDataChannel] {
    const events = this.#events;
    const connection = this.#make();
    // Both sides create the channels (`negotiated`), so that glare cannot affect them.
    const channel = connection.createDataChannel("link", { negotiated: true, id: 0 });
    const files = connection.createDataChannel("files", { negotiated: true, id: 1 });
    files.binaryType = "arraybuffer";
    files.bufferedAmountLowThreshold = FILES_LOW_WATERMARK_BYTES;
    connection.onicecandidate = ({ candidate }) => {
      // An empty candidate ends a generation (RFC 8838 section 13) and carries no address.
      if (candidate?.candidate === "") return;
      events.candidate(
        candidate === null ? undefined : {
          candidate: candidate.candidate,
          mid: candidate.sdpMid,
          line: candidate.sdpMLineIndex,
          ufrag: candidate.usernameFragment,
        },
      );
    };
    // Not the connection's own state, which Firefox tells from 113 on: ICE's is the one that comes and goes.
    connection.oniceconnectionstatechange = () => events.connection(connection.iceConnectionState);
    channel.onopen = () => events.opened();
    channel.onmessage = ({ data }) => events.received(data);
    channel.onclose = () => events.closed();
    files.onmessage = ({ data }) => events.fileReceived(data);
    files.onopen = files.onbufferedamountlow = () => events.filesDrained();
    return [connection, channel, files];
  }

  get offering(): boolean {
    return this.#connection.signalingState === "have-local-offer";
  }

  get described(): boolean {
    return this.#connection.remoteDescription !== null;
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedAmount;
  }

  async offer(iceRestart: boolean): Promise<string> {
    await this.#connection.setLocalDescription(await this.#connection.createOffer({ iceRestart }));
    return this.ownSdp() ?? "";
  }

  ownSdp(): string | undefined {
    return this.#connection.localDescription?.sdp;
  }

  async answer(offer: string): Promise<string> {
    // Rolling back a first offer can leave Chromium 156 without candidates forever, so the connection is recreated.
    if (this.offering && !this.described) {
      this.close();
      [this.#connection, this.#channel, this.#files] = this.#open();
    }
    await this.#connection.setRemoteDescription({ type: "offer", sdp: offer });
    await this.#connection.setLocalDescription(await this.#connection.createAnswer());
    return this.ownSdp() ?? "";
  }

  accept(answer: string): Promise<void> {
    return this.#connection.setRemoteDescription({ type: "answer", sdp: answer });
  }

  addCandidate({ candidate, mid, line, ufrag }: IceCandidate): Promise<void> {
    return this.#connection.addIceCandidate({ candidate, sdpMid: mid, sdpMLineIndex: line, usernameFragment: ufrag });
  }

  send(text: string): boolean {
    return sendOn(this.#channel, (channel) => channel.send(text));
  }

  sendFile(frame: Uint8Array<ArrayBuffer>): boolean {
    return this.#files.bufferedAmount < FILES_HIGH_WATERMARK_BYTES &&
      sendOn(this.#files, (channel) => channel.send(frame));
  }

  async path(): Promise<LinkPath | undefined> {
    const stats = new Map<string, Record<string, unknown>>();
    (await this.#connection.getStats()).forEach((entry: Record<string, unknown>, id: string) => stats.set(id, entry));
    for (const transport of stats.values()) {
      if (transport.type !== "transport") continue;
      const pair = stats.get(String(transport.selectedCandidatePairId));
      const local = candidateType(stats.get(String(pair?.localCandidateId)));
      const remote = candidateType(stats.get(String(pair?.remoteCandidateId)));
      if (local !== undefined && remote !== undefined) {
        return { local, remote, relayed: local === "relay" || remote === "relay" };
      }
    }
  }

  close(): void {
    this.#connection.onicecandidate = this.#connection.oniceconnectionstatechange = null;
    for (const channel of [this.#channel, this.#files]) {
      channel.onopen =
        channel.onmessage =
        channel.onbufferedamountlow =
        channel.onclose =
          null;
    }
    this.#connection.close();
  }
}

/** Returns false if nothing was sent. */
function sendOn(channel: RTCDataChannel, send: (channel: RTCDataChannel) => void): boolean {
  if (channel.readyState !== "open") return false;
  try {
    send(channel);
    return true;
  } catch {
    return false; // Its buffer is full, or it is closing.
  }
}

const CANDIDATE_TYPES: readonly RTCIceCandidateType[] = ["host", "srflx", "prflx", "relay"];

function candidateType(stats: Record<string, unknown> | undefined): RTCIceCandidateType | undefined {
  return CANDIDATE_TYPES.find((type) => type === stats?.candidateType);
}
