// Runs in browser and server.
/**
 * The shape of a room code: `adjective-noun-number`, e.g. `cosmic-stage-417`. This file knows the shape and not the
 * words, so that a page can tidy what was typed without loading the word lists.
 */

/** Fewest and most letters of a word in a room code. */
export const CODE_WORD_MIN_LETTERS = 3;
export const CODE_WORD_MAX_LETTERS = 9;
/** Room codes end in a number from 1 to this. */
export const CODE_NUMBER_MAX = 999;
/** Longest text in which a code is looked for, in UTF-16 units: a pasted link with room to spare. Longer holds no code. */
export const CODE_INPUT_MAX_CHARS = 2_048;

/** A room code taken apart. */
export interface RoomCodeDeps {
  /** 3–9 letters a–z. */
  adjective: string;
  /** 3–9 letters a–z. */
  noun: string;
  /** 1–999. */
  number: number;
}

const WORD = `[a-z]{${CODE_WORD_MIN_LETTERS},${CODE_WORD_MAX_LETTERS}}`;
const CANONICAL = new RegExp(`^(${WORD})-(${WORD})-([1-9][0-9]{0,2})$`);
// The characters before are consumed instead of looked behind at: older Safari has no look-behind.
const found = (gap: string, lastGap: string) =>
  new RegExp(`(?:^|[^\\p{L}\\p{N}])(${WORD})${gap}(${WORD})${lastGap}0*([1-9][0-9]{0,2})(?![\\p{L}\\p{N}])`, "u");
const WITH_HYPHENS = found("-", "-");
const WITH_ANY_GAP = found("[^\\p{L}\\p{N}]{1,3}", "[^\\p{L}\\p{N}]{0,3}");

/** The code of `deps`. Throws RangeError when a word or the number is outside the shape. */
export function formatRoomCode(deps: RoomCodeDeps): string {
  const code = `${deps.adjective}-${deps.noun}-${deps.number}`;
  if (!CANONICAL.test(code)) throw new RangeError(`These deps make no room code: ${JSON.stringify(deps)}`);
  return code;
}

/** The deps of a code in canonical shape, undefined for any other text. The words need not be on the lists. */
export function parseRoomCode(code: string): RoomCodeDeps | undefined {
  const match = CANONICAL.exec(code);
  return match === null ? undefined : { adjective: match[1]!, noun: match[2]!, number: Number(match[3]) };
}

/**
 * The canonical code that `input` holds, or undefined when it holds none: any case, hyphens, spaces, dots or
 * underscores between the words, none needed before the number, leading zeros, text around it, or a whole link with
 * `/r/<code>` in it. Where a text has several, the first one with hyphens wins, then the first one.
 * Words run together ("cosmicstage417") need the lists: see `suggestRoomCodes`.
 */
export function normalizeRoomCode(input: string): string | undefined {
  const text = foldCodeText(input);
  const match = WITH_HYPHENS.exec(text) ?? WITH_ANY_GAP.exec(text);
  return match === null ? undefined : `${match[1]}-${match[2]}-${match[3]}`;
}

/**
 * `input` as codes are compared: lower case, without accents and invisible characters, every dash a hyphen, and of a
 * link only the part after `/r/`. Empty when the input is longer than `CODE_INPUT_MAX_CHARS`.
 */
export function foldCodeText(input: string): string {
  if (input.length > CODE_INPUT_MAX_CHARS) return "";
  const text = input.toLowerCase().normalize("NFKD").replace(/[\p{M}\p{Cf}]/gu, "").replace(/\p{Pd}/gu, "-");
  const linked = /\/r\/([^/?#\s]*)/.exec(text)?.[1];
  return linked === undefined ? text : linked.replace(/%20|\+/g, " ");
}
