// Runs in browser and server.
/** Limits a device's links by the user's choice, battery, network and page visibility. Pure. */
import { LINK_HEARTBEAT_MS, MESH_LINKS_DESKTOP, MESH_LINKS_PHONE } from "../protocol/limits.ts";
import type { MeshMode } from "./mesh_mode.ts";

export interface PowerSituation {
  mode: MeshMode;
  /** Battery Status API; undefined if unavailable. `level`: 0 to 1. */
  battery: { level: number; charging: boolean } | undefined;
  /** The device asks for little traffic. */
  saveData: boolean;
  /** Network Information API: `wifi`, `cellular`, …; undefined if unavailable. */
  networkType: string | undefined;
  /** A phone, or another device with little memory. */
  weak: boolean;
  /** How long the page has been hidden, ms; 0 while it is visible. */
  hiddenForMs: number;
  /** The room's connection to the server is up. */
  server: boolean;
}

export type PowerReason =
  | "switched_off"
  | "full"
  /** The battery is at 70 % or less, or the network is metered. */
  | "few_links"
  /** The battery is at 40 % or less: server only. */
  | "battery_low"
  /** At 20 % or less. */
  | "battery_very_low"
  /** The device asks for little traffic. */
  | "save_data"
  /** The page is hidden and the server is connected. */
  | "background";

export interface PowerDecision {
  maxLinks: number;
  reason: PowerReason;
}

/** Silence on a link after which it is pinged, ms. Each ping wakes two radios. */
export function linkHeartbeatMs(reason: PowerReason): number {
  if (reason === "battery_very_low") return 5 * LINK_HEARTBEAT_MS;
  return reason === "battery_low" || reason === "few_links" ? 2 * LINK_HEARTBEAT_MS : LINK_HEARTBEAT_MS;
}

/** A hidden page keeps its links for this long, because people switch away and back. */
export const BACKGROUND_AFTER_MS = 60_000;

export function powerPolicy(situation: PowerSituation): PowerDecision {
  const { mode, battery, saveData, networkType, weak, hiddenForMs, server } = situation;
  const most = weak ? MESH_LINKS_PHONE : MESH_LINKS_DESKTOP;
  const few = MESH_LINKS_PHONE;
  if (mode === "off") return { maxLinks: 0, reason: "switched_off" };
  if (server && hiddenForMs >= BACKGROUND_AFTER_MS) return { maxLinks: 0, reason: "background" };
  if (mode === "on") return { maxLinks: most, reason: "full" };
  const level = battery === undefined || battery.charging ? 1 : battery.level;
  // Without a server the peers are the only transport, so a low battery still allows a few links.
  if (level <= 0.2) return { maxLinks: server ? 0 : 1, reason: "battery_very_low" };
  if (level <= 0.4) return { maxLinks: server ? 0 : few, reason: "battery_low" };
  if (saveData) return { maxLinks: server ? 0 : few, reason: "save_data" };
  return level <= 0.7 || networkType === "cellular"
    ? { maxLinks: few, reason: "few_links" }
    : { maxLinks: most, reason: "full" };
}
