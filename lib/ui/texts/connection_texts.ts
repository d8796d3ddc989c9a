/** Texts of the connection panel. Pages load them with it. */
import type { MeshMode } from "../../routing/mesh_mode.ts";
import type { PowerReason } from "../../routing/power_policy.ts";
import type { TransportReason } from "../../routing/transport_choice.ts";
import type { Finding } from "../../session/connection/connection_check.ts";
import type { CurrentRoute } from "../../session/model/connection_model.ts";
import { few } from "./room_texts.ts";

type BusyReason = Extract<Finding, { finding: "server_busy" }>["reason"];

export const connectionTexts = {
  title: "Connection",
  transports: { websocket: "WebSocket", polling: "HTTP polling", tab: "Through another tab", p2p: "Phone to phone" },
  noRoute: "Connecting to the server…",
  reasons: {
    first_choice: "The fastest connection, and it works.",
    preferred: "You chose it.",
    websocket_unavailable: "This browser has no WebSockets.",
    websocket_resting: "WebSockets failed several times, so they pause for a moment.",
    websocket_blocked: "This network blocks WebSockets.",
    websocket_mute: "On this network, WebSockets open but nothing gets through.",
    websocket_cut_early: "This network cuts WebSockets off after a few seconds.",
    polling_unavailable: "It's the only connection left.",
    polling_resting: "HTTP polling pauses for a moment.",
    polling_blocked: "HTTP polling failed.",
    polling_mute: "HTTP polling went silent.",
    polling_cut_early: "HTTP polling was cut off.",
    taking_turns: "Both connections failed lately, so they take turns.",
    all_resting: "Both connections failed too often, so they pause for a moment.",
    all_unavailable: "This browser can't connect to the server.",
    peers_reach_everyone: "Phones reach everyone here. The server gets a copy a moment later.",
    peers_preferred: "You chose it. The server gets a copy a moment later.",
    no_server: "Can't reach the server. Phones pass messages on, and save them to it once one of them is online.",
    shared: "This room is open in another tab, which holds the connection for both.",
  } as Record<TransportReason | Extract<CurrentRoute, { transport: "tab" | "p2p" }>["reason"], string>,
  next: (transport: string, seconds: number) => `Trying ${transport} again ${seconds > 0 ? `in ${seconds} s` : "now"}.`,
  measured: "Measured on this page",
  untried: "Not tried on this page.",
  latency: (ms: number | undefined) => `Response time ${ms === undefined ? "not measured" : `${Math.round(ms)} ms`}`,
  reliability: (share: number | undefined) =>
    `Success rate ${share === undefined ? "unknown" : `${Math.round(share * 100)}%`}`,
  health: (score: number | undefined) => `Health ${score === undefined ? "unknown" : `${score} of 100`}`,
  unavailable: "Not in this browser",
  resting: (seconds: number) => `Paused for ${seconds} s`,
  breakers: { closed: "Ready", open: "Trying soon", half_open: "Trying again" },
  stored: "Messages sent",
  storedValue: (count: number, ms: number | undefined) =>
    ms === undefined ? String(count) : `${count}, in ${Math.round(ms)} ms (median)`,
  waiting: "Waiting to send",
  refused: "Not accepted",
  received: "Messages received",
  duplicates: "Duplicates ignored",
  prefer: "Connection type",
  preferHint: "If your choice fails, another one takes over.",
  preferences: { auto: "Best", p2p: "Phones", websocket: "Socket", polling: "Polling" },
  peers: "Phones connected to this one",
  mode: "Phone-to-phone connections",
  modes: { auto: "Auto", on: "On", off: "Off" } satisfies Record<MeshMode, string>,
  modeHint: {
    switched_off: "Off. Everything goes through the server.",
    full: "Phones in a room connect to each other. It's faster, and keeps working without the server.",
    few_links: "A few connections only, to save your battery or data.",
    battery_low: "Your battery is low: used only where there's no server.",
    battery_very_low: "Your battery is almost empty: server only.",
    save_data: "Your phone is saving data: server only.",
    background: "Paused while this page is in the background.",
  } satisfies Record<PowerReason, string>,
  reach: (reached: number, missing: number) =>
    `${reached} of ${reached + missing} ${reached + missing === 1 ? "person" : "people"} here reached phone to phone`,
  nobody: "Nobody else is here.",
  noLinks: "None right now.",
  linkStates: { connecting: "connecting…", connected: "connected", suspect: "silent" },
  linkTime: (ms: number | undefined) => ms === undefined ? "" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`,
  paths: { direct: "direct", relayed: "through a relay" },
  tries: (connected: number, failed: number) =>
    `${few(connected, "1 phone connected", "phones connected")}, ${few(failed, "1 attempt failed", "attempts failed")}`,
  noRelay: "This server has no relay, so phones on different networks may not reach each other.",
  connectPeers: "Connect now",
  peersUnavailable: "This browser can't connect phones, or that part of the app didn't load.",
  receivedFromPeers: "Received from phones",
  check: "Why isn't it working?",
  checking: "Checking…",
  reconnect: "Reconnect",
  reset: "Reset and try again",
  copy: "Copy details",
  finding: (found: Finding, busyReason: (reason: BusyReason) => string): string => {
    switch (found.finding) {
      case "all_well":
        return "Everything works, and nothing is waiting.";
      case "no_network":
        return "This phone is offline. Your messages wait here and send automatically.";
      case "server_unreachable":
        return "You have a network, but the server doesn't answer. It may be down, or the cell tower overloaded. The app keeps trying.";
      case "connection_failing":
        return "The server answers, but the room can't connect. Reconnect, or choose the other connection type.";
      case "server_busy":
        return `The server asks you to wait. ${busyReason(found.reason)}`;
      case "websocket_blocked":
        return `This network blocks WebSockets. Polling works instead, a little slower.${
          found.nextTryInMs === undefined ? "" : ` Next try in ${Math.ceil(found.nextTryInMs / 1000)} s.`
        }`;
      case "polling_chosen":
        return "You chose polling. “Best” uses WebSocket where it works, which is faster.";
      case "slow":
        return `Responses take ${Math.round(found.latencyMs)} ms: the network is slow or crowded.`;
      case "unsteady":
        return `Only ${
          Math.round(found.reliability * 100)
        }% of the tries worked: the network is unstable. Nothing is lost.`;
      case "other_tab":
        return "Another tab on this phone holds the connection.";
      case "waiting":
        return `${few(found.count, "1 message is waiting", "messages are waiting")} and will send automatically.`;
      case "no_storage":
        return "This browser isn't saving anything (private mode?). Waiting messages are lost when you close this page.";
    }
  },
  reports: {
    legend: "Share anonymous connection statistics",
    on: "On",
    off: "Off",
    hint: "Some phones send counts and timings, so that bad networks are found. No names, no rooms, no messages.",
    byBrowser: "Your browser asks not to be tracked, so this app shares no connection statistics.",
  },
};
