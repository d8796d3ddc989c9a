/** Texts about files. Pages load them with what shows them. */
import type { BlockedReason } from "../../files/file_ports.ts";
import { FILE_CAPTION_MAX_CHARS, FILE_MAX_BYTES } from "../../protocol/limits.ts";
import type { FileProblem } from "../../session/model/files_model.ts";
import { few } from "./room_texts.ts";

export const fileTexts = {
  picture: (name: string) => `Picture: ${name}`,
  file: (name: string, size: string) => `File: ${name}, ${size}`,
  looking: "Checking this phone…",
  download: "Download",
  pause: "Pause",
  resume: "Resume",
  save: "Save",
  large: "Picture",
  show: (name: string) => `Show full screen: ${name}`,
  progress: (name: string) => `Download progress of ${name}`,
  absent: "Not on this phone",
  fetching: (here: string, size: string, phones: number) =>
    phones === 0 ? `${here} of ${size}` : `${here} of ${size}, from ${few(phones, "1 phone", "phones")}`,
  paused: (here: string, size: string) => `Paused at ${here} of ${size}`,
  here: "On this phone",
  onlyHere: "Only on this phone so far. Others can download it while you have this room open.",
  unreadable: "This picture can't be shown. Save it to open it elsewhere.",
  blocked: {
    no_holder: "Nobody online has this file right now. It downloads when someone who has it connects.",
    false_offer: "This file isn't what the message says, so it can't be downloaded.",
    full: "This phone is full. Free up some space, then resume.",
    not_stored: "This phone couldn't save it. Free up some space, then resume.",
  } satisfies Record<BlockedReason, string>,
  sheet: {
    photo: "Send a photo",
    file: "Send a file",
    more: (count: number) => few(count, "1 more after this.", "more after this."),
    preparing: "Preparing…",
    shrunk: (now: string, before: string) => `Compressed from ${before} to ${now}. Location removed.`,
    asItIs: (size: string) => `${size}, sent as it is.`,
    how: "It goes from phone to phone. The server never gets it.",
    caption: "Add a caption",
    send: "Send",
    skip: "Skip this one",
  },
  problems: {
    empty: "This file is empty.",
    too_large: `This file is too large: the limit is ${fileSize(FILE_MAX_BYTES)}.`,
    too_long: `Captions can have up to ${FILE_CAPTION_MAX_CHARS} characters.`,
    outbox_full: "A thousand messages are already waiting to send. Send this once some have gone out.",
    not_stored: "This phone couldn't save the file. Free up some space, then send it again.",
    no_place: "This phone has no space for more files. Free some up, then send it again.",
    unreadable: "This file can't be read any more. Choose it again.",
  } satisfies Record<FileProblem, string>,
};

/** A file's size for people, in the units that phones and computers show. */
export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_048_576) return `${Math.max(1, Math.round(bytes / 1_024))} KB`;
  const mega = bytes / 1_048_576;
  return `${mega.toFixed(mega < 10 ? 1 : 0)} MB`;
}
