/** Texts of connecting two phones without a server. They are loaded with the dialog that shows them. */
import type { PairingAdvice } from "../../session/mesh/pairing_advice.ts";
import type { PairingState } from "../../transport/pairing.ts";
import { roomTexts } from "./room_texts.ts";

export const pairingTexts = {
  title: "Connect two phones",
  intro: "No server or internet needed: both phones on the same Wi-Fi, or one on the other's hotspot.",
  sealed: "This code contains the room's key. Only show it to people who may read everything.",
  code: "This phone's code. Let the other phone scan it.",
  preparing: "Preparing this phone's code…",
  steps: "Open this on both phones. Each scans the other's code.",
  scanBack: "Scanned. Now let the other phone scan this code.",
  linked: (name: string | undefined) => name === undefined ? "Connected." : `Connected to ${name}.`,
  linkedHint: "Your messages go from phone to phone, and on to everyone connected to one of you.",
  own: "That's this phone's own code. Point the camera at the other phone.",
  otherRoom: "That code is for another room. Open the same room on both phones.",
  noCode: `That isn't a code for connecting phones. On the other phone, choose “${roomTexts.connection.linkPhones}”.`,
  larger: "Larger code",
  smaller: "Smaller code",
  again: "Try again",
  done: "Go to the room",
  otherTab: "This room is open in another tab, which handles the connections. Connect phones there.",
  failed: {
    unavailable: "This browser can't connect to other phones.",
    no_path: "The phones couldn't reach each other.",
    unproven: "The other phone couldn't prove who it is, or that it's in this room.",
  } satisfies Record<Extract<PairingState, { state: "failed" }>["reason"], string>,
  waiting: "Not connected yet. This may be why:",
  advice: {
    scan_back: "The other phone still has to scan this phone's code.",
    no_network: "This phone isn't on a network. Join a Wi-Fi or the other phone's hotspot, then try again.",
    their_no_network: "The other phone isn't on a network. It needs this Wi-Fi or this phone's hotspot.",
    hidden: "This browser hides this phone's address. Allow the camera, then try again.",
    their_hidden: "The other phone's browser hides its address. Allow the camera there, then try again.",
    other_network: "The phones are on different networks. Use the same Wi-Fi, or one phone's hotspot.",
    isolated: "This Wi-Fi may keep phones apart, as guest networks do. Try one phone's hotspot.",
  } satisfies Record<PairingAdvice, string>,
  camera: {
    starting: "Starting the camera…",
    running: "Point the camera at the other phone's code.",
    denied: "Camera access is blocked. Allow it in your browser's settings for this site.",
    none: "No camera found, so this phone can't scan the other one's code.",
    busy: "Another app is using the camera. Close it, then try again.",
    insecure: "The camera only works on https pages.",
  },
};
