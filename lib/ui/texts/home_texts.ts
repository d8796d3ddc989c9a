// Runs in browser and server.
/** The words of the pages around the rooms (home, scanner, not found, offline, errors): rooms need not load them. */
import { type DialogTexts, dialogTextsFor } from "./dialog_texts.ts";
import type { RoomApiProblem as ServerRoomProblem } from "../../protocol/codes.ts";
import type { RoomKind } from "../../protocol/event.ts";
import { few } from "./room_texts.ts";

const english = {
  site: {
    pitch: "Say a code, or show one. Your group is talking: no account, no download.",
    description:
      "Group chat for festivals. Start a room, say its code, and everyone is in. No account, no download; messages wait on your phone until they get through.",
    noScript:
      "Chatting needs JavaScript: your messages are signed on this device and wait here until they are stored. Please switch it on for this page, or open it in another browser.",
    tooOld:
      "This browser is too old for Festival Chat. Please update it, or open this page in another one: Safari 15.4, Chrome 99, Firefox 102 and everything newer work.",
    notStarted: "This page could not start.",
    reload: "Load it again",
  },
  kinds: {
    listed: { name: "Listed", hint: "On the home page, for everybody." },
    unlisted: { name: "Unlisted", hint: "For who has the code or the link." },
    sealed: { name: "Sealed", hint: "End-to-end encrypted. Opens by link or QR only." },
  } satisfies Record<RoomKind, { name: string; hint: string }>,
  home: {
    start: "Start a room",
    roomName: "Name of the room",
    roomNameHint: "The Sunday tent crew",
    kind: "Who can find it?",
    open: "Open the room",
    opening: "Opening…",
    waiting: "Waiting…",
    waits: "The server has too much to do right now. Your room opens by itself as soon as there is time for it.",
    stopWaiting: "Do not wait",
    nameMissing: "Give the room a name first.",
    nameTooLong: (max: number) => `A room's name has at most ${max} characters.`,
    join: "Join",
    code: "Room code",
    codeHint: "cosmic stage 417",
    codeHelp: "Capitals, spaces and hyphens do not matter.",
    codeShape: "A code is two words and a number, like “cosmic stage 417”.",
    go: "Go",
    looking: "Looking…",
    scan: "Scan a QR code",
    scanShort: "Scan",
    notFound: (code: string) => `There is no room “${code}”.`,
    didYouMean: "Did you mean",
    suggested: "Start here",
    favourites: "Favourites",
    recent: "Your rooms",
    recentEmpty: "Rooms you open appear here, so you find back with one tap.",
    listed: "Open to everybody",
    listedEmpty: "No listed room is open now. Start one, and everybody here sees it.",
    listedFailed: "The list of rooms could not be loaded.",
    offline: "The server cannot be reached. Your rooms open all the same; starting or joining one has to wait.",
    people: (count: number) => count === 0 ? "nobody here now" : few(count, "1 person", "people"),
    unread: (count: number) => few(count, "1 new message", "new messages"),
    favourite: (name: string) => `Keep “${name}” as a favourite`,
    unfavourite: (name: string) => `“${name}” is a favourite: remove it`,
    forget: (name: string) => `Forget “${name}”`,
    you: "You",
  },
  creating: {
    bad_event: "The server could not read the request. Reload the page and try again.",
    bad_signature: "The signature does not fit. Reload the page and try again.",
    too_long: "The name is too long.",
    not_a_founding: "The server could not read the request. Reload the page and try again.",
    id_taken: "Please try once more.",
    no_free_code: "No code is free right now. Please try once more.",
    no_such_room: "There is no such room.",
    rate_limited: "That was a lot of tries. Please wait a moment.",
    too_slow: "The network was too slow. Please try once more.",
    overloaded: "The server has too much to do right now. Please try again in a moment.",
    storage_unavailable: "The server cannot store anything now. Please try again in a moment.",
  } satisfies Record<ServerRoomProblem, string>,
  scanner: {
    title: "Scan a room's QR code",
    aim: "Point the camera at the code.",
    starting: "Starting the camera…",
    picture: "Use a picture instead",
    torchOn: "Light on",
    torchOff: "Light off",
    denied: "The camera is not allowed. Allow it in your browser's settings for this site, or use a picture.",
    none: "No camera was found. Use a picture instead.",
    busy: "Another app uses the camera. Close it, or use a picture.",
    insecure: "Browsers allow the camera on https pages only. A picture works here too.",
    noCode: "No QR code was found in this picture. Come closer, or try another one.",
    foreign: (text: string) => `This QR code is not one of our rooms: “${text}”`,
    found: (what: string) => `Found ${what}. Opening…`,
    foundSealed: "Found a sealed room. Opening…",
    foundPhone: "Found a phone. Opening its room…",
  },
  notFound: {
    roomTitle: "No such room",
    looked: (code: string) => `We looked for “${code}”.`,
    notACode: (text: string) => `“${text}” is not a room code. A code is two words and a number.`,
    meant: "Did you mean one of these?",
    tryCode: "Try another code",
    waitTitle: "Too many tries",
    wait: (seconds: number) =>
      `Too many wrong codes from this device. Try again in ${few(seconds, "a second", "seconds")}.`,
    title: "Nothing here",
    hint: (path: string) => `There is no page at ${path}.`,
  },
  offline: {
    title: "No connection",
    room: "This room was not opened on this phone yet. It needs a network once; from then on it opens without.",
    page: "This page is not kept on phones. It needs a network.",
    phones: "Is somebody here with the room open? Their phone can pass it on: “Link phones” there, and scan its code.",
    scan: "Scan a phone's code",
    kept: "These rooms open",
    noneKept:
      "No room is kept on this phone yet. Open one while there is a network, and it is there when there is none.",
  },
  error: {
    title: "That went wrong",
    hint: "Not your fault. What you wrote is still on this phone. Try again in a moment.",
    busyTitle: "One moment",
    busyHint: "The server has too much to do right now. Try again in a moment.",
  },
};

/** These and the words of the rooms, in one language. */
export type HomeTexts = DialogTexts & typeof english;

const LANGUAGES: Record<string, typeof english> = { en: english };
const made = new Map<DialogTexts, HomeTexts>();

/** The words in a language (as textsFor takes it); English where it is not there. */
export function homeTextsFor(language: string): HomeTexts {
  const texts = dialogTextsFor(language);
  const all = made.get(texts) ?? { ...texts, ...(LANGUAGES[texts.language] ?? english) };
  made.set(texts, all);
  return all;
}
