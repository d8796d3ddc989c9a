// Runs in browser and server.

/**
 * A surrogate pair, or one half without the other. Without the flag `u`, which has a simpler way to find halves: Safari 16
 * finds the second half of every pair then.
 */
const SURROGATES = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;

/** Whether a text has no lone surrogates, so that UTF-8 can carry it. As `String.prototype.isWellFormed`, which Safari 15 lacks. */
export function isWellFormed(text: string): boolean {
  return toWellFormed(text) === text;
}

/**
 * The text with `replacement` in the place of each lone surrogate. By default as `String.prototype.toWellFormed`, which
 * Safari 15 lacks.
 */
export function toWellFormed(text: string, replacement = "\uFFFD"): string {
  return text.replace(SURROGATES, (found) => found.length === 2 ? found : replacement);
}
