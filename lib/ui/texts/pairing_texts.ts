/** The words of linking two phones without a server: apart from the others, so that they are loaded with it. */
import type { PairingAdvice } from "../../session/mesh/pairing_advice.ts";
import type { PairingState } from "../../transport/pairing.ts";

const english = {
  title: "Link two phones",
  intro: "No server and no internet needed: both phones in one Wi-Fi, or one in the other's hotspot.",
  sealed: "This code carries the key of the room. Show it only to people who may read it.",
  code: "Code of this phone. Let the other phone scan it.",
  preparing: "Making this phone's code…",
  steps: "Open this on both phones. Each scans the other's code.",
  scanBack: "Scanned. Now let the other phone scan this code.",
  linked: (name: string | undefined) => name === undefined ? "Linked." : `Linked with ${name}.`,
  linkedHint: "What you write goes from phone to phone, and on to everybody who is linked with one of you.",
  own: "That is this phone's own code. Point the camera at the other phone.",
  otherRoom: "That code is of another room. Open the same room on both phones.",
  noCode: "That is not a code for linking phones. On the other phone, choose “Link two phones”.",
  larger: "Larger code",
  smaller: "Smaller code",
  again: "Try again",
  done: "To the room",
  otherTab: "This room is open in another tab, which holds the links. Link phones there.",
  failed: {
    unavailable: "This browser cannot link phones.",
    no_path: "The phones found no way to each other.",
    unproven: "The other phone could not prove who it is, or what the room is.",
  } satisfies Record<Extract<PairingState, { state: "failed" }>["reason"], string>,
  waiting: "Not linked yet. This may be why:",
  advice: {
    scan_back: "The other phone has to scan this phone's code, too.",
    no_network: "This phone is in no network. Join a Wi-Fi, or the other phone's hotspot, and try again.",
    their_no_network: "The other phone is in no network. It needs this Wi-Fi, or this phone's hotspot.",
    hidden: "This browser hides this phone's address. Allow the camera, and try again.",
    their_hidden: "The other phone's browser hides its address. Allow the camera there, and try again.",
    other_network: "The phones are in different networks. Put both in one Wi-Fi, or one in the other's hotspot.",
    isolated: "This Wi-Fi may keep phones apart, as guest networks do. A hotspot of one of the phones does not.",
  } satisfies Record<PairingAdvice, string>,
  camera: {
    starting: "Starting the camera…",
    running: "Point the camera at the other phone's code.",
    denied: "The camera is not allowed. Allow it in your browser's settings for this site.",
    none: "No camera was found: this phone cannot scan the other one's code.",
    busy: "Another app uses the camera. Close it and try again.",
    insecure: "Browsers allow the camera on https pages only.",
  },
};

export type PairingTexts = typeof english;

const LANGUAGES: Record<string, PairingTexts> = { en: english };

/** The words in a language of texts.ts; English where it has none. */
export function pairingTextsFor(language: string): PairingTexts {
  return LANGUAGES[language] ?? english;
}
