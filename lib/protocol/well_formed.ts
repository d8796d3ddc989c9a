// Runs in browser and server.

/** One half of a surrogate pair without the other: pairs are matched as the character they stand for. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Whether a text has no lone surrogates, so that UTF-8 can carry it. As `String.prototype.isWellFormed`, which Safari 15 lacks. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** The text with U+FFFD in the place of each lone surrogate. As `String.prototype.toWellFormed`, which Safari 15 lacks. */
export function toWellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, "\uFFFD");
}
