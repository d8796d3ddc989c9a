/**
 * Opens and closes the mesh of one room as the power policy says, and reports to the connection panel. Loaded when somebody
 * else is in the room.
 */
import type { Cancel } from "../../shared/environment.ts";
import { LOCAL_MESH_CONFIG } from "../../protocol/peer/mesh_config.ts";
import { linkHeartbeatMs, type PowerDecision, powerPolicy, type PowerSituation } from "../../routing/power_policy.ts";
import { type PairedPeer, Pairing, type PairingState } from "../../transport/pairing.ts";
import { browserPeerConnections } from "../../transport/peer_connection.ts";
import { type MeshView, NO_MESH } from "../model/connection_model.ts";
import type { FileLinks } from "../ports/mesh_host.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { MeshConfigLoader } from "./mesh_config_loader.ts";
import { RoomMesh } from "./room_mesh.ts";
import { meshHost, type PairingHost, pairingHost } from "./session_hosts.ts";
import type { NoticeBoard } from "../room/notice_board.ts";
import type { PeerSync } from "../room/peer_sync.ts";
import type { RoomSession } from "../room/room_session.ts";

export interface MeshControlDeps extends Pick<SessionDeps, "clock" | "timers" | "random" | "log"> {
  /** The session whose room is linked. */
  session: Pick<RoomSession, "connection" | "peers" | "delivery">;
  /** The facts that the policy goes by, without the server's part. */
  power(): Omit<PowerSituation, "limits" | "server">;
  /** Another tab of the device has the connection, and the links. */
  follows(): boolean;
  /** Requests `GET /mesh/config`; the answer is still unread. Rejects without a network. */
  fetchConfig(membership?: string): Promise<unknown>;
  /** The operator's notices on this device; absent where none are kept. */
  notices?(): Promise<NoticeBoard>;
  makeConnection(configuration: RTCConfiguration): RTCPeerConnection;
  /** The files of the room. */
  files(): Promise<FileLinks>;
  /** This tab had links in this room before its page was loaded: it links again at once. */
  linkedBefore(): boolean;
  /** Remembers for the next page of this tab that it had links. */
  keepLinked(): void;
  onView(view: MeshView): void;
}

/** How often the policy is asked again: batteries and networks report their changes late, or never. */
const LOOK_EVERY_MS = 2_000;

type State =
  | { name: "waiting" }
  | { name: "linking"; mesh: RoomMesh }
  | { name: "disposed" };

/**
 * Why links are made. `presence`: somebody else has been here for a while. `request`: somebody asked for them, or this tab
 * had links before. `pairing`: two phones were held together, and want their link whatever the battery or the server says.
 */
type Wish = "presence" | "request" | "pairing";

export class MeshControl {
  readonly #deps: MeshControlDeps;
  readonly #loader: MeshConfigLoader;
  #state: State = { name: "waiting" };
  #wish: Wish;
  #decision: PowerDecision = { maxLinks: 0, reason: "full" };
  #notices: NoticeBoard | undefined;
  /** When somebody else was first here, with a connection to the server. */
  #since: number | undefined;
  /** The number of people whom peers reached at the last update of the panel. */
  #reached = 0;
  #cancelLook: Cancel = () => {};

