// Runs in browser and server.
/** Reads links to rooms from the texts of QR codes. */

import { OFFLINE_PATH, PAIRING_FRAGMENT } from "../shared/page_paths.ts";
import { PAIRING_PREFIX } from "../protocol/peer/pairing_code.ts";
import { parseUrl } from "../shared/parse_url.ts";

/** The room that a scanned text leads to. */
export type ScannedRoom =
  /** `path` opens on this site, with the fragment that holds a sealed room's key. */
  | { found: "code" | "sealed"; path: string; code?: string }
  /** Another phone's pairing code: the room opens, and this phone shows its own code there. */
  | { found: "pairing"; path: string }
  | { found: "foreign"; text: string };

const ROOM_PATH = /^\/r\/([a-z]+-[a-z]+-[1-9][0-9]{0,2})\/?$/;
const SEALED_PATH = /^\/s\/[A-Za-z0-9_-]{22}\/?$/;
/** Longer scanned texts are cut when shown. */
const SHOWN_MAX_CHARS = 80;

/** Reads the text of a QR code. Only rooms on `origin` open, because a code must not lead people to another site. */
export function readScanned(text: string, origin: string): ScannedRoom {
  if (text.startsWith(PAIRING_PREFIX)) {
    return { found: "pairing", path: `${OFFLINE_PATH}#${PAIRING_FRAGMENT}${encodeURIComponent(text)}` };
  }
  const url = parseUrl(text.trim());
  if (url?.origin === origin) {
    const code = ROOM_PATH.exec(url.pathname.toLowerCase())?.[1];
    if (code !== undefined) return { found: "code", path: `/r/${code}`, code };
    if (SEALED_PATH.test(url.pathname)) return { found: "sealed", path: url.pathname + url.hash };
  }
  const shown = [...text.trim()];
  return {
    found: "foreign",
    text: shown.length > SHOWN_MAX_CHARS ? `${shown.slice(0, SHOWN_MAX_CHARS).join("")}…` : shown.join(""),
  };
}
