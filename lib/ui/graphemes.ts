// Runs in browser and server.
import { REACTION_MAX_BYTES } from "../protocol/limits.ts";

/** The first grapheme cluster (Unicode Standard Annex 29) of a text, if it fits a reaction. */
export function firstGrapheme(text: string): string | undefined {
  const first = typeof Intl.Segmenter === "function"
    ? [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)][0]?.segment
    : [...text][0];
  return first !== undefined && new TextEncoder().encode(first).length <= REACTION_MAX_BYTES ? first : undefined;
}
