// Runs in browser and server.
/** Texts of the pages around the rooms (home, scanner, not found, offline, errors). Room pages do not load them. */
import type { RoomApiProblem } from "../../protocol/codes.ts";
import type { RoomKind } from "../../protocol/event.ts";
import type { HttpProblem } from "../../session/home/room_requests.ts";
import { dialogTexts } from "./dialog_texts.ts";
import { few } from "./room_texts.ts";

export const homeTexts = {
  ...dialogTexts,
  site: {
    pitch: "Share a code and your group is chatting: no account, no download.",
    description:
      "Group chat for festivals. Start a room, share its code, and everyone is in. No account, no download. Messages wait on your phone until they get through.",
    noScript:
      "Festival Chat needs JavaScript to sign your messages and keep them until they are sent. Turn it on for this site, or use another browser.",
    tooOld:
      "This browser is too old for Festival Chat. Update it, or use another one: Safari 15.4, Chrome 99, Firefox 102, or newer.",
    notStarted: "This page couldn't start.",
    reload: "Reload",
    skip: "Skip to content",
  },
  kinds: {
    listed: { name: "Listed", hint: "Shown on the home page for everyone." },
    unlisted: { name: "Unlisted", hint: "For anyone with the code or link." },
    sealed: { name: "Sealed", hint: "End-to-end encrypted. Opens only by link or QR code." },
  } satisfies Record<RoomKind, { name: string; hint: string }>,
  home: {
    start: "Start a room",
    roomName: "Room name",
    roomNameHint: "Sunday tent crew",
    kind: "Who can find it?",
    open: "Start room",
    opening: "Starting…",
    waiting: "Waiting…",
    waits: "The server is busy right now. Your room opens automatically as soon as there's space.",
    stopWaiting: "Stop waiting",
    nameMissing: "Enter a room name first.",
    nameTooLong: (max: number) => `Room names can have up to ${max} characters.`,
    join: "Join a room",
    code: "Room code",
    codeHint: "cosmic stage 417",
    codeHelp: "Capitals, spaces and hyphens don't matter.",
    codeShape: "A code is two words and a number, like “cosmic stage 417”.",
    go: "Join",
    looking: "Joining…",
    scan: "Scan QR code",
    notFound: (code: string) => `There's no room “${code}”.`,
    didYouMean: "Did you mean",
    suggested: "Recommended",
    favourites: "Favourites",
    recent: "Your rooms",
    recentEmpty: "Rooms you open appear here, one tap away.",
    listed: "Open to everyone",
    listedEmpty: "No listed rooms right now. Start one and everyone will see it here.",
    listedFailed: "Couldn't load the list of rooms.",
    offline: "Can't reach the server. You can still open your rooms; joining or starting one has to wait.",
    people: (count: number) => count === 0 ? "nobody here now" : few(count, "1 person", "people"),
    unread: (count: number) => few(count, "1 new message", "new messages"),
    favourite: (name: string) => `Add “${name}” to favourites`,
    unfavourite: (name: string) => `Remove “${name}” from favourites`,
    you: "You",
  },
  creating: {
    bad_event: "The server couldn't read the request. Reload the page and try again.",
    bad_signature: "The server couldn't verify the request. Reload the page and try again.",
    too_long: "The name is too long.",
    not_a_genesis_event: "The server couldn't read the request. Reload the page and try again.",
    id_taken: "Please try again.",
    no_free_code: "No code is free right now. Please try again.",
    no_such_room: "There's no such room.",
    rate_limited: "Too many tries. Wait a moment, then try again.",
    too_slow: "Your network was too slow. Please try again.",
    overloaded: "The server is busy. Try again in a moment.",
    storage_unavailable: "The server can't save anything right now. Try again in a moment.",
  } satisfies Record<RoomApiProblem, string>,
  scanner: {
    title: "Scan a QR code",
    aim: "Point the camera at the code.",
    starting: "Starting the camera…",
    picture: "Use a picture instead",
    torchOn: "Light on",
    torchOff: "Light off",
    denied: "Camera access is blocked. Allow it in your browser's settings for this site, or use a picture.",
    none: "No camera found. Use a picture instead.",
    busy: "Another app is using the camera. Close it, or use a picture.",
    insecure: "The camera only works on https pages. Use a picture instead.",
    noCode: "No QR code found in this picture. Move closer, or try another one.",
    foreign: (text: string) => `This QR code isn't for a room here: “${text}”`,
    found: (code: string) => `Found ${code}. Opening…`,
    foundSealed: "Found a sealed room. Opening…",
    foundPhone: "Found a phone. Opening its room…",
  },
  notFound: {
    roomTitle: "Room not found",
    noSuchCode: (code: string) => `There's no room with the code “${code}”.`,
    notACode: (text: string) => `“${text}” isn't a room code. A code is two words and a number.`,
    meant: "Did you mean one of these?",
    tryCode: "Try another code",
    waitTitle: "Too many tries",
    wait: (seconds: number) =>
      `Too many wrong codes from this device. Try again in ${few(seconds, "1 second", "seconds")}.`,
    title: "Page not found",
    hint: "There's no page at this address.",
  },
  offline: {
    title: "No connection",
    room: "This room hasn't been opened on this phone yet. Open it once while online; after that it works offline.",
    page: "This page isn't available offline.",
    phones:
      `Is someone here in the room already? On their phone, choose “${dialogTexts.connection.linkPhones}”, then scan the code it shows.`,
    scan: "Scan a phone's code",
    kept: "Rooms available offline",
    noneKept: "No rooms are saved on this phone yet. Open one while online and you'll find it here when offline.",
  },
  error: {
    title: "Something went wrong",
    hint: "It's not you. Everything you wrote is still on this phone. Try again in a moment.",
    busyTitle: "One moment",
    busyHint: "The server is busy. Try again in a moment.",
  },
};

/** Why a request failed. */
export function httpProblemText({ problem }: { problem: HttpProblem["problem"] }): string {
  return problem === "offline" ? homeTexts.noNetwork : homeTexts.creating[problem];
}
