// Runs in browser and server.
/** Words of what a room's page shows only when somebody asks for it: apart from the others, so that they are loaded with it. */
import type { Refusal } from "../../protocol/codes.ts";
import type { RoomProblem } from "../../session/model/conversation_model.ts";
import { type Texts, textsFor } from "./room_texts.ts";

const english = {
  /** What can be done with a message. */
  menu: {
    reply: "Reply",
    react: "React",
    edit: "Edit",
    retract: "Take back",
    retractSure: "Take it back for everybody?",
    copy: "Copy",
    otherEmoji: "Another emoji",
  },
  share: {
    title: "Come in",
    aloud: "Say it aloud",
    scan: "Or point a camera here",
    qr: (room: string) => `QR code of the room “${room}”`,
    copyLink: "Copy link",
    send: "Send…",
    show: "Bigger",
    smaller: "Smaller",
    sealedHint: "This room has no code to say: its key is in the link. Give the link only to who may read everything.",
    host: (host: string) => `at ${host}`,
  },
  /** A room in which nobody has said anything. */
  empty: {
    title: "Nothing said yet.",
    hint: "Say this code or show it to a friend: it is all they need.",
    hintSealed: "Show its QR code to a friend, or send the link: it is all they need.",
  },
  settings: {
    title: "Settings",
    youAre: "You are",
    whoAreYou: "You have no name yet",
    theme: "Look",
    themes: { auto: "Auto", dark: "Night", sunlight: "Sunlight" },
    themeHint: "Sunlight: black on white, for bright noon.",
    leave: "Leave the room",
    leaveHint: "It leaves your list on this phone. The code brings you back.",
    leaveHintSealed: "It leaves your list on this phone, with its key. Only the whole link brings you back.",
    favourite: "Keep as a favourite",
    unfavourite: "Remove from favourites",
  },
  /** Why a room cannot be shown. */
  problems: {
    no_such_room: { title: "This room is gone", hint: "Rooms end when nobody writes in them for a long time." },
    room_deleted: {
      title: "This room is gone",
      hint: "The organisers closed this room.",
    },
    banned: {
      title: "Not let in",
      hint: "The organisers do not let this phone in, perhaps only for a while.",
    },
    unsupported_version: { title: "Please reload", hint: "This page is older than the server." },
    wrong_secret: { title: "The key does not fit", hint: "Part of the link is missing or changed. Ask for it again." },
    bad_hello: { title: "Not let in", hint: "The server does not accept this phone's key. Reload the page." },
    secret_missing: {
      title: "This room is sealed",
      hint:
        "Its key stands at the end of the link, after the #, and never leaves your phones. This link lost it: ask for the whole link, or scan the QR code.",
    },
  } satisfies Record<RoomProblem["problem"], { title: string; hint: string }>,
  /** Why a message was not accepted. */
  refusals: {
    bad_event: "The server could not read it.",
    too_long: "It is too long.",
    bad_signature: "Its signature does not fit. Reload the page and write it again.",
    wrong_room: "It was written for another room.",
    wrong_kind: "This room does not take such messages.",
    conflict: "Another window of yours already used its number. Write it again.",
    missing_previous: "A message before it has to arrive first. It will be sent again.",
    expired: "It waited too long and is older than what the room keeps.",
    clock_ahead: "It is too far ahead of the room.",
    banned: "The organisers do not let this phone in.",
    rate_limited: "That was too fast. It will be sent again in a moment.",
    overloaded: "The server has too much to do. It will be sent again.",
    storage_unavailable: "The server cannot store anything now. It will be sent again.",
  } satisfies Record<Refusal, string>,
};

/** These and the words of the rooms, in one language. */
export type DialogTexts = Texts & typeof english;

const LANGUAGES: Record<string, typeof english> = { en: english };
const made = new Map<Texts, DialogTexts>();

/** The words in a language (as textsFor takes it); English where it is not there. */
export function dialogTextsFor(language: string): DialogTexts {
  const texts = textsFor(language);
  const all = made.get(texts) ?? { ...texts, ...(LANGUAGES[texts.language] ?? english) };
  made.set(texts, all);
  return all;
}
