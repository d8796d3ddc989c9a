// Runs in browser and server.
/**
 * Room codes that need the word lists: which code a room gets, and which code somebody meant. The lists weigh about
 * 16 kB: only the server imports this file, a page asks the server.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import {
  CODE_NUMBER_MAX,
  CODE_WORD_MAX_LETTERS,
  CODE_WORD_MIN_LETTERS,
  foldCodeText,
  formatRoomCode,
  normalizeRoomCode,
} from "./room_code.ts";
import { editDistance, isOneEdit, soundKey } from "./room_code_nearness.ts";
import { ADJECTIVES } from "./words_adjectives.ts";
import { NOUNS } from "./words_nouns.ts";

/** Most codes looked up for one wrong code. Candidates beyond it, the farthest, are not tried. */
export const CODE_LOOKUPS_MAX = 64;
/** Look-ups under way at once: fewer waits on a remote store, few look-ups wasted once enough codes are found. */
const LOOKUPS_AT_ONCE = 8;
/** Edits forgiven over both words together. */
const WORD_EDITS_MAX = 2;
/** Typed words may be this much longer or shorter than words of the lists. */
const TYPED_WORD_MIN_LETTERS = CODE_WORD_MIN_LETTERS - 1;
const TYPED_WORD_MAX_LETTERS = CODE_WORD_MAX_LETTERS + WORD_EDITS_MAX;
/** Two words may come in this many pieces: "cos mic stage". */
const JOINED_RUNS_MAX = 3;
/** Longest number typed: one digit too many. */
const TYPED_NUMBER_MAX_DIGITS = 4;

/** The cost of a reading of the input beyond its edits: dearer readings are tried later. */
const COST = {
  otherSplit: 0.25,
  wordsSwapped: 1,
  digitsSwapped: 1.1,
  digitExtra: 1.2,
  digitWrong: 1.3,
  digitMissing: 1.4,
};

interface WordList {
  words: readonly string[];
  bySound: ReadonlyMap<string, string[]>;
}

function withSounds(words: readonly string[]): WordList {
  const bySound = new Map<string, string[]>();
  for (const word of words) {
    const alike = bySound.get(soundKey(word));
    if (alike === undefined) bySound.set(soundKey(word), [word]);
    else alike.push(word);
  }
  return { words, bySound };
}

const FIRST_WORDS = withSounds(ADJECTIVES);
const SECOND_WORDS = withSounds(NOUNS);

/**
 * The code that room `roomId` should get: `attempt` 0 first, then 1, 2, … while the registry says the code is taken.
 * Always the same for the same arguments. Each word is 10 bits of SHA-256(`roomId:attempt`), the number 32 bits
 * scaled to 1–999, so no code is likelier than another by more than one in four million.
 */
export function roomCodeFor(roomId: string, attempt: number): string {
  const hash = sha256(new TextEncoder().encode(`${roomId}:${attempt}`));
  const view = new DataView(hash.buffer, hash.byteOffset);
  return formatRoomCode({
    adjective: ADJECTIVES[view.getUint16(0) % ADJECTIVES.length]!,
    noun: NOUNS[view.getUint16(2) % NOUNS.length]!,
    number: 1 + Math.floor((view.getUint32(4) * CODE_NUMBER_MAX) / 2 ** 32),
  });
}

/**
 * Codes that exist and that somebody who typed `input` may have meant, nearest first, at most `limit`. The code that
 * was typed is not among them. Asks `exists` at most `CODE_LOOKUPS_MAX` times, with how many codes are nearer; rejects
 * only when `exists` does.
 */
export async function suggestRoomCodes(
  input: string,
  exists: (code: string, nearer: number) => Promise<boolean>,
  limit = 3,
): Promise<string[]> {
  const candidates = codeCandidates(input);
  const suggestions: string[] = [];
  for (let at = 0; at < candidates.length && suggestions.length < limit; at += LOOKUPS_AT_ONCE) {
    const batch = candidates.slice(at, at + LOOKUPS_AT_ONCE);
    const known = await Promise.all(batch.map((code, index) => exists(code, at + index)));
    suggestions.push(...batch.filter((_, index) => known[index]));
  }
  return suggestions.slice(0, Math.max(0, limit));
}

/**
 * Codes of listed words near to `input`, nearest first, at most `CODE_LOOKUPS_MAX`, without the code that was typed:
 * a letter off in one word or in both, two letters off where it sounds the same, the words swapped or run together,
 * and, where the words are right, the number with a digit wrong, missing, too many, or two digits swapped.
 * Empty for a text without letters and a number.
 */
