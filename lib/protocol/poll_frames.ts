// Runs in browser and server.
/**
 * How frames travel over HTTP where a WebSocket cannot: docs/PROTOCOL.md, "Long polling".
 *
 * Requests and answers are lines of text, each ended by a line feed: first a head, then one frame per line. Frames are
 * JSON as `JSON.stringify` writes it, which holds no line feed. So nothing is encoded twice, and of an answer that breaks
 * off every whole line still counts.
 */
import { isBase64UrlOf } from "../shared/base64url.ts";
import { isCount, isRecord } from "./event.ts";

/** Names one polling connection: 16 random bytes, base64url. Who knows it is that client; it is never in a URL. */
export type PollConnectionId = string;

/** What a client asks. All go to `POST /api/rooms/{id}/poll`. */
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

/** Reads the body of a request; undefined when it is none. The frames are for the frame decoder. */
export function readPollRequest(body: string): PollRequest | undefined {
  const lines = body.split("\n");
  // Every line is ended: what stands after the last one was cut off.
  if (lines.pop() !== "") return undefined;
  const [headLine = "", ...frames] = lines;
  const head = parse(headLine);
  if (head === undefined || (head.type !== "send" && frames.length > 0)) return undefined;
  if (head.type === "open") return { type: "open" };
  const { connection, received, first } = head;
  if (!isBase64UrlOf(connection, 16)) return undefined;
  switch (head.type) {
    case "fetch":
      return isNumber(received) ? { type: "fetch", connection, received } : undefined;
    case "send":
      return isCount(first) && frames.length > 0 ? { type: "send", connection, first, frames } : undefined;
    case "close":
      return { type: "close", connection };
  }
}

/** Reads the first line of an answer; undefined when it is none, as a proxy's error page is not. */
export function readPollAnswerHead(line: string): PollAnswerHead | undefined {
  const head = parse(line);
  switch (head?.type) {
    case "frames": {
      const { from, count, connection, closed } = head;
      if (!isCount(from) || !isNumber(count)) return undefined;
      if (connection !== undefined && !isBase64UrlOf(connection, 16)) return undefined;
      if (closed !== undefined && !isCount(closed)) return undefined;
      return {
        type: "frames",
        from,
        count,
        ...(connection === undefined ? {} : { connection }),
        ...(closed === undefined ? {} : { closed }),
      };
    }
    case "taken":
      return isNumber(head.taken) ? { type: "taken", taken: head.taken } : undefined;
    case "problem": {
      const problem = (Object.keys(POLL_PROBLEMS) as PollProblem[]).find((name) => name === head.problem);
      return problem === undefined ? undefined : { type: "problem", problem };
    }
  }
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    // Not JSON: the answer is the caller's undefined.
    return undefined;
  }
}

/** A count that may be 0: nothing yet. */
function isNumber(value: unknown): value is number {
  return value === 0 || isCount(value);
}
