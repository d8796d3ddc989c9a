/**
 * Opens and closes the mesh of one room as the policy says, and tells the connection panel what it does. Loaded when
 * somebody else is in the room.
 */
import type { Cancel, Clock, Random, Timers } from "../../shared/environment.ts";
import type { MeshConfig } from "../../protocol/peer/mesh_config.ts";
import { LOCAL_MESH_CONFIG, readMeshConfig } from "../../protocol/peer/mesh_config.ts";
import { linkHeartbeatMs, type PowerDecision, powerPolicy, type PowerSituation } from "../../routing/power_policy.ts";
import { type PairedPeer, Pairing, type PairingState } from "../../transport/pairing.ts";
import { browserPeerConnections } from "../../transport/peer_connection.ts";

import type { MeshView } from "../model/connection_model.ts";
import type { FileLinks, MeshSession, PairingHost } from "../ports/mesh_host.ts";
import { RoomMesh } from "./room_mesh.ts";
import type { NoticeBoard } from "../room/notice_board.ts";

export interface MeshControlDeps {
  clock: Clock;
  timers: Timers;
  random: Random;
  session: MeshSession;
  /** What the policy goes by, but for the server's part of it. */
  power(): Omit<PowerSituation, "limits" | "server">;
  /** Another tab of the device has the connection, and the links. */
  follows(): boolean;
  /** Asks `GET /mesh/config`; anything that is none means: no answer. */
  fetchConfig(): Promise<unknown>;
  /** The operator's notices on this device; absent where nobody keeps them. */
  notices?(): Promise<NoticeBoard>;
  makeConnection(configuration: RTCConfiguration): RTCPeerConnection;
  /** The files of the room. */
  files(): Promise<FileLinks>;
  /** This tab had links in this room before its page was loaded: it is back, and waits for nothing. */
  linkedBefore(): boolean;
  /** Remembers that for the next page of this tab. */
  keepLinked(): void;
  onView(view: MeshView): void;
  log(line: string): void;
}

/** How often the policy is asked again: batteries and networks tell of their changes late, or not at all. */
const LOOK_EVERY_MS = 2_000;
/** A configuration that did not come is asked for again after this. */
const CONFIG_AGAIN_MS = 15_000;
/** Credentials are renewed this long before they end. */
const RENEW_BEFORE_MS = 300_000;

export class MeshControl {
  readonly #deps: MeshControlDeps;
  #mesh: RoomMesh | undefined;
  #config: MeshConfig | undefined;
  #notices: NoticeBoard | undefined;
  #asking = false;
  #askAgainAt = 0;
  /** When somebody else was first here, with a connection. */
  #since: number | undefined;
  #hurried: boolean;
  #linked = false;
  /** Phones were held together here. */
  #paired = false;
  #decision: PowerDecision = { maxLinks: 0, reason: "full" };
  #cancelLook: Cancel = () => {};
  #disposed = false;

  constructor(deps: MeshControlDeps) {
    this.#deps = deps;
    deps.notices?.().then((notices) => {
      this.#notices = notices;
      this.look();
    }).catch((error) => deps.log(`notices: ${error}`));
    this.#hurried = deps.linkedBefore();
    this.look();
  }

