// Runs in browser and server.
/**
 * Finds the links in a message. Links start with http:// or https:// (or www., taken as https), so a text can never run
 * as a script. linkify-it would add 5 KB compressed to the room page for features that are not wanted here: bare domains
 * and mail addresses are guesses, and an address with a name before the host (user@) has to stay text.
 */

import { parseUrl } from "../shared/parse_url.ts";

/** A part of a text: plain, or a link to `href`. */
export type TextPart = { text: string; href?: string };

const CANDIDATE = /(?:https?:\/\/|www\.)[^\s<>"“”«»`{}|\\^\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
/** Punctuation that belongs to the sentence around a link, hardly ever to the link. */
const TRAILING = /[.,:;!?…'’*_~。、，！？)\]]$/u;
const CLOSERS: Record<string, string> = { ")": "(", "]": "[" };
/** Longer links stay text. */
const LINK_MAX_CHARS = 1_000;

/** Splits a text into plain parts and links, in order. Joined again, they are the text. */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    // After a letter or digit it is part of another word, as in "xhttp://".
    if (/[\p{L}\p{N}_]$/u.test(text.slice(Math.max(0, match.index - 2), match.index))) continue;
    const shown = withoutTrailing(match[0]);
    const href = addressOf(shown);
    if (href === undefined) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** Cuts the sentence's punctuation off. A closing bracket stays if its partner is inside the link. */
function withoutTrailing(link: string): string {
  let cut = link;
  while (TRAILING.test(cut)) {
    const last = cut.at(-1) ?? "";
    const opener = CLOSERS[last];
    if (opener !== undefined && cut.split(opener).length >= cut.split(last).length) break;
    cut = cut.slice(0, -1);
  }
  return cut;
}

function addressOf(link: string): string | undefined {
  if (link.length > LINK_MAX_CHARS) return undefined;
  const url = parseUrl(/^www\./i.test(link) ? `https://${link}` : link);
  // A name before an @ makes one site look like another, so such a link stays text.
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return undefined;
  if (url.username !== "" || url.password !== "" || !/[\p{L}\p{N}]/u.test(url.hostname)) return undefined;
  return url.href;
}
