/** Links to peers by a real browser's WebRTC, as far as its battery and network allow. Loaded on demand. */
import { networkState } from "./device_network.ts";
import { fetchMeshConfig } from "./mesh_config_browser.ts";
import { MeshControl, type MeshControlDeps } from "../mesh/mesh_control.ts";
import type { MeshWiring } from "../mesh/mesh_starter.ts";

/** What the page has for them. */
export type PagePeers = Pick<MeshControlDeps, "files" | "notices" | "linkedBefore" | "keepLinked"> & {
  /** How long nobody has looked at the page, ms; 0 while somebody does. */
  hiddenForMs(): number;
};

export function openMeshControl({ hiddenForMs, ...page }: PagePeers, { mode, ...wiring }: MeshWiring): MeshControl {
  let battery: { level: number; charging: boolean } | undefined;
  const { getBattery } = navigator as { getBattery?: () => Promise<{ level: number; charging: boolean }> };
  // It goes on telling the truth: the object is live. Absent in Safari and Firefox, and then nobody asks it.
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
