/** Links to peers by a real browser's WebRTC, as far as battery and network allow. Loaded on demand. */
import { networkState } from "./device_network.ts";
import { fetchMeshConfig } from "./mesh_config_browser.ts";
import { MeshControl, type MeshControlDeps } from "../mesh/mesh_control.ts";
import type { MeshWiring } from "../mesh/mesh_starter.ts";

/** The page's part of the wiring. */
export type PagePeers = Pick<MeshControlDeps, "files" | "notices" | "linkedBefore" | "keepLinked"> & {
  /** How long the page has been hidden, ms; 0 while it is visible. */
  hiddenForMs(): number;
};

export function openMeshControl({ hiddenForMs, ...page }: PagePeers, { mode, ...wiring }: MeshWiring): MeshControl {
  let battery: { level: number; charging: boolean } | undefined;
  const { getBattery } = navigator as { getBattery?: () => Promise<{ level: number; charging: boolean }> };
  // The object is live. Safari and Firefox lack it.
  getBattery?.call(navigator).then((found) => battery = found).catch(() => {});
  const { deviceMemory } = navigator as { deviceMemory?: number };
  const weak = matchMedia("(pointer: coarse)").matches || (deviceMemory ?? 8) <= 2;
  return new MeshControl({
    ...page,
    ...wiring,
    clock: { now: () => performance.now() },
    power: () => {
      const { type, saveData = false } = networkState();
      return { mode: mode(), battery, saveData, networkType: type, weak, hiddenForMs: hiddenForMs() };
    },
    fetchConfig: fetchMeshConfig,
    makeConnection: (configuration) => new RTCPeerConnection(configuration),
  });
}