  constructor(deps: MeshControlDeps) {
    this.#deps = deps;
    const { fetchConfig, log } = deps;
    this.#loader = new MeshConfigLoader({
      fetchConfig,
      onConfig: (config) => this.#notices?.learn(config.operator),
      onAnswer: () => this.look(),
      log,
    });
    deps.notices?.().then((notices) => {
      this.#notices = notices;
      this.look();
    }).catch((error) => log(`notices: ${error}`));
    this.#wish = deps.linkedBefore() ? "request" : "presence";
    this.look();
  }

  /** Re-evaluates everything: opens the mesh, changes it or closes it. */
  look(): void {
    if (this.#state.name === "disposed") return;
    const { session, clock, timers, power, follows, notices } = this.#deps;
    this.#cancelLook();
    this.#cancelLook = timers.after(LOOK_EVERY_MS, () => this.look());
    const now = clock.now();
    const server = session.connection.peek().state === "connected";
    const { peers } = session;
    const others = peers !== undefined && peers.others.length > 0;
    if (others && server) this.#since ??= now;
    this.#loader.refresh(now, peers?.membership);
    const config = this.#loader.config ?? (this.#wish === "pairing" ? LOCAL_MESH_CONFIG : undefined);
    if (config === undefined || peers?.room.verifier.known === undefined) return this.#tell();
    this.#decision = powerPolicy({ ...power(), server });
    if (this.#decision.reason === "switched_off" && this.#wish === "pairing") this.#wish = "presence";
    const paired = this.#wish === "pairing";
    const maxLinks = Math.max(this.#decision.maxLinks, paired ? 1 : 0);
    const ready = this.#notices !== undefined || notices === undefined;
    if (maxLinks === 0 || follows() || !ready) this.#close();
    else if (this.#state.name === "linking") this.#state.mesh.setMaxLinks(maxLinks);
    else {
      const due = this.#wish !== "presence" || (this.#since !== undefined && now - this.#since >= config.autoConnectMs);
      if (due && (others || paired)) this.#open(peers, maxLinks);
    }
    this.#mesh?.setHeartbeat(linkHeartbeatMs(this.#decision.reason));
    this.#tell();
  }

  /** Links at once, without waiting for the policy's delay. */
  connectNow(): void {
    if (this.#wish === "presence") this.#wish = "request";
    this.#loader.hurry();
    this.look();
    this.#mesh?.connectNow();
  }

  /** Begins to link with a phone beside this one, without a server. */
  pair(onState: (state: PairingState) => void): Pairing | { problem: "unavailable" | "other_tab" } {
    const { session, timers, random, makeConnection, follows, log } = this.#deps;
    if (session.peers === undefined) return { problem: "unavailable" };
    if (follows()) return { problem: "other_tab" };
    const host = pairingHost(session.peers);
    return new Pairing({
      ...host,
      timers,
      random,
      open: browserPeerConnections(makeConnection, () => ({ iceServers: [] })),
      onState: (state) => {
        if (state.state !== "paired") return onState(state);
        this.#adopt(state.peer, host).then((adopted) =>
          onState(adopted ? state : { state: "failed", reason: "unproven" })
        ).catch((error) => log(`pairing: ${error}`));
      },
      log,
    });
  }

  networkChanged(): void {
    this.#mesh?.networkChanged();
  }

  /** The page is left: closes the links, so that peers know. A page that is shown again sets up new links. */
  leave(): void {
    this.#close();
  }

  dispose(): void {
    this.#close();
    this.#state = { name: "disposed" };
    this.#cancelLook();
  }

  get #mesh(): RoomMesh | undefined {
    return this.#state.name === "linking" ? this.#state.mesh : undefined;
  }

  async #adopt(peer: PairedPeer, host: PairingHost): Promise<boolean> {
    if (peer.info !== undefined && !await host.learn(peer.info, peer.clock)) return false;
    this.#wish = "pairing";
    this.look();
    this.#mesh?.adopt(peer);
    return this.#mesh !== undefined;
  }

  #open(peers: PeerSync, maxLinks: number): void {
    const { clock, timers, random, log, makeConnection } = this.#deps;
    const mesh = new RoomMesh({
      host: meshHost(peers),
      clock,
      timers,
      random,
      open: browserPeerConnections(makeConnection, () => ({ iceServers: this.#loader.config?.iceServers ?? [] })),
      maxLinks,
      ...this.#notices && { notices: this.#notices },
      onCleared: () => {
        this.#close();
        this.look();
      },
      onChange: () => this.#tell(),
      log,
    });
    this.#state = { name: "linking", mesh };
    peers.use(mesh);
    this.#deps.files().then((files) => {
      if (this.#mesh !== mesh) return;
      files.useMesh(mesh);
      mesh.useFiles(files.exchange);
    }).catch((error) => log(`mesh: no files: ${error}`));
    log(`mesh: on, at most ${maxLinks} links`);
  }

  #close(): void {
    const { session, files, log } = this.#deps;
    const mesh = this.#mesh;
    if (mesh === undefined) return;
    this.#state = { name: "waiting" };
    session.peers?.use(undefined);
    mesh.close();
    files().then((files) => this.#mesh ?? files.useMesh(undefined)).catch(() => {
      // The code for files never came: nothing used the mesh.
    });
    log(`mesh: off (${this.#decision.reason})`);
    this.#tell();
  }

  #tell(): void {
    const mesh = this.#mesh;
    const view: MeshView = {
      ...NO_MESH,
      ...mesh?.counts,
      ...mesh?.coverage(),
      enabled: mesh !== undefined,
      reason: this.#decision.reason,
      relay: this.#loader.config?.iceServers.some(({ credential }) => credential !== undefined),
      links: mesh?.links ?? [],
      delivery: this.#deps.session.delivery.reason,
    };
    if (this.#reached === 0 && view.reached > 0) this.#deps.keepLinked();
    this.#reached = view.reached;
    this.#deps.onView(view);
  }
}
