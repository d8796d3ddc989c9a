// Runs in browser and server.
/** The words of the dialog that brings others into a room: apart from the others, so that they are loaded with it. */
const english = {
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
};

export type ShareTexts = typeof english;

const LANGUAGES: Record<string, ShareTexts> = { en: english };

/** The words in a language of texts.ts; English where it has none. */
export function shareTextsFor(language: string): ShareTexts {
  return LANGUAGES[language] ?? english;
}
