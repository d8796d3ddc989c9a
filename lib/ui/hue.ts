// Runs in browser and server.
/** Picks a prepared colour for a person or a room. The colours are in static/styles.css. */

import { IDENTITY_COLORS, identityMark } from "../chat/display_name.ts";
import type { AuthorKey } from "../protocol/event.ts";
import { fnv1a } from "../shared/fnv1a.ts";

/** How a person is marked: the class of their colour, an emoji, and the colour in words. */
export interface Mark {
  hueClass: string;
  emoji: string;
  colorName: string;
}

/** Cached marks: each costs a hash, and a page asks for the same few on every render. A full cache is cleared. */
const MARKS_MAX = 2_000;
const marks = new Map<AuthorKey, Mark>();

/** An author's mark, always the same for a key. */
export function markOf(author: AuthorKey): Mark {
  const known = marks.get(author);
  if (known !== undefined) return known;
  const { hue, emoji, colorName } = identityMark(author);
  const mark = { hueClass: `hue-${IDENTITY_COLORS.findIndex((color) => color.hue === hue)}`, emoji, colorName };
  if (marks.size >= MARKS_MAX) marks.clear();
  marks.set(author, mark);
  return mark;
}

/** Number of room colours: `band-0` to `band-7`. */
const BANDS = 8;

/** The class that gives a room its colour, the same on every phone. `id` is the room's id. */
export function bandClass(id: string): string {
  return `band-${fnv1a(id) % BANDS}`;
}
