// Runs in browser and server.
/** Texts that every room page shows. */
import type { CloseReason } from "../../protocol/codes.ts";
import { MESSAGE_MAX_CHARS } from "../../protocol/limits.ts";
import type { SendProblem } from "../../session/model/conversation_model.ts";

/** A count in words: `one` for 1, else the number and `more`. */
export function few(count: number, one: string, more: string): string {
  return count === 1 ? one : `${count.toLocaleString("en")} ${more}`;
}

export const roomTexts = {
  language: "en",
  app: {
    name: "Festival Chat",
    close: "Close",
    cancel: "Cancel",
    back: "Back to all rooms",
    tryAgain: "Try again",
  },
  room: {
    share: "Invite people",
    unnamed: "Room",
    /** In place of the name, until the key has decrypted it. */
    sealedUnnamed: "Sealed room",
    people: (count: number) => few(count, "1 here", "here"),
    peopleTitle: (count: number) => few(count, "1 person here", "people here"),
    peopleMore: (count: number) => `and ${count.toLocaleString("en")} more`,
    you: "you",
    meNameless: "You",
    nameless: "Someone",
    guest: (number: number) => `Guest ${number}`,
    host: "host",
    copiedName: (name: string) => `another ${name} was here first`,
    markOf: (color: string) => `${color} mark`,
    messages: "Messages",
    loading: "Opening the room…",
    loadOlder: "Load earlier messages",
    loadingOlder: "Loading earlier messages…",
    beginning: "This is the start of the room.",
    opened: (name: string) => `${name} started the room`,
    renamed: (name: string) => `is now called ${name}`,
    retracted: "deleted a message",
    unreadable: "This phone can't read this message.",
    newer: "This message is from a newer version of the app. Reload to update.",
    gapLoading: (count: number) => few(count, "1 message isn't loaded yet", "messages aren't loaded yet"),
    /** `count` 0: nobody knows how many. */
    gapGone: (count: number) =>
      count === 0
        ? "The server lost this room's history. Messages may be missing here."
        : few(count, "1 message is gone for good", "messages are gone for good"),
    newMessages: "New",
    jump: "Jump to the latest message",
    jumpNew: (count: number) => few(count, "1 new message", "new messages"),
    edited: "edited",
    late: "arrived late",
    today: "Today",
    yesterday: "Yesterday",
    quoteMissing: "This message isn't here",
    settings: "Settings",
    notStored: "This browser isn't saving anything. Unsent messages are lost when you close this page.",
    sealed: "End-to-end encrypted",
  },
  message: {
    actions: "Message actions",
    reaction: (emoji: string, count: number, mine: boolean) =>
      `${emoji}, ${few(count, "1 person", "people")}${mine ? ", including you" : ""}`,
    discardRefused: "Take back and edit",
    inReplyTo: "In reply to",
  },
  delivery: {
    queued: "Waiting to send",
    on_its_way: "Sending…",
    on_phones: (count: number) => count === 1 ? "On 1 phone" : `On ${count.toLocaleString("en")} phones`,
    stored: "Sent",
    refused: "Not accepted",
  },
  composer: {
    label: "Message",
    skip: "Skip to the message box",
    hint: "Write a message",
    hintOffline: "Sends when online",
    send: "Send",
    attach: "Attach a photo or file",
    left: (count: number) => few(count, "1 character left", "characters left"),
    tooLong: (over: number) =>
      `${few(over, "1 character", "characters")} over the limit of ${
        MESSAGE_MAX_CHARS.toLocaleString("en")
      }. Shorten it, or send it in parts.`,
    problems: {
      empty: "There's nothing to send.",
      too_long: "It's too long.",
      outbox_full: "A thousand messages are already waiting to send. This one stays here for now.",
      not_stored: "This phone couldn't save the message. It's still here: free up some space, then send it again.",
    } satisfies Record<SendProblem, string>,
    replying: (name: string) => `Replying to ${name}`,
    editing: "Editing your message",
    save: "Save",
    stop: "Cancel",
  },
  connection: {
    connected: "Live",
    connecting: "Connecting",
    offline: "Offline",
    phones: "Phones",
    phonesOnly: "No server: messages go from phone to phone.",
    retryIn: (seconds: number) => `Next try in ${seconds} s.`,
    retrying: "Trying…",
    retryNow: "Try now",
    reasons: {
      offline: "Your phone is offline.",
      lost: "The connection was lost.",
      going_away: "The server is restarting.",
      too_slow: "Your network was too slow to keep up.",
      idle: "The connection went quiet.",
      bad_frames: "The server didn't understand this app.",
      no_such_room: "This room is gone.",
      unsupported_version: "This page is out of date. Reload it.",
      hello_timeout: "Connecting took too long.",
      bad_hello: "The server didn't accept this phone's key.",
      rate_limited: "Too many new connections. Wait a moment.",
      overloaded: "The server is full right now.",
      room_deleted: "The organisers closed this room.",
      room_cleared: "The organisers cleared this room.",
      banned: "The organisers have blocked this phone.",
      internal_error: "Something went wrong on the server.",
    } satisfies Record<CloseReason | "offline" | "lost", string>,
    open: "Connection details",
    linkPhones: "Connect phones directly",
  },
  noNetwork: "Can't reach the server. Are you online?",
};
