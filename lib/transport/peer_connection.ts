/** What a link needs of the browser's RTCPeerConnection (W3C WebRTC 1.0), and the real one behind it. */
import type { IceCandidate } from "../protocol/peer/signal.ts";

/** What a peer connection tells. */
export interface PeerConnectionEvents {
  /** A way to this device was found; undefined: these were all of this time. */
  candidate(candidate: IceCandidate | undefined): void;
  connection(state: RTCPeerConnectionState): void;
  /** The channel is open: texts go both ways. */
  opened(): void;
  received(data: unknown): void;
  /** What waits in the channel fell to LINK_LOW_WATERMARK_BYTES. */
  drained(): void;
  /** The channel is closed, not by us. */
  closed(): void;
  /** Something came over the channel for files. */
  fileReceived(data: unknown): void;
  /** The channel for files takes frames, again or for the first time. */
  filesDrained(): void;
}

/**
 * One connection with two data channels, whose description both sides negotiate: one for texts, and one for files, so that
 * no text waits for a file.
 */
export interface PeerConnection {
  /** An offer of ours waits for its answer. */
  readonly offering: boolean;
  /** The peer's description is set: its candidates can be added. */
  readonly described: boolean;
  /** Bytes that wait in the channel. */
  readonly bufferedBytes: number;
  /** Makes an offer, sets it, and returns its SDP. */
  offer(iceRestart: boolean): Promise<string>;
  /** Our own description as it is now, with the candidates found meanwhile. */
  ownSdp(): string | undefined;
  /** Sets the peer's offer, giving up one of ours that waits, and returns the SDP of our answer. */
  answer(offer: string): Promise<string>;
  /** Sets the peer's answer to our offer. */
  accept(answer: string): Promise<void>;
  addCandidate(candidate: IceCandidate): Promise<void>;
  /** False when the channel takes it not. */
  send(text: string): boolean;
  /** Puts a frame on the channel for files; false when it takes none now: FILES_HIGH_WATERMARK_BYTES wait, or it is not open. */
  sendFile(frame: Uint8Array<ArrayBuffer>): boolean;
  /** The way that is in use; undefined when none is known. */
  path(): Promise<LinkPath | undefined>;
  /** Ends it. No event comes afterwards. */
  close(): void;
}

/** The two ends of the way in use, as ICE names them (RFC 8445 section 5.1.1). */
export interface LinkPath {
  local: RTCIceCandidateType;
  remote: RTCIceCandidateType;
  /** Whether a TURN server carries it. */
  relayed: boolean;
}

/** Makes a connection. No event comes before it returns. */
export type OpenPeerConnection = (events: PeerConnectionEvents) => PeerConnection;

/** Bytes in a channel at which a link that was full takes texts again. */
export const LINK_LOW_WATERMARK_BYTES = 65_536;
/** Bytes in a channel from which on a link takes none. */
export const LINK_HIGH_WATERMARK_BYTES = 262_144;
/** As above, of the channel for files: enough for a fast network, and little that a slow one has to send before it may stop. */
export const FILES_LOW_WATERMARK_BYTES = 131_072;
export const FILES_HIGH_WATERMARK_BYTES = 524_288;

/** Connections of a browser; `make` is `(configuration) => new RTCPeerConnection(configuration)`. */
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
    // Both sides make it, so that no offer decides who does: there is nothing to be glared at.
    const channel = connection.createDataChannel("link", { negotiated: true, id: 0 });
    channel.bufferedAmountLowThreshold = LINK_LOW_WATERMARK_BYTES;
    const files = connection.createDataChannel("files", { negotiated: true, id: 1 });
    files.binaryType = "arraybuffer";
    files.bufferedAmountLowThreshold = FILES_LOW_WATERMARK_BYTES;
    connection.onicecandidate = ({ candidate }) => {
      // An empty text ends one generation (RFC 8838 section 13); there is nothing in it to be told.
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
    connection.onconnectionstatechange = () => events.connection(connection.connectionState);
    channel.onopen = () => events.opened();
    channel.onmessage = ({ data }) => events.received(data);
    channel.onbufferedamountlow = () => events.drained();
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
    // A rolled back first offer can leave Chromium 156 without candidates for good: such a connection is made anew.
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
    if (this.#channel.readyState !== "open") return false;
    try {
      this.#channel.send(text);
      return true;
    } catch {
      return false; // Its own buffer is full, or it closes at this moment: nothing was taken.
    }
  }

  sendFile(frame: Uint8Array<ArrayBuffer>): boolean {
    const files = this.#files;
    if (files.readyState !== "open" || files.bufferedAmount >= FILES_HIGH_WATERMARK_BYTES) return false;
    try {
      files.send(frame);
      return true;
    } catch {
      return false; // As above.
    }
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
    this.#connection.onicecandidate = this.#connection.onconnectionstatechange = null;
    this.#channel.onopen =
      this.#channel.onmessage =
      this.#channel.onbufferedamountlow =
      this.#channel.onclose =
      this.#files.onopen =
      this.#files.onmessage =
      this.#files.onbufferedamountlow =
        null;
    this.#connection.close();
  }
}

const CANDIDATE_TYPES: readonly RTCIceCandidateType[] = ["host", "srflx", "prflx", "relay"];

function candidateType(stats: Record<string, unknown> | undefined): RTCIceCandidateType | undefined {
  return CANDIDATE_TYPES.find((type) => type === stats?.candidateType);
}
