// Runs in browser and server.
/** Texts of a room's dialogs, menus and rare screens. Room pages load them on demand, with what shows them. */
import type { Refusal } from "../../protocol/codes.ts";
import type { RoomProblem } from "../../session/model/conversation_model.ts";
import { nameTexts } from "./name_texts.ts";
import { roomTexts } from "./room_texts.ts";

export const dialogTexts = {
  ...roomTexts,
  clipboard: { copied: "Copied", failed: "Copying isn't allowed here" },
  toHome: "Back to the home page",
  /** Actions on a message. */
  menu: {
    reply: "Reply",
    react: "React",
    edit: "Edit",
    deleteMessage: "Delete for everyone",
    deleteSure: "Delete this message for everyone?",
    copy: "Copy",
    otherEmoji: "More emoji",
  },
  name: nameTexts,
  share: {
    aloud: "Say this code",
    qr: (room: string) => `QR code for “${room}”`,
    copyLink: "Copy link",
    send: "Send link…",
    enlarge: "Enlarge",
    sealedHint:
      "Sealed rooms have no code: the key is in the link. Only share this link with people who may read everything.",
    host: (host: string) => `at ${host}`,
  },
  /** A room without any message. */
  empty: {
    title: "No messages yet",
    hint: "Share this code with your friends. It's all they need to join.",
    hintSealed: "Show your friends the QR code, or send them the link. It's all they need to join.",
  },
  settings: {
    youAre: "Your name",
    noName: "No name yet",
    theme: "Theme",
    themes: { auto: "Auto", dark: "Dark", sunlight: "Sunlight" },
    themeHint: "Sunlight is black on white, for bright days.",
    leave: "Leave room",
    leaveHint: "Removes this room from your phone. You can come back with the code.",
    leaveHintSealed: "Removes this room and its key from your phone. You can only come back with the full link.",
    favourite: "Add to favourites",
    unfavourite: "Remove from favourites",
  },
  /** Why a room cannot be shown. */
  problems: {
    no_such_room: { title: "This room is gone", hint: "Rooms close when nobody has written for a long time." },
    room_deleted: { title: "This room is gone", hint: "The organisers closed this room." },
    banned: {
      title: "You can't join",
      hint: "The organisers have blocked this phone, maybe only for a while.",
    },
    unsupported_version: { title: "Please reload", hint: "This page is out of date." },
    wrong_secret: { title: "This link is broken", hint: "Part of it is missing or changed. Ask for the link again." },
    bad_hello: { title: "You can't join", hint: "The server didn't accept this phone's key. Reload the page." },
    secret_missing: {
      title: "This room is sealed",
      hint:
        "Its key is at the end of the link, after the #, and is never sent to the server. Your link is missing it: ask for the full link, or scan the QR code.",
    },
  } satisfies Record<RoomProblem["problem"], { title: string; hint: string }>,
  /** Why a message was not accepted. */
  refusals: {
    bad_event: "The server couldn't read it.",
    too_long: "It's too long.",
    bad_signature: "Its signature doesn't match. Reload the page, then send it again.",
    wrong_room: "It was written for another room.",
    wrong_kind: "This room doesn't take messages of this kind.",
    conflict: "It clashed with a message from another tab. Send it again.",
    missing_previous: "An earlier message has to arrive first. This one will be sent again.",
    expired: "It waited too long: the room no longer keeps messages this old.",
    clock_ahead: "It's too far ahead of the room.",
    banned: "The organisers have blocked this phone.",
    rate_limited: "That was too fast. It will be sent again in a moment.",
    overloaded: "The server is busy. It will be sent again.",
    room_full: "The room is full. It will be sent when there is space again.",
    storage_unavailable: "The server can't save anything right now. It will be sent again.",
  } satisfies Record<Refusal, string>,
};
