// Runs in browser and server.
/**
 * The format of a room code: `adjective-noun-number`, e.g. `cosmic-stage-417`. This file has the format and not the words,
 * so that pages can normalise typed codes without the word lists.
 */

/** Fewest and most letters of a word in a room code. */
export const CODE_WORD_MIN_LETTERS = 3;
export const CODE_WORD_MAX_LETTERS = 9;
/** Room codes end in a number from 1 to this. */
export const CODE_NUMBER_MAX = 999;
/** Longest text that is searched for a code, in UTF-16 units: more than any pasted link. */
export const CODE_INPUT_MAX_CHARS = 2_048;

/** The parts of a room code. */
export interface RoomCodeParts {
  /** 3–9 letters a–z. */
  adjective: string;
  /** 3–9 letters a–z. */
  noun: string;
  /** 1–999. */
  number: number;
}

const WORD = `[a-z]{${CODE_WORD_MIN_LETTERS},${CODE_WORD_MAX_LETTERS}}`;
const CANONICAL = new RegExp(`^(${WORD})-(${WORD})-([1-9][0-9]{0,2})$`);
// Consumes the characters before the code, because older Safari lacks look-behind.
const found = (gap: string, lastGap: string) =>
  new RegExp(`(?:^|[^\\p{L}\\p{N}])(${WORD})${gap}(${WORD})${lastGap}0*([1-9][0-9]{0,2})(?![\\p{L}\\p{N}])`, "u");
const WITH_HYPHENS = found("-", "-");
const WITH_ANY_GAP = found("[^\\p{L}\\p{N}]{1,3}", "[^\\p{L}\\p{N}]{0,3}");

/** The code with these parts. Throws RangeError if a word or the number does not fit the format. */
export function formatRoomCode(parts: RoomCodeParts): string {
  const code = `${parts.adjective}-${parts.noun}-${parts.number}`;
  if (!CANONICAL.test(code)) throw new RangeError(`These parts make no room code: ${JSON.stringify(parts)}`);
  return code;
}

/** The parts of a canonical code; undefined for any other text. The words need not be on the lists. */
export function parseRoomCode(code: string): RoomCodeParts | undefined {
  const match = CANONICAL.exec(code);
  return match === null ? undefined : { adjective: match[1]!, noun: match[2]!, number: Number(match[3]) };
}

/**
 * The canonical code in `input`; undefined without one. Accepts any case, hyphens, spaces, dots or
 * underscores between the words, none needed before the number, leading zeros, text around it, or a whole link with
 * `/r/<code>` in it. Of several codes, the first one with hyphens wins, then the first one.
 * Words run together ("cosmicstage417") need the lists: see `suggestRoomCodes`.
 */
export function normalizeRoomCode(input: string): string | undefined {
  const text = foldCodeText(input);
  const match = WITH_HYPHENS.exec(text) ?? WITH_ANY_GAP.exec(text);
  return match === null ? undefined : `${match[1]}-${match[2]}-${match[3]}`;
}

/**
 * Folds `input` for comparison: lower case, without accents and invisible characters, every dash a hyphen, and of a
 * link only the part after `/r/`. Empty when the input is longer than `CODE_INPUT_MAX_CHARS`.
 */
export function foldCodeText(input: string): string {
  if (input.length > CODE_INPUT_MAX_CHARS) return "";
  const text = input.toLowerCase().normalize("NFKD").replace(/[\p{M}\p{Cf}]/gu, "").replace(/\p{Pd}/gu, "-");
  const linked = /\/r\/([^/?#\s]*)/.exec(text)?.[1];
  return linked === undefined ? text : linked.replace(/%20|\+/g, " ");
}
