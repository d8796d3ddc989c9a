// Runs in browser and server.
/**
 * Reads text that is typed or pasted into the code field. A link to a sealed room ends in its key, which no request may
 * contain: the page opens such a link itself and sends only text to the server that cannot hold a key.
 */
import { CODE_INPUT_MAX_CHARS, normalizeRoomCode, parseRoomCode } from "./room_code.ts";

/** The target of a typed text. */
export type TypedRoom =
  /** `path`: a path on this site, with the key in its fragment if the text has one. */
  | { found: "sealed"; path: string }
  /** A canonical room code. */
  | { found: "code"; code: string }
  /** Nearly a code: the server has the words, and the text may be sent to it. */
  | { found: "words"; words: string }
  /** No text that may be sent. */
  | { found: "nothing" };

/**
 * Regular expression, for the `u` and `v` flags, of text that may be sent although it is no code: up to four words, then
 * a number. Sealed rooms' keys are 22 letters, digits, "-" and "_" in mixed case, so they have more letters and digits than
 * a word, or capitals inside a word. It is the join form's `pattern`, so that browsers enforce it without scripts.
 */
export const CODE_WORDS_PATTERN = (() => {
  const word = "(?:\\p{Lu}?\\p{Ll}{1,17}|\\p{Lu}{2,18})";
  const gap = "[ ._\\-\\p{Pd}]";
  return `\\s*${word}(?:${gap}{1,3}${word}){0,3}${gap}{0,3}[0-9]{0,3}\\s*`;
})();
const CODE_WORDS = new RegExp(`^(?:${CODE_WORDS_PATTERN})$`, "u");

/** An id, then the key; both are 16 bytes in base64url. */
const SEALED = /(?:^|[^\w-])([\w-]{22})\/?(?:\?[^#]*)?#[^\w-]*([\w-]{22})/;
/** A link to a sealed room with a missing or incomplete key: the room's page reports it. */
const SEALED_IN_PART = /\/s\/([\w-]{22})(?![\w-])(?:[^#\s]*#[^\w-]*([\w-]*))?/i;
/** At least as long as an id or key. */
const KEY_RUN = /[\w-]{22,}/g;

/** Reads `typed`. Links open on this site, for any host. */
export function readTypedRoom(typed: string): TypedRoom {
  if (typed.length > CODE_INPUT_MAX_CHARS) return { found: "nothing" };
  const text = plain(typed);
  // Mail programs may break a link into lines.
  const sealed = SEALED.exec(text) ?? SEALED.exec(text.replace(/\s+/g, "")) ?? SEALED_IN_PART.exec(text);
  if (sealed !== null) return { found: "sealed", path: `/s/${sealed[1]}${sealed[2] ? `#${sealed[2]}` : ""}` };
  const [open, ...fragments] = text.split("#");
  const keyless = open!.replace(KEY_RUN, (run) => parseRoomCode(run.toLowerCase()) === undefined ? " " : run);
  const code = normalizeRoomCode(keyless);
  if (code !== undefined) return { found: "code", code };
  if (fragments.length > 0 || !CODE_WORDS.test(text)) return { found: "nothing" };
  return { found: "words", words: text.trim() };
}

/** `typed` without escapes, invisible characters and full-width forms. */
function plain(typed: string): string {
  let [before, text] = ["", typed];
  // Ends, because each round makes the text shorter.
  while (text !== before) {
    before = text;
    text = text.normalize("NFKC").replace(/[\p{Cf}\p{Mn}]/gu, "").replace(/&(?:#0*35|#x0*23|num);/gi, "#")
      .replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
        try {
          return decodeURIComponent(escaped);
        } catch {
          return escaped; // Not UTF-8.
        }
      });
  }
  return text;
}
