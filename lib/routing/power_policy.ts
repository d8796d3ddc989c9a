// Runs in browser and server.
/** How many links a device keeps: by what somebody chose, its battery, its network, and whether it is looked at. Pure. */
import { LINK_HEARTBEAT_MS, MESH_LINKS_DESKTOP, MESH_LINKS_PHONE } from "../protocol/limits.ts";
import type { MeshMode } from "./mesh_mode.ts";

export interface PowerSituation {
  mode: MeshMode;
  /** Battery Status API; undefined where there is none. `level`: 0 to 1. */
  battery: { level: number; charging: boolean } | undefined;
  /** The device asks for little traffic. */
  saveData: boolean;
  /** Network Information API: `wifi`, `cellular`, …; undefined where there is none. */
  networkType: string | undefined;
  /** A phone, or another device with little memory. */
  weak: boolean;
  /** How long nobody has looked at the page, ms; 0 while somebody does. */
  hiddenForMs: number;
  /** The room's connection to the server is up. */
  server: boolean;
}

export type PowerReason =
  | "switched_off"
  | "full"
  /** The battery is below 70 %, or the network counts bytes: few links. */
  | "few_links"
  /** The battery is below 40 %: the server alone. */
  | "battery_low"
  /** Below 20 %. */
  | "battery_very_low"
  /** The device asks for little traffic. */
  | "save_data"
  /** Nobody looks, and the server is there. */
  | "background";

export interface PowerDecision {
  maxLinks: number;
  reason: PowerReason;
}

/** Silence on a link after which it is asked whether it lives, ms: each question wakes two radios. */
export function linkHeartbeatMs(reason: PowerReason): number {
  if (reason === "battery_very_low") return 5 * LINK_HEARTBEAT_MS;
  return reason === "battery_low" || reason === "few_links" ? 2 * LINK_HEARTBEAT_MS : LINK_HEARTBEAT_MS;
}

/** A page that nobody looks at keeps its links for this long: people look away and back. */
export const BACKGROUND_AFTER_MS = 60_000;

export function powerPolicy(situation: PowerSituation): PowerDecision {
  const { mode, battery, saveData, networkType, weak, hiddenForMs, server } = situation;
  const most = weak ? MESH_LINKS_PHONE : MESH_LINKS_DESKTOP;
  const few = MESH_LINKS_PHONE;
  if (mode === "off") return { maxLinks: 0, reason: "switched_off" };
  if (server && hiddenForMs >= BACKGROUND_AFTER_MS) return { maxLinks: 0, reason: "background" };
  if (mode === "on") return { maxLinks: most, reason: "full" };
  const level = battery === undefined || battery.charging ? 1 : battery.level;
  // Without a server peers are all there is: then a low battery still carries a few links.
  if (level <= 0.2) return { maxLinks: server ? 0 : 1, reason: "battery_very_low" };
  if (level <= 0.4) return { maxLinks: server ? 0 : few, reason: "battery_low" };
  if (saveData) return { maxLinks: server ? 0 : few, reason: "save_data" };
  return level <= 0.7 || networkType === "cellular"
    ? { maxLinks: few, reason: "few_links" }
    : { maxLinks: most, reason: "full" };
}
