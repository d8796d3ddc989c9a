// Runs in browser and server.
/**
 * Frames over HTTP, for networks that block WebSockets: docs/PROTOCOL.md, "Long polling".
 *
 * Requests and answers are lines of text, each ended by a line feed: first a head, then one frame per line. Frames are
 * JSON as `JSON.stringify` writes it, which contains no line feed. So nothing is encoded twice, and every whole line of
 * a truncated answer counts.
 */
import { amount, count, id, object, oneOf, optional, parseJson, type Read, readOr, tagged } from "./fields.ts";

/** Identifies one polling connection: 16 random bytes, base64url. Only its client knows it; it is never in a URL. */
export type PollConnectionId = string;

const REQUEST = tagged("type", {
  /** Opens a connection. Answered by `frames` with its id, and the challenge. */
  open: object({}),
  /** Requests the frames after number `received`; the server drops the ones up to it. */
  fetch: object({ connection: id, received: amount }),
  /** The first one of its frames has the number `first`. Answered by `taken`. */
  send: object({ connection: id, first: count }),
  /** Closes the connection. */
  close: object({ connection: id }),
});
type RequestHead = Read<typeof REQUEST>;

/** A client's request. All go to `POST /api/rooms/{id}/poll`. */
export type PollRequest =
  | Exclude<RequestHead, { type: "send" }>
  | Extract<RequestHead, { type: "send" }> & { frames: readonly string[] };

/** Why a request fails, with its status. */
export const POLL_PROBLEMS = {
  /** The request is malformed, or confirms frames that were never sent. */
  bad_poll: 400,
  /** No such connection here: it expired, ended, or belongs to another server process. */
  unknown_connection: 410,
  /** Larger than POLL_REQUEST_MAX_BYTES. */
  too_large: 413,
} as const satisfies Record<string, number>;
export type PollProblem = keyof typeof POLL_PROBLEMS;

const ANSWER_HEAD = tagged("type", {
  /**
   * `count` frames follow, the first one with number `from`. `connection`: this answers `open`. `closed`: after these
   * frames the connection ended with this close code.
   */
  frames: object({ from: count, count: amount, connection: optional(id), closed: optional(count) }),
  /** The server accepted every frame of the client up to this number. */
  taken: object({ taken: amount }),
  problem: object({ problem: oneOf(...Object.keys(POLL_PROBLEMS) as PollProblem[]) }),
});

/** The first line of an answer. */
export type PollAnswerHead = Read<typeof ANSWER_HEAD>;

/** The body of a request. */
export function writePollRequest(request: PollRequest): string {
  if (request.type !== "send") return `${JSON.stringify(request)}\n`;
  const { frames, ...head } = request;
  return `${JSON.stringify(head)}\n${frames.join("\n")}\n`;
}

/** Reads the body of a request; undefined if it is invalid. The frames are left to the frame decoder. */
export function readPollRequest(body: string): PollRequest | undefined {
  const lines = body.split("\n");
  // A line feed ends every line, so text after the last one is a truncated line.
  if (lines.pop() !== "") return undefined;
  const [headLine = "", ...frames] = lines;
  const head = readOr(REQUEST, parseJson(headLine));
  if (head?.type === "send") return frames.length > 0 ? { ...head, frames } : undefined;
  return frames.length > 0 ? undefined : head;
}

/** Reads the first line of an answer; undefined if it is invalid, such as a proxy's error page. */
export function readPollAnswerHead(line: string): PollAnswerHead | undefined {
  return readOr(ANSWER_HEAD, parseJson(line));
}
