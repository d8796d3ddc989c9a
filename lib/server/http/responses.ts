/** Helpers of all routes: bounded JSON bodies, JSON answers, and the one mapping of problems to statuses. */
import type { Timers } from "../../shared/environment.ts";
import { ROOM_API_PROBLEMS } from "../../protocol/codes.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { RoomApiFailure } from "../rooms/rooms.ts";
import { inTime, realEnvironment } from "../environment.ts";

/** An uncached JSON answer. */
export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** The answer to a refused request: `{problem, field?, retryAfterMs?}` with its status, and Retry-After in seconds. */
export function problemResponse(problem: RoomApiFailure): Response {
  const response = json(problem, ROOM_API_PROBLEMS[problem.problem]);
  if (problem.retryAfterMs !== undefined) {
    response.headers.set("retry-after", String(Math.max(1, Math.ceil(problem.retryAfterMs / 1000))));
  }
  return response;
}

/** The answer to a failure of the database; undefined for any other error. */
export function storageProblem(error: unknown, retryAfterMs: number): Response | undefined {
  if (error instanceof StorageUnavailable) return problemResponse({ problem: "storage_unavailable", retryAfterMs });
}

/** Bounds of a request's body. */
export interface BodyBounds {
  maxBytes: number;
  /** From now until its last byte. */
  withinMs: number;
}

/**
 * The whole body of a request. Never reads beyond `maxBytes`, with or without Content-Length, and bounds the time, so
 * that a slow sender cannot hold a request open. A connection that breaks is `too_slow` as well: nobody hears the answer.
 */
export async function readBody(
  request: Pick<Request, "body">,
  { maxBytes, withinMs }: BodyBounds,
  timers: Timers = realEnvironment.timers,
): Promise<Uint8Array<ArrayBuffer>[] | "too_large" | "too_slow"> {
  if (request.body === null) return [];
  const reader = request.body.getReader();
  const readAll = async () => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let bytes = 0;;) {
      const { done, value } = await reader.read();
      if (done) return chunks;
      bytes += value.length;
      if (bytes > maxBytes) return "too_large";
      chunks.push(value);
    }
  };
  const body = await inTime(timers, withinMs, readAll()).catch(() => undefined) ?? "too_slow";
  // The connection broke: there is nothing to cancel.
  if (typeof body === "string") reader.cancel().catch(() => {});
  return body;
}

/** Reads a JSON body, or names the problem. */
export async function readJson(
  request: Pick<Request, "body">,
  bounds: BodyBounds,
): Promise<{ value: unknown } | RoomApiFailure> {
  const body = await readBody(request, bounds);
  if (body === "too_large") return { problem: "too_long", field: "body" };
  if (body === "too_slow") return { problem: "too_slow" };
  try {
    const value: unknown = JSON.parse(await new Blob(body).text());
    return { value };
  } catch {
    return { problem: "bad_event", field: "body" };
  }
}
