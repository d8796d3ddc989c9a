/**
 * The mesh of one room in one page: joins the links to peers (lib/transport), the node that routes over them
 * (lib/mesh), and the room. Loaded on demand.
 */
import { BoundedSet } from "../../shared/bounded.ts";
import type { Cancel } from "../../shared/environment.ts";
import { MeshNode } from "../../mesh/mesh_node.ts";
import { isBase64UrlOf } from "../../shared/base64url.ts";
import type { Bytes } from "../../protocol/peer/file_frames.ts";
import type { AuthorKey, EventId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import type { PairedPeer } from "../../transport/pairing.ts";
import type { LinkPath, OpenPeerConnection } from "../../transport/peer_connection.ts";
import type { LinkState, PeerLink } from "../../transport/peer_link.ts";
import { PeerLinks } from "../../transport/peer_links.ts";
import type { LinkView, MeshView } from "../model/connection_model.ts";
import type { FileLinkEvents, FileMesh, SessionMesh } from "../ports/mesh_host.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { MeshHost } from "./session_hosts.ts";
import type { NoticeBoard } from "../room/notice_board.ts";

/** `clock`: ms, with fractions. */
export interface RoomMeshDeps extends Pick<SessionDeps, "clock" | "timers" | "random" | "log"> {
  host: MeshHost;
  open: OpenPeerConnection;
  maxLinks: number;
  /** The operator's notices; absent where none are kept. */
  notices?: NoticeBoard;
  /** The operator cleared the room, so the events of this mesh are gone. */
  onCleared(): void;
  /** Links, or whom they reach, have changed. */
  onChange(): void;
}

/** Phones behind other phones that are remembered. */
const BEYOND_MAX = 64;

/** Events of mine without a receipt that are remembered; the oldest is forgotten. */
const UNRECEIPTED_MAX = 500;

export class RoomMesh implements SessionMesh, FileMesh {
  readonly counts: Pick<MeshView, "connected" | "failed" | "sentToPeers" | "receipted"> = {
    connected: 0,
    failed: 0,
    sentToPeers: 0,
    receipted: 0,
  };
  readonly #deps: RoomMeshDeps;
  readonly #node: MeshNode;
  readonly #links: PeerLinks;
  /** Links that the node knows of. */
  readonly #up = new Set<PeerLink>();
  readonly #paths = new Map<AuthorKey, LinkPath>();
  readonly #stopNotices: Cancel | undefined;
  readonly #unreceipted = new BoundedSet<EventId>(UNRECEIPTED_MAX);
  #files: FileLinkEvents | undefined;
  /** Phones that the server cannot reach and the mesh can. */
  readonly #beyondServer = new BoundedSet<AuthorKey>(BEYOND_MAX);
  #closed = false;

  constructor(deps: RoomMeshDeps) {
    this.#deps = deps;
    const { host, clock, timers, random } = deps;
    const { signer, verifier } = host;
    this.#links = new PeerLinks({
      room: host.room,
      signer,
      verifier,
      clock,
      timers,
      random,
      open: deps.open,
      sendFrame: (frame) => this.#sendSignal(frame),
      admits: (peer, links) => this.#node.accepts(peer, links).accept,
      linkCount: () => this.#up.size,
      onState: (link, state) => this.#linkChanged(link, state),
      onMessage: (link, text) => this.#node.receive(link.peer, text),
      onFileFrame: (link, data) => this.#files?.received(link.peer, data),
      onFilesDrained: (link) => this.#files?.drained(link.peer),
      log: deps.log,
    });
    this.#node = new MeshNode({ room: host.room, me: signer.author, maxLinks: deps.maxLinks }, {
      now: () => clock.now(),
      random: () => random.fraction(),
      after: (delayMs, run): Cancel => timers.after(delayMs, run),
      send: (peer, text) => this.#send(peer, text),
      verify: (event) => host.verdict(event),
      onEvent: (event) => host.heardFromPeers(event),
      connect: (peer) => this.#connect(peer),
      disconnect: (peer) => this.#links.get(peer)?.close("leaving"),
      onSignal: (from, text) => this.#signaled(from, text),
      onReceipts: (id: EventId, phones: number) => {
        if (this.#unreceipted.delete(id)) this.counts.receipted++;
        host.receipts(id, phones);
      },
      sign: (text) => signer.sign(text),
      verifyText: (author, text, signature) => verifier.verify(author, text, signature),
      ...deps.notices && { onNotices: (notices) => deps.notices!.take(notices, "peer") },
      onCoverage: () => this.#changed(),
      onBanned: (peer) => deps.log(`mesh: ${peer.slice(0, 6)} misbehaved`),
    });
    for (const event of host.held()) this.#node.hold(event);
    for (const event of host.unsent()) this.#node.publish(event);
    this.presentChanged();
    this.#stopNotices = deps.notices?.follow((notices) => this.#node.setNotices(notices));
  }

  // ---- SessionMesh ----

  publish(event: Event): void {
    if (this.#up.size > 0) {
      this.counts.sentToPeers++;
      this.#unreceipted.add(event.id);
    }
    this.#node.publish(event);
  }

  heard(event: Event): void {
    this.#node.offer(event);
  }

  presentChanged(): void {
    this.#node.setPresent(this.#deps.host.present());
  }

  cleared(): void {
    this.#deps.onCleared();
  }

  signal(frame: ServerFrame<"signal">): void {
    this.#links.receive(frame);
  }

  undeliverable(frame: ServerFrame<"signal_undeliverable">): void {
    const { to } = frame;
    if (!this.#node.reaches(to)) return this.#links.undeliverable(frame);
    // The server cannot reach it, but phones can: the next signals go over them.
    this.#beyondServer.delete(to);
    this.#beyondServer.add(to);
  }

  /** Takes over a link that two phones made by showing each other their codes. */
  adopt(peer: PairedPeer): void {
    this.#links.adopt(peer);
  }

  coverage(): { reached: number; missing: number } {
    const { direct, viaMesh, missing } = this.#node.coverage();
    // A suspect link reaches nobody for now.
    const suspect = direct.filter((peer) => this.#links.get(peer)?.state.state !== "connected").length;
    // If all direct links are suspect, phones behind them are unreachable too.
    const reached = suspect < direct.length ? direct.length + viaMesh.length - suspect : 0;
    return { reached, missing: missing.length + direct.length + viaMesh.length - reached };
  }

  reached(): AuthorKey[] {
    const { direct, viaMesh } = this.#node.coverage();
    return [...direct, ...viaMesh];
  }

  // ---- FileMesh ----

  sendFile(peer: AuthorKey, frame: Bytes): boolean {
    return this.#links.get(peer)?.sendFile(frame) ?? false;
  }

  call(peer: AuthorKey): void {
    this.#node.requestLink(peer);
  }

  wayTo(peer: AuthorKey): AuthorKey | undefined {
    return this.#node.nextHopTo(peer);
  }

  // ---- for MeshControl ----

  /** Gives the files of the room these links. */
  useFiles(files: FileLinkEvents): void {
    if (this.#closed) return;
    this.#files = files;
    for (const { peer } of this.#up) files.linked(peer);
  }

  get links(): LinkView[] {
    const views: LinkView[] = [];
    for (const link of this.#links.all) {
      const { state } = link.state;
      if (state !== "closed") {
        views.push({ peer: link.peer, state, rttMs: link.rttMs, path: this.#paths.get(link.peer) });
      }
    }
    return views;
  }

  get stats(): ReturnType<MeshNode["stats"]> {
    return this.#node.stats();
  }

  /** Forgets cooldowns and calls peers now. */
  connectNow(): void {
    this.#node.connectNow();
  }

  setMaxLinks(maxLinks: number): void {
    this.#node.setMaxLinks(maxLinks);
  }

  /** Silence after which a link is probed, ms. */
  setHeartbeat(heartbeatMs: number): void {
    this.#links.setHeartbeat(heartbeatMs);
  }

  networkChanged(): void {
    this.#links.networkChanged();
  }

  close(): void {
    if (this.#closed) return;
    this.#stopNotices?.();
    this.#node.close();
    for (const { peer } of this.#up) this.#files?.unlinked(peer);
    this.#closed = true;
    this.#links.close("leaving");
  }

  // ---- links ----

  #connect(peer: AuthorKey): void {
    try {
      this.#links.connect(peer);
    } catch (error) {
      // The browser refuses the connection: WebRTC is blocked, or there are too many.
      this.#deps.log(`mesh: no link to ${peer.slice(0, 6)}: ${error}`);
      this.counts.failed++;
      this.#node.unlinked(peer);
      this.#changed();
    }
  }

  #sendSignal(frame: ClientFrame<"signal">): boolean {
    const overMesh = () => this.#node.signal(frame.to, JSON.stringify([frame.payload, frame.signature]));
    if (this.#beyondServer.has(frame.to)) return overMesh() || this.#deps.host.sendSignal(frame);
    return this.#deps.host.sendSignal(frame) || overMesh();
  }

  #signaled(from: AuthorKey, text: string): void {
    const signed = readSignedText(text);
    if (signed === undefined) return this.#deps.log("mesh: a signal could not be read");
    this.#links.receive({ type: "signal", from, payload: signed[0], signature: signed[1] });
  }

  #send(peer: AuthorKey, text: string): boolean {
    const link = this.#links.get(peer);
    if (link === undefined) return false;
    try {
      return link.send(text);
    } catch (error) {
      // RangeError: the frame is too long, which no frame of ours is.
      this.#deps.log(`mesh: a frame was not sent: ${error}`);
      return false;
    }
  }

  #linkChanged(link: PeerLink, state: LinkState): void {
    if (this.#closed) return;
    const { peer } = link;
    const current = this.#links.get(peer);
    switch (state.state) {
      case "connected":
        if (!this.#up.has(link)) {
          this.#up.add(link);
          this.counts.connected++;
          this.#node.linked(peer);
          this.#files?.linked(peer);
        }
        void link.path().then((path) => {
          if (path === undefined || this.#links.get(peer) !== link) return;
          this.#paths.set(peer, path);
          this.#changed();
        }).catch((error) => this.#deps.log(`mesh: the path is not known: ${error}`));
        break;
      case "closed":
        if (!this.#up.delete(link)) this.counts.failed++;
        this.#deps.log(`mesh: link to ${peer.slice(0, 6)} ended (${state.end.by} ${state.end.reason})`);
        // A link that replaced it reports its own state.
        if (current === undefined || current === link) {
          this.#paths.delete(peer);
          this.#node.unlinked(peer);
          this.#files?.unlinked(peer);
        }
    }
    this.#changed();
  }

  #changed(): void {
    if (this.#closed) return;
    this.#deps.host.coverageChanged();
    this.#deps.onChange();
  }
}

/** A payload and its signature, as phones forward them. */
function readSignedText(text: string): [payload: string, signature: string] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    const [payload, signature]: unknown[] = value;
    return typeof payload === "string" && isBase64UrlOf(signature, 64) ? [payload, signature] : undefined;
  } catch {
    return undefined;
  }
}
