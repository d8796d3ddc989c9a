// Runs in browser and server.
/**
 * How frames travel over HTTP where a WebSocket cannot: docs/PROTOCOL.md, "Long polling".
 *
 * Requests and answers are lines of text, each ended by a line feed: first a head, then one frame per line. Frames are
 * JSON as `JSON.stringify` writes it, which holds no line feed. So nothing is encoded twice, and of an answer that breaks
 * off every whole line still counts.
 */
import { amount, count, id, object, oneOf, optional, parseJson, readOr, tagged } from "./fields.ts";

/** Names one polling connection: 16 random bytes, base64url. Only its client knows it; it is never in a URL. */
export type PollConnectionId = string;

/** A request of a client. All go to `POST /api/rooms/{id}/poll`. */
export type PollRequest =
  /** A new connection. Answered by `frames` with its name, and the challenge. */
  | { type: "open" }
  /** Frames after number `received`, which the client has; the server forgets those before. */
  | { type: "fetch"; connection: PollConnectionId; received: number }
  /** Frames of the client, the first one with number `first`. Answered by `taken`. */
  | { type: "send"; connection: PollConnectionId; first: number; frames: readonly string[] }
  /** The client leaves. */
  | { type: "close"; connection: PollConnectionId };

/** Why a request was not answered, and the status that goes with it. */
export const POLL_PROBLEMS = {
  /** The request is not of the documented shape, or confirms frames that were never sent. */
  bad_poll: 400,
  /** No such connection here: it expired, ended, or lives in another server process. */
  unknown_connection: 410,
  /** Larger than POLL_REQUEST_MAX_BYTES. */
  too_large: 413,
} as const satisfies Record<string, number>;
export type PollProblem = keyof typeof POLL_PROBLEMS;

/** The first line of an answer. */
export type PollAnswerHead =
  /**
   * `count` frames follow, the first one with number `from`. With `connection`, the answer to `open`. With `closed`, the
   * connection ended with this close code after them.
   */
  | { type: "frames"; from: number; count: number; connection?: PollConnectionId; closed?: number }
  /** Every frame of the client up to this number has been taken. */
  | { type: "taken"; taken: number }
  | { type: "problem"; problem: PollProblem };

/** The body of a request. */
export function writePollRequest(request: PollRequest): string {
  if (request.type !== "send") return `${JSON.stringify(request)}\n`;
  const { frames, ...head } = request;
  return `${JSON.stringify(head)}\n${frames.join("\n")}\n`;
}

const REQUEST = tagged("type", {
  open: object({}),
  fetch: object({ connection: id, received: amount }),
  send: object({ connection: id, first: count }),
  close: object({ connection: id }),
});

/** Reads the body of a request; undefined when it is none. The frames are for the frame decoder. */
export function readPollRequest(body: string): PollRequest | undefined {
  const lines = body.split("\n");
  // A line feed ends every line: text after the last one was cut off.
  if (lines.pop() !== "") return undefined;
  const [headLine = "", ...frames] = lines;
  const head = readOr(REQUEST, parseJson(headLine));
  if (head?.type === "send") return frames.length > 0 ? { ...head, frames } : undefined;
  return frames.length > 0 ? undefined : head;
}

const ANSWER_HEAD = tagged("type", {
  frames: object({ from: count, count: amount, connection: optional(id), closed: optional(count) }),
  taken: object({ taken: amount }),
  problem: object({ problem: oneOf(...Object.keys(POLL_PROBLEMS) as PollProblem[]) }),
});

/** Reads the first line of an answer; undefined when it is none, as a proxy's error page is not. */
export function readPollAnswerHead(line: string): PollAnswerHead | undefined {
  return readOr(ANSWER_HEAD, parseJson(line));
}
