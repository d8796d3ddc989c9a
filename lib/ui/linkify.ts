// Runs in browser and server.
/**
 * Finds the links in a message. Only what starts with http:// or https:// (or www., taken as https) is a link, so a
 * text can never run as a script. linkify-it would cost the room page 5 KB compressed for what is not wanted here: bare
 * domains and mail addresses are guesses, and an address with a name before the host (user@) has to stay text.
 */

import { parseUrl } from "../shared/parse_url.ts";

/** A part of a text: plain, or a link with the address it leads to. */
export type TextPart = { text: string; href?: string };

const CANDIDATE = /(?:https?:\/\/|www\.)[^\s<>"“”«»`{}|\\^\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
/** What a sentence puts after a link and what is hardly ever part of one. */
const TRAILING = /[.,:;!?…'’*_~。、，！？)\]]$/u;
const CLOSERS: Record<string, string> = { ")": "(", "]": "[" };
/** Longest link; a longer one stays text. */
const LINK_MAX_CHARS = 1_000;

/** Splits a text into plain parts and links, in order. Joined again they are the text. */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    // A letter or digit straight before it: part of another word, as in "xhttp://".
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

/** Cuts what belongs to the sentence. A closing bracket stays when its partner is inside the link. */
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
  // Names before an @ make one site look like another: such a link stays text.
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return undefined;
  if (url.username !== "" || url.password !== "" || !/[\p{L}\p{N}]/u.test(url.hostname)) return undefined;
  return url.href;
}
