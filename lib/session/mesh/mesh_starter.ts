/**
 * The links of one room, as a page shows and steers them. The code that makes links (mesh_control.ts) is loaded when
 * somebody else has been here for a moment, or on request.
 */
import type { Cancel } from "../../shared/environment.ts";
import { effect, type Signal, signal } from "@preact/signals";
import type { MeshMode } from "../../routing/mesh_mode.ts";
import type { Pairing, PairingState } from "../../transport/pairing.ts";
import { type MeshView, NO_MESH } from "../model/connection_model.ts";
import type { RoomSession } from "../room/room_session.ts";
import type { MeshControl, MeshControlDeps } from "./mesh_control.ts";

/** The page, as the loaded code sees it. */
export interface MeshWiring
  extends Pick<MeshControlDeps, "timers" | "random" | "session" | "follows" | "onView" | "log"> {
  /** The user's choice about peers. */
  mode(): MeshMode;
}

/** Peers by a browser's WebRTC. */
export interface PeerDeps extends Pick<MeshControlDeps, "linkedBefore"> {
  /** The choice stored on this device. */
  mode(): MeshMode;
  keepMode(mode: MeshMode): void;
  /** Loads and starts the code that makes links. Rejects when it cannot be loaded. */
  load(wiring: MeshWiring): Promise<MeshControl>;
}

export interface MeshStarterDeps extends Omit<MeshWiring, "session" | "mode" | "onView"> {
  session: Pick<RoomSession, "connection" | "peers" | "delivery" | "people" | "ready">;
  /** Absent where the browser has no WebRTC. */
  peers?: PeerDeps | undefined;
  /** Links, or whom they reach, have changed. */
  onView(): void;
}

/** Somebody else has to be here this long before the code is loaded, unless this tab had links before. */
const PEERS_AFTER_MS = 2_000;

export class MeshStarter {
  readonly mesh: Signal<MeshView> = signal(NO_MESH);
  readonly mode: Signal<MeshMode> = signal("auto");
  readonly #deps: MeshStarterDeps;
  #loading: Promise<MeshControl | undefined> | undefined;
  #control: MeshControl | undefined;
  #stop: Cancel = () => {};
  #disposed = false;

  constructor(deps: MeshStarterDeps) {
    this.#deps = deps;
    const { peers, session, timers } = deps;
    if (peers === undefined) return;
    this.mode.value = peers.mode();
    const afterMs = peers.linkedBefore() ? 0 : PEERS_AFTER_MS;
    let cancel: Cancel | undefined;
    const stop = effect(() => {
      const others = session.people.value.count > 1 && this.mode.value !== "off";
      if (others) cancel ??= timers.after(afterMs, () => void this.#load());
    });
    this.#stop = () => {
      stop();
      cancel?.();
    };
  }

  setMode(mode: MeshMode): void {
    this.mode.value = mode;
    this.#deps.peers?.keepMode(mode);
    this.#control?.look();
  }

  /** Links to peers at once. */
  async connectNow(): Promise<{ problem?: "off" | "unavailable" }> {
    if (this.mode.peek() === "off") return { problem: "off" };
    const control = await this.#load();
    control?.connectNow();
    return control === undefined ? { problem: "unavailable" } : {};
  }

  /** Begins to link with a phone beside this one, by codes that both show. */
  async pair(onState: (state: PairingState) => void): Promise<Pairing | { problem: "unavailable" | "other_tab" }> {
    // Two people who hold their phones together want a link, whatever they chose before.
    if (this.mode.peek() === "off") this.setMode("auto");
    await this.#deps.session.ready;
    return (await this.#load())?.pair(onState) ?? { problem: "unavailable" };
  }

  networkChanged(): void {
    this.#control?.networkChanged();
  }

  /** The page is left, perhaps for good. */
  leave(): void {
    this.#control?.leave();
  }

  dispose(): void {
    this.#disposed = true;
    this.#stop();
    this.#control?.dispose();
  }

  #load(): Promise<MeshControl | undefined> {
    const { peers, onView, ...wiring } = this.#deps;
    if (peers === undefined || this.#disposed) return Promise.resolve(undefined);
    return this.#loading ??= peers.load({
      ...wiring,
      mode: () => this.mode.peek(),
      onView: (view) => {
        this.mesh.value = view;
        onView();
      },
    }).then((control) => {
      if (!this.#disposed) return this.#control = control;
      control.dispose();
      return undefined;
    }).catch(() => {
      // The code did not load: the next call loads it again.
      this.#loading = undefined;
      return undefined;
    });
  }
}