export function codeCandidates(input: string): string[] {
  const code = normalizeRoomCode(input);
  const costs = new Map<string, number>();
  const offer = (adjective: string, noun: string, number: number, cost: number) => {
    const near = formatRoomCode({ adjective, noun, number });
    if (near !== code && cost < (costs.get(near) ?? Infinity)) costs.set(near, cost);
  };
  // "cos mic stage 417" has the shape of a code from "mic" on, and must be read as a whole too.
  for (const typed of [typedParts(code ?? ""), typedParts(foldCodeText(input))]) {
    if (typed === undefined) continue;
    const number = Number(typed.digits);
    for (const { adjective, noun, edits, cost } of wordPairs(typed.words)) {
      if (isCodeNumber(number)) offer(adjective, noun, number, cost);
      if (edits > 0) continue;
      for (const near of nearNumbers(typed.digits)) offer(adjective, noun, near.number, cost + near.cost);
    }
  }
  return [...costs].sort((a, b) => a[1] - b[1]).slice(0, CODE_LOOKUPS_MAX).map(([near]) => near);
}

/** The number and the letter runs of a folded text; of a sentence only the runs right before the number. */
function typedParts(text: string): { words: string[]; digits: string } | undefined {
  const runs = text.match(/[a-z]+|[0-9]+/g) ?? [];
  const at = runs.map((run) => /^[0-9]/.test(run)).lastIndexOf(true);
  const digits = runs[at]?.replace(/^0+/, "") ?? "";
  if (digits === "" || digits.length > TYPED_NUMBER_MAX_DIGITS) return undefined;
  const isWord = (run: string) => /^[a-z]/.test(run);
  const before = runs.slice(0, at).filter(isWord);
  const words = before.length > 0 ? before : runs.slice(at + 1).filter(isWord);
  return words.length === 0 ? undefined : { words, digits };
}

interface WordPair {
  adjective: string;
  noun: string;
  /** Edits over both words. */
  edits: number;
  cost: number;
}

/** Every pair of listed words near to the typed ones: as typed, swapped, and with the letters split elsewhere. */
function wordPairs(words: string[]): WordPair[] {
  const pairs: WordPair[] = [];
  const read = (first: string, second: string, extra: number) => {
    pairs.push(...nearPairs(first, second, extra), ...nearPairs(second, first, extra + COST.wordsSwapped));
  };
  const asTyped = words.slice(-2);
  if (asTyped.length === 2) read(asTyped[0]!, asTyped[1]!, 0);
  for (let runs = 1; runs <= Math.min(words.length, JOINED_RUNS_MAX); runs++) {
    const letters = words.slice(-runs).join("");
    if (letters.length > 2 * TYPED_WORD_MAX_LETTERS) break;
    for (let at = TYPED_WORD_MIN_LETTERS; at <= letters.length - TYPED_WORD_MIN_LETTERS; at++) {
      read(letters.slice(0, at), letters.slice(at), COST.otherSplit);
    }
  }
  return pairs;
}

function nearPairs(adjectiveText: string, nounText: string, extra: number): WordPair[] {
  const adjectives = nearWords(adjectiveText, FIRST_WORDS);
  if (adjectives.length === 0) return [];
  const nouns = nearWords(nounText, SECOND_WORDS);
  return adjectives.flatMap((a) =>
    nouns.filter((n) => a.edits + n.edits <= WORD_EDITS_MAX).map((n) => {
      const edits = a.edits + n.edits;
      return { adjective: a.word, noun: n.word, edits, cost: edits + extra };
    })
  );
}

/** Listed words one edit from `text`, or two where they sound alike. A listed `text` has no neighbour at one edit. */
function nearWords(text: string, list: WordList): { word: string; edits: number }[] {
  if (text.length < TYPED_WORD_MIN_LETTERS || text.length > TYPED_WORD_MAX_LETTERS) return [];
  const alike = list.bySound.get(soundKey(text)) ?? [];
  if (alike.includes(text)) return [{ word: text, edits: 0 }];
  const oneOff = list.words.filter((word) => isOneEdit(text, word));
  const twoOff = alike.filter((word) => editDistance(text, word, WORD_EDITS_MAX) === WORD_EDITS_MAX);
  return [...oneOff.map((word) => ({ word, edits: 1 })), ...twoOff.map((word) => ({ word, edits: WORD_EDITS_MAX }))];
}

const isCodeNumber = (number: number) => number >= 1 && number <= CODE_NUMBER_MAX;

/** Numbers one slip away from `digits`, fewer than 50. */
function nearNumbers(digits: string): { number: number; cost: number }[] {
  const near: { number: number; cost: number }[] = [];
  const offer = (text: string, cost: number) => {
    if (!text.startsWith("0") && isCodeNumber(Number(text))) near.push({ number: Number(text), cost });
  };
  for (let at = 0; at <= digits.length; at++) {
    const [head, here, next, tail] = [digits.slice(0, at), digits[at], digits[at + 1], digits.slice(at + 1)];
    if (here !== undefined && next !== undefined) offer(head + next + here + digits.slice(at + 2), COST.digitsSwapped);
    if (here !== undefined) offer(head + tail, COST.digitExtra);
    for (let digit = 0; digit <= 9; digit++) {
      if (here !== undefined) offer(`${head}${digit}${tail}`, COST.digitWrong);
      offer(`${head}${digit}${digits.slice(at)}`, COST.digitMissing);
    }
  }
  return near;
}
