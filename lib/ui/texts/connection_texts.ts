/** The words of the connection panel: apart from the others, so that they are loaded with it. */
import type { TransportReason } from "../../routing/transport_choice.ts";
import type { MeshMode } from "../../routing/mesh_mode.ts";
import type { PowerReason } from "../../routing/power_policy.ts";
import type { CurrentRoute } from "../../session/model/connection_model.ts";
import type { Finding } from "../../session/connection/connection_check.ts";
import { few } from "./room_texts.ts";

type ServerBusy = Extract<Finding, { finding: "server_busy" }>["reason"];

const english = {
  title: "Connection",
  transports: { websocket: "WebSocket", polling: "HTTP polling", tab: "Through another tab", p2p: "Phone to phone" },
  noRoute: "Looking for a transport to the server.",
  reasons: {
    first_choice: "The best transport, and it works.",
    preferred: "You chose it.",
    websocket_unavailable: "This browser has no WebSockets.",
    websocket_resting: "WebSockets failed several times and rest for a moment.",
    websocket_blocked: "Something in this network lets no WebSockets through.",
    websocket_mute: "WebSockets open in this network, and nothing comes through.",
    websocket_cut_early: "This network cuts WebSockets after a few seconds.",
    polling_unavailable: "Only one transport is left.",
    polling_resting: "The other transport rests for a moment.",
    polling_blocked: "The other transport failed.",
    polling_mute: "The other transport was silent.",
    polling_cut_early: "The other transport was cut.",
    taking_turns: "Every transport failed lately; they take turns.",
    all_resting: "Every transport failed too often and rests for a moment.",
    all_unavailable: "This browser has no transport to the server.",
    peers_reach_everyone: "Peers reach everybody here. The server gets it a moment later, to remember it.",
    peers_preferred: "You chose it. The server gets everything a moment later.",
    no_server: "The server cannot be reached. Phones carry it, and it is stored when one of them has a network.",
    shared: "Another tab on this phone shows this room. It holds the connection for both.",
  } as Record<TransportReason | Extract<CurrentRoute, { transport: "tab" | "p2p" }>["reason"], string>,
  next: (transport: string, seconds: number) =>
    `${transport} is tried again ${seconds > 0 ? `in ${seconds} s` : "now"}.`,
  measured: "Measured on this page",
  untried: "Not tried on this page.",
  latency: (ms: number | undefined) => `Round trip ${ms === undefined ? "not measured" : `${Math.round(ms)} ms`}`,
  reliability: (share: number | undefined) =>
    `Tries that worked ${share === undefined ? "none yet" : `${Math.round(share * 100)} %`}`,
  health: (score: number | undefined) => `Health ${score === undefined ? "unknown" : `${score} of 100`}`,
  unavailable: "Not in this browser",
  resting: (seconds: number) => `Rests for ${seconds} s`,
  breakers: { closed: "Trusted", open: "On trial next", half_open: "On trial" },
  stored: "Your messages stored",
  storedValue: (count: number, ms: number | undefined) =>
    ms === undefined ? String(count) : `${count}, in ${Math.round(ms)} ms (median)`,
  waiting: "Waiting on this phone",
  refused: "Refused",
  received: "Messages received",
  duplicates: "Repeats left out",
  prefer: "Which transport?",
  preferHint: "If the transport you choose fails, another one is taken.",
  preferences: { auto: "Best", p2p: "Peers", websocket: "Socket", polling: "Polling" },
  peers: "Phones linked to this one",
  mode: "Talk phone to phone?",
  modes: { auto: "Auto", on: "On", off: "Off" } satisfies Record<MeshMode, string>,
  modeHint: {
    switched_off: "Switched off. Everything goes over the server.",
    full: "Phones in a room link by themselves. It is faster, and goes on without the server.",
    few_links: "A few links only: your battery or your network is to be spared.",
    battery_low: "Your battery is low: only where there is no server.",
    battery_very_low: "Your battery is nearly empty: the server only.",
    save_data: "Your phone asks for little traffic: the server only.",
    background: "Paused while nobody looks at this page.",
  } satisfies Record<PowerReason, string>,
  reach: (reached: number, missing: number) =>
    `${reached} of ${reached + missing} ${reached + missing === 1 ? "person" : "people"} here reached phone to phone`,
  nobody: "Nobody else is here.",
  noLinks: "None now.",
  linkStates: { connecting: "linking…", connected: "linked", suspect: "silent" },
  linkTime: (ms: number | undefined) => ms === undefined ? "" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`,
  paths: { direct: "direct", relayed: "over a relay" },
  tries: (connected: number, failed: number) =>
    `${few(connected, "1 link came up", "links came up")}, ${few(failed, "1 try failed", "tries failed")}`,
  noRelay: "No relay is set up on this server: phones in different networks may not find each other.",
  connectPeers: "Connect phones now",
  peersUnavailable: "This browser cannot, or the page for it did not come.",
  receivedFromPeers: "Received from phones",
  unnamed: "Somebody",
  check: "Why is it not working?",
  checking: "Checking…",
  reconnect: "Reconnect",
  reset: "Forget and try anew",
  copy: "Copy details",
  finding: (found: Finding, busyReason: (reason: ServerBusy) => string): string => {
    switch (found.finding) {
      case "all_well":
        return "Nothing is wrong: the connection works, and nothing waits.";
      case "no_network":
        return "This phone has no network. What you write waits here and goes out by itself.";
      case "server_unreachable":
        return "There is a network, but the server does not answer. It may be down, or the cell tower is full. It is tried again by itself.";
      case "connection_failing":
        return "The server answers, but the room's connection does not come about. Reconnect, or choose the other transport.";
      case "server_busy":
        return `The server asks for patience. ${busyReason(found.reason)}`;
      case "websocket_blocked":
        return `This network lets no WebSockets through; polling carries everything, a little slower.${
          found.nextTryInMs === undefined ? "" : ` The next try is in ${Math.ceil(found.nextTryInMs / 1000)} s.`
        }`;
      case "polling_chosen":
        return "You chose polling. “Best” takes WebSocket where it works, which is faster.";
      case "slow":
        return `Answers take ${Math.round(found.latencyMs)} ms: the network is slow or crowded.`;
      case "unsteady":
        return `Only ${
          Math.round(found.reliability * 100)
        } % of the tries worked: the network is unsteady. Nothing is lost.`;
      case "other_tab":
        return "Another tab on this phone holds the connection.";
      case "waiting":
        return `${few(found.count, "1 message waits", "messages wait")} on this phone, and will go out by themselves.`;
      case "no_storage":
        return "This browser lets nothing be kept (private mode?). What waits is lost when this page is closed.";
    }
  },
  reports: {
    legend: "Tell the server how this connection works",
    on: "Tell",
    off: "Do not tell",
    hint:
      "Some phones send counts and times of their connections, so that bad networks are found. No names, no rooms, no messages.",
    byBrowser:
      "Your browser asks not to be tracked: this app tells the server nothing about how your connection works.",
  },
};

export type ConnectionTexts = typeof english;

const LANGUAGES: Record<string, ConnectionTexts> = { en: english };

/** The panel's words in a language of texts.ts; English where it has none. */
export function connectionTextsFor(language: string): ConnectionTexts {
  return LANGUAGES[language] ?? english;
}
