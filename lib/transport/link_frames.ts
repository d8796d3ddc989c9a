/**
 * What goes over a link's data channel: texts, cut where they are too long for one piece, and the link's own words. The
 * channel keeps order and loses nothing, so the pieces of a text follow one another and never mix with those of another.
 *
 * A frame is one letter and what belongs to it: `m` a whole text, `+` a part of one, `=` its last part, `?` a ping and `!`
 * its pong with the same number, `.` a goodbye with its reason.
 */
import { LINK_CHUNK_BYTES, LINK_MESSAGE_MAX_BYTES } from "../protocol/limits.ts";
import { GOODBYE_REASONS, type GoodbyeReason } from "../protocol/peer/signal.ts";

export type LinkFrame =
  | { type: "message"; text: string }
  /** More of the same text has to come. */
  | { type: "part" }
  | { type: "ping" | "pong"; number: number }
  | { type: "goodbye"; reason: GoodbyeReason }
  | { type: "bad"; problem: LinkFrameProblem };

export type LinkFrameProblem =
  /** Binary, or a letter that stands for nothing. */
  | "unknown"
  /** Longer than LINK_CHUNK_BYTES, or put together longer than LINK_MESSAGE_MAX_BYTES. */
  | "too_large";

const utf8 = new TextEncoder();

export const pingFrame = (number: number) => `?${number}`;
export const pongFrame = (number: number) => `!${number}`;
export const goodbyeFrame = (reason: GoodbyeReason) => `.${reason}`;

/** The frames of a text, in order. Throws RangeError when it is longer than LINK_MESSAGE_MAX_BYTES. */
export function messageFrames(text: string): string[] {
  // No text takes more than three bytes per UTF-16 unit.
  if (text.length * 3 < LINK_CHUNK_BYTES) return [`m${text}`];
  const room = new Uint8Array(LINK_CHUNK_BYTES - 1);
  const frames: string[] = [];
  let bytes = 0;
  for (let at = 0; at < text.length;) {
    // Whole characters only: half of one would arrive as another.
    const { read, written } = utf8.encodeInto(text.slice(at, at + room.length), room);
    bytes += written;
    if (bytes > LINK_MESSAGE_MAX_BYTES || read === 0) {
      throw new RangeError(`a text on a link has at most ${LINK_MESSAGE_MAX_BYTES} bytes, this one has more`);
    }
    const part = text.slice(at, at += read);
    frames.push((at < text.length ? "+" : frames.length === 0 ? "m" : "=") + part);
  }
  return frames;
}

/** Reads what comes over one channel. Holds at most one unfinished text, of LINK_MESSAGE_MAX_BYTES. */
export class LinkFrameReader {
  #deps: string[] = [];
  #bytes = 0;

  read(data: unknown): LinkFrame {
    if (typeof data !== "string") return { type: "bad", problem: "unknown" };
    const rest = data.slice(1);
    const bytes = utf8.encode(data).length;
    if (bytes > LINK_CHUNK_BYTES) return { type: "bad", problem: "too_large" };
    switch (data[0]) {
      case "m":
        if (this.#deps.length > 0) break;
        return { type: "message", text: rest };
      case "+":
      case "=": {
        this.#bytes += bytes - 1;
        if (this.#bytes > LINK_MESSAGE_MAX_BYTES) return { type: "bad", problem: "too_large" };
        // A part without anything in it would be a piece that no sender cuts.
        if (rest === "") break;
        this.#deps.push(rest);
        if (data[0] === "+") return { type: "part" };
        const text = this.#deps.join("");
        this.#deps = [];
        this.#bytes = 0;
        return { type: "message", text };
      }
      case "?":
      case "!": {
        const number = Number(rest);
        if (!/^\d{1,15}$/.test(rest)) break;
        return { type: data[0] === "?" ? "ping" : "pong", number };
      }
      case ".": {
        const reason = GOODBYE_REASONS.find((word) => word === rest);
        if (reason === undefined) break;
        return { type: "goodbye", reason };
      }
    }
    return { type: "bad", problem: "unknown" };
  }
}
