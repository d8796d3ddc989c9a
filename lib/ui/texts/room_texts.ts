// Runs in browser and server.
/**
 * Every word that people read. One object per language, all of the same shape: `Texts` is what English has, and a
 * language that lacks a line does not compile. Pages take theirs from `textsFor`, components from `useTexts`.
 */
import { MESSAGE_MAX_CHARS, NAME_MAX_CHARS } from "../../protocol/limits.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { SendProblem } from "../../session/model/conversation_model.ts";

export const few = (count: number, one: string, more: string) =>
  count === 1 ? one : `${count.toLocaleString("en")} ${more}`;

const english = {
  language: "en",
  direction: "ltr" as "ltr" | "rtl",
  app: {
    name: "Festival Chat",
    skip: "Skip to the content",
    close: "Close",
    cancel: "Cancel",
    back: "Back to all rooms",
    toHome: "To the home page",
    copy: "Copy",
    copied: "Copied",
    copyFailed: "Copying is not allowed here. Select it and copy by hand.",
    tryAgain: "Try again",
  },
  room: {
    share: "Share this room",
    unnamed: "Room",
    /** In place of its name, until its key has opened that. */
    sealedUnnamed: "This room is sealed",
    people: (count: number) => few(count, "1 here", "here"),
    peopleTitle: (count: number) => few(count, "1 person is here", "people are here"),
    peopleMore: (count: number) => `and ${count.toLocaleString("en")} more`,
    you: "you",
    meNameless: "You",
    nameless: "Somebody",
    host: "host",
    copiedName: (name: string) => `not the first “${name}”`,
    markOf: (color: string) => `${color} mark`,
    messages: "Messages",
    loading: "Opening the room…",
    loadOlder: "Load older messages",
    loadingOlder: "Loading older messages…",
    beginning: "Here the room begins.",
    opened: (name: string) => `${name} opened the room`,
    renamed: (name: string) => `is now called ${name}`,
    retracted: "took a message back",
    unreadable: "A message that this phone cannot read.",
    newer: "From a newer version of the app. Reload to update.",
    gapLoading: (count: number) => few(count, "1 message is not loaded yet", "messages are not loaded yet"),
    /** `count` 0: nobody can tell how many. */
    gapGone: (count: number) =>
      count === 0
        ? "The server lost this room's log; messages may be missing here"
        : few(count, "1 message is gone for good", "messages are gone for good"),
    newMessages: "New",
    jump: "Jump to the newest message",
    jumpNew: (count: number) => few(count, "1 new message", "new messages"),
    edited: "edited",
    late: "came late",
    today: "Today",
    yesterday: "Yesterday",
    saysSomethingElse: "a message that is not here",
    settings: "Settings",
    notStored: "This browser keeps nothing: what you write lives only until you close this page.",
    sealed: "End-to-end encrypted",
  },
  message: {
    actions: "What to do with this message",
    reaction: (emoji: string, count: number, mine: boolean) =>
      `${emoji}, ${few(count, "1 person", "people")}${mine ? ", you too" : ""}`,
    takeBack: "Take back to edit",
    inReplyTo: (name: string) => `In reply to ${name}`,
  },
  delivery: {
    queued: "Waits on this phone",
    on_its_way: "On its way",
    on_phones: (count: number) => count === 1 ? "On 1 phone" : `On ${count.toLocaleString("en")} phones`,
    stored: "Stored",
    refused: "Not accepted",
  },
  composer: {
    label: "Message",
    skip: "Skip to writing",
    hint: "Write a message",
    hintOffline: "Waits here until sent",
    send: "Send",
    attach: "Attach a photo or file",
    left: (count: number) => few(count, "1 character left", "characters left"),
    tooLong: (over: number) =>
      `${few(over, "1 character", "characters")} over ${
        MESSAGE_MAX_CHARS.toLocaleString("en")
      }. Shorten it or send it in parts; nothing is lost.`,
    problems: {
      empty: "There is nothing to send.",
      too_long: "It is too long.",
      outbox_full: "A thousand messages wait on this phone already. This one stays here until some got through.",
      not_stored: "This phone could not keep the message. It stays here: free some space, then send it again.",
    } satisfies Record<SendProblem, string>,
    replying: (name: string) => `Replying to ${name}`,
    editing: "Editing your message",
    save: "Save",
    stop: "Stop",
  },
  connection: {
    connected: "Live",
    connecting: "Connecting",
    offline: "Offline",
    phones: "Phones",
    phonesOnly: "No server: phones carry it.",
    retryIn: (seconds: number) => `Next try in ${seconds} s.`,
    retrying: "Trying…",
    retryNow: "Try now",
    reasons: {
      offline: "Your phone has no network.",
      lost: "The connection was lost.",
      going_away: "The server restarts.",
      too_slow: "Your network was too slow to follow.",
      idle: "Nothing was heard for a while.",
      bad_frames: "The server did not understand this app.",
      no_such_room: "The room is gone.",
      unsupported_version: "This page is older than the server. Reload it.",
      hello_timeout: "The greeting took too long.",
      bad_hello: "The server does not accept this phone's key.",
      rate_limited: "Too many new connections. A short pause helps.",
      overloaded: "The server is full right now.",
      room_deleted: "The organisers closed this room.",
      room_cleared: "The organisers cleared this room.",
      banned: "The organisers do not let this phone in.",
      internal_error: "Something went wrong on the server.",
    } satisfies Record<CloseReason | "offline" | "lost", string>,
    open: "How this room is connected",
    linkPhones: "Link phones",
  },
  noNetwork: "The server cannot be reached. Is there a network?",
  name: {
    title: "What should we call you?",
    hint: "No account. Just a name, kept on this phone.",
    label: "Your name",
    guest: (number: number) => `Guest ${number}`,
    save: "That's me",
    change: "Change your name",
    empty: "A name needs at least one letter, number or sign.",
    tooLong: `A name has at most ${NAME_MAX_CHARS} characters.`,
  },
};

/** All words of one language. */
export type Texts = typeof english;

const LANGUAGES: Record<string, Texts> = { en: english };

/** The words of a language (a BCP 47 tag such as "de-AT"), or English where it is not there. */
export function textsFor(language: string): Texts {
  return LANGUAGES[language.toLowerCase()] ?? LANGUAGES[language.toLowerCase().split("-")[0] ?? ""] ?? english;
}
