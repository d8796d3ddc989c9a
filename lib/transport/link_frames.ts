/**
 * Frames on a link's data channel: texts, split when too long, and control frames. The channel is ordered and reliable,
 * so the parts of one text follow one another and never mix with those of another.
 *
 * A frame is a type character and its content: `m` a whole text, `+` a part of one, `=` its last part, `?` a ping and
 * `!` its pong with the same number, `.` a goodbye with its reason.
 */
import { LINK_CHUNK_BYTES, LINK_MESSAGE_MAX_BYTES } from "../protocol/limits.ts";
import { GOODBYE_REASONS, type GoodbyeReason } from "../protocol/peer/signal.ts";

export type LinkFrame =
  | { type: "message"; text: string }
  /** A part of a text that is not complete yet. */
  | { type: "part" }
  | { type: "ping" | "pong"; number: number }
  | { type: "goodbye"; reason: GoodbyeReason }
  | { type: "bad"; problem: LinkFrameProblem };

type LinkFrameProblem =
  /** Binary, or an unknown type character. */
  | "unknown"
  /** A frame over LINK_CHUNK_BYTES, or a text over LINK_MESSAGE_MAX_BYTES. */
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
    // Never splits a surrogate pair: its halves would arrive as replacement characters.
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

/** Reads the frames of one channel. Holds at most one unfinished text, of LINK_MESSAGE_MAX_BYTES. */
export class LinkFrameReader {
  #parts: string[] = [];
  #bytes = 0;

  read(data: unknown): LinkFrame {
    if (typeof data !== "string") return { type: "bad", problem: "unknown" };
    const rest = data.slice(1);
    const bytes = utf8.encode(data).length;
    if (bytes > LINK_CHUNK_BYTES) return { type: "bad", problem: "too_large" };
    switch (data[0]) {
      case "m":
        if (this.#parts.length > 0) break;
        return { type: "message", text: rest };
      case "+":
      case "=": {
        this.#bytes += bytes - 1;
        if (this.#bytes > LINK_MESSAGE_MAX_BYTES) return { type: "bad", problem: "too_large" };
        // No sender makes an empty part.
        if (rest === "") break;
        this.#parts.push(rest);
        if (data[0] === "+") return { type: "part" };
        const text = this.#parts.join("");
        this.#parts = [];
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
