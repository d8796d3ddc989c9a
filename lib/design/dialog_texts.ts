// Runs in browser and server.
/** Words of what a room's page shows only when somebody asks for it: apart from the others, so that they are loaded with it. */
import { type Texts, textsFor } from "./texts.ts";

const english = {
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
