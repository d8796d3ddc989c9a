// Runs in browser and server.
/** Which of the prepared colours something gets. The colours are in static/styles.css. */

import { IDENTITY_COLORS, identityMark } from "../chat/display_name.ts";
import type { AuthorKey } from "../protocol/event.ts";
import { fnv1a } from "../shared/fnv1a.ts";

/** How a person is marked: the class of their light, their picture, and the colour in words. */
export interface Mark {
  hueClass: string;
  emoji: string;
  colorName: string;
}

/** Marks kept, because each costs a hash and a page asks for the same few on every render. Full: all are forgotten. */
const MARKS_MAX = 2_000;
const marks = new Map<AuthorKey, Mark>();

/** The mark of an author; always the same for a key. */
export function markOf(author: AuthorKey): Mark {
  const known = marks.get(author);
  if (known !== undefined) return known;
  const { hue, emoji, colorName } = identityMark(author);
  const mark = { hueClass: `hue-${IDENTITY_COLORS.findIndex((color) => color.hue === hue)}`, emoji, colorName };
  if (marks.size >= MARKS_MAX) marks.clear();
  marks.set(author, mark);
  return mark;
}

/** How many wristband colours there are: `band-0` to `band-7`. */
const BANDS = 8;

/** The class that gives a room its wristband. The same for a room on every phone; `id` is the room's id. */
export function bandClass(id: string): string {
  return `band-${fnv1a(id) % BANDS}`;
}