  /** Whether peers are, or will be, used; looks at everything anew. */
  look(): void {
    if (this.#disposed) return;
    this.#cancelLook();
    this.#cancelLook = this.#deps.timers.after(LOOK_EVERY_MS, () => this.look());
    const { session, clock, power, follows } = this.#deps;
    const now = clock.now();
    const server = session.connection.peek().state === "connected";
    const host = session.meshHost;
    const others = (host?.present().length ?? 0) > 0;
    if (others && server) this.#since ??= now;
    this.#askForConfig(now);
    const config = this.#config ?? (this.#paired ? LOCAL_MESH_CONFIG : undefined);
    if (config === undefined || host === undefined) return this.#tell();
    const { desktopLinks, phoneLinks, autoUpgradeMs } = config.limits;
    this.#decision = powerPolicy({ ...power(), server, limits: { desktopLinks, phoneLinks } });
    const ready = this.#notices !== undefined || this.#deps.notices === undefined;
    if (this.#decision.reason === "switched_off") this.#paired = false;
    // Somebody who held two phones together wants their link, whatever the battery says.
    const maxLinks = Math.max(this.#decision.maxLinks, this.#paired ? 1 : 0);
    const wanted = maxLinks > 0 && !follows() && ready;
    const due = this.#paired || this.#hurried || (this.#since !== undefined && now - this.#since >= autoUpgradeMs);
    if (!wanted) this.#close();
    else if (this.#mesh !== undefined) this.#mesh.setMaxLinks(maxLinks);
    else if (due && (others || this.#paired)) this.#open(config, maxLinks);
    this.#mesh?.setHeartbeat(linkHeartbeatMs(this.#decision.reason));
    this.#tell();
  }

  /** Peers are wanted now. */
  connectNow(): void {
    this.#hurried = true;
    this.#askAgainAt = 0;
    this.look();
    this.#mesh?.connectNow();
  }

  /** Begins to link with a phone beside this one, without a server. */
  pair(onState: (state: PairingState) => void): Pairing | { problem: "unavailable" | "other_tab" } {
    const { session, timers, random, makeConnection, follows, log } = this.#deps;
    const host = session.pairingHost;
    if (host === undefined) return { problem: "unavailable" };
    if (follows()) return { problem: "other_tab" };
    return new Pairing({
      ...host,
      timers,
      random,
      open: browserPeerConnections(makeConnection, () => ({ iceServers: [], candidatePool: 0 })),
      onState: (state) => {
        if (state.state !== "paired") return onState(state);
        this.#adopt(state.peer, host).then((adopted) =>
          onState(adopted ? state : { state: "failed", reason: "unproven" })
        ).catch((error) => log(`pairing: ${error}`));
      },
      log,
    });
  }

  async #adopt(peer: PairedPeer, host: PairingHost): Promise<boolean> {
    if (peer.info !== undefined && !await host.learn(peer.info, peer.clock)) return false;
    this.#paired = true;
    this.look();
    this.#mesh?.adopt(peer);
    return this.#mesh !== undefined;
  }

  networkChanged(): void {
    this.#mesh?.networkChanged();
  }

  /** The page is left: peers are told. A page that comes back links anew. */
  leave(): void {
    this.#close();
  }

  dispose(): void {
    this.#close();
    this.#disposed = true;
    this.#cancelLook();
  }

  #askForConfig(now: number): void {
    const { expiresAt } = this.#config ?? {};
    // By the server's clock; ours may be wrong, and then credentials are renewed too often or too late for new links only.
    const stale = this.#config === undefined || (expiresAt !== undefined && Date.now() > expiresAt - RENEW_BEFORE_MS);
    if (!stale || this.#asking || now < this.#askAgainAt) return;
    this.#asking = true;
    this.#askAgainAt = now + CONFIG_AGAIN_MS;
    this.#deps.fetchConfig().then((answer) => {
      const config = readMeshConfig(answer);
      if (config === undefined) return this.#deps.log("mesh: the configuration cannot be read");
      this.#config = config;
      this.#notices?.learn(config.operator);
    }).catch(() => {
      // No network, or no such server: asked again while it is wanted.
    }).finally(() => {
      this.#asking = false;
      this.look();
    });
  }

  #open(config: MeshConfig, maxLinks: number): void {
    const { session, clock, timers, random, log, makeConnection } = this.#deps;
    const host = session.meshHost;
    if (host === undefined) return;
    const mesh = this.#mesh = new RoomMesh({
      host,
      clock,
      timers,
      random,
      config,
      open: browserPeerConnections(makeConnection, () => ({
        iceServers: this.#config?.iceServers ?? [],
        candidatePool: config.limits.candidatePool,
      })),
      maxLinks,
      ...this.#notices && { notices: this.#notices },
      onCleared: () => {
        this.#close();
        this.look();
      },
      onChange: () => this.#tell(),
      log,
    });
    session.useMesh(mesh);
    this.#deps.files().then((files) => {
      if (this.#mesh !== mesh) return;
      files.useMesh(mesh);
      mesh.useFiles(files);
    }).catch((error) => log(`mesh: no files: ${error}`));
    log(`mesh: on, at most ${maxLinks} links`);
  }

  #close(): void {
    const mesh = this.#mesh;
    if (mesh === undefined) return;
    this.#mesh = undefined;
    this.#deps.session.useMesh(undefined);
    mesh.close();
    this.#deps.files().then((files) => this.#mesh ?? files.useMesh(undefined)).catch(() => {
      // Its code never came: nothing used the mesh.
    });
    this.#deps.log(`mesh: off (${this.#decision.reason})`);
    this.#tell();
  }

  #tell(): void {
    const mesh = this.#mesh;
    const { reached, missing } = mesh?.coverage() ?? { reached: 0, missing: 0 };
    if (!this.#linked && reached > 0) {
      this.#linked = true;
      this.#deps.keepLinked();
    }
    this.#deps.onView({
      enabled: mesh !== undefined,
      reason: this.#decision.reason,
      relay: this.#config?.iceServers.some(({ credential }) => credential !== undefined),
      links: mesh?.links ?? [],
      reached,
      missing,
      connected: mesh?.counts.connected ?? 0,
      failed: mesh?.counts.failed ?? 0,
      told: mesh?.counts.told ?? 0,
      receipted: mesh?.counts.receipted ?? 0,
      delivery: this.#deps.session.delivery.reason,
    });
  }
}
