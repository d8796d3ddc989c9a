/** The words around files: apart from the others, so that they are loaded with what shows them. */
import { FILE_CAPTION_MAX_CHARS, FILE_MAX_BYTES } from "../../protocol/limits.ts";
import type { BlockedReason } from "../../files/file_ports.ts";
import type { FileProblem } from "../../session/model/files_model.ts";
import { few } from "./room_texts.ts";

const MOST = fileSize(FILE_MAX_BYTES);

const english = {
  picture: (name: string) => `Picture: ${name}`,
  file: (name: string, size: string) => `File: ${name}, ${size}`,
  looking: "Looking on this phone…",
  get: "Get it",
  pause: "Pause",
  goOn: "Go on",
  save: "Save",
  large: "Picture",
  show: (name: string) => `Show large: ${name}`,
  progress: (name: string) => `How much of ${name} is here`,
  absent: "Not on this phone",
  fetching: (here: string, size: string, phones: number) =>
    phones === 0 ? `${here} of ${size}` : `${here} of ${size}, from ${few(phones, "1 phone", "phones")}`,
  paused: (here: string, size: string) => `Paused at ${here} of ${size}`,
  here: "On this phone",
  onlyHere: "Only on this phone so far. Others get it while this room is open here.",
  unreadable: "This picture cannot be shown. Save it to open it elsewhere.",
  hindrances: {
    no_holder: "Nobody here holds it now. It comes when somebody who has it is near.",
    false_offer: "The file is not what this message says. It cannot be had.",
    full: "This phone has no place for it. Free some space, then go on.",
    not_stored: "This phone could not keep it. Free some space, then go on.",
  } satisfies Record<BlockedReason, string>,
  sheet: {
    photo: "Send a photo",
    file: "Send a file",
    more: (count: number) => few(count, "1 more comes after this one.", "more come after this one."),
    preparing: "Getting it ready…",
    shrunk: (now: string, before: string) => `${now}, made smaller from ${before}. Without the place it was taken at.`,
    asItIs: (size: string) => `${size}, sent as it is.`,
    how: "It goes from phone to phone. The server never gets it.",
    caption: "Say something about it",
    captionTooLong: `At most ${FILE_CAPTION_MAX_CHARS} characters.`,
    send: "Send",
    skip: "Leave it out",
  },
  problems: {
    empty: "There is nothing in this file.",
    too_large: `This file is larger than ${MOST}. Larger ones cannot be sent here.`,
    too_long: `At most ${FILE_CAPTION_MAX_CHARS} characters.`,
    outbox_full: "A thousand messages wait on this phone already. Send it when some got through.",
    not_stored: "This phone could not keep the file. Free some space, then send it again.",
    no_place: "This phone has no place for more files. Free some space, then send it again.",
    unreadable: "This file cannot be read any more. Choose it again.",
  } satisfies Record<FileProblem, string>,
};

export type FileTexts = typeof english;

const LANGUAGES: Record<string, FileTexts> = { en: english };

/** The words of a language, or English where it is not there. */
export function fileTextsFor(language: string): FileTexts {
  return LANGUAGES[language] ?? english;
}

/** A size for people: the units that phones and computers count in. */
export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_048_576) return `${Math.max(1, Math.round(bytes / 1_024))} KB`;
  const mega = bytes / 1_048_576;
  return `${mega.toFixed(mega < 10 ? 1 : 0)} MB`;
}
