/** What routes share: JSON in within a bound, JSON out, and the one mapping of problems to statuses. */
import { ROOM_PROBLEMS } from "../protocol/codes.ts";
import { StorageUnavailable } from "../store/store.ts";
import type { Problem } from "./rooms.ts";

/** An answer in JSON that nobody keeps. */
export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** The answer that says why not: `{problem, field?, retryAfterMs?}` with its status, and Retry-After in seconds. */
export function problemResponse(problem: Problem): Response {
  const response = json(problem, ROOM_PROBLEMS[problem.problem]);
  if (problem.retryAfterMs !== undefined) {
    response.headers.set("retry-after", String(Math.max(1, Math.ceil(problem.retryAfterMs / 1000))));
  }
  return response;
}

/** The answer to a failure of the database; undefined for anything else that was thrown. */
export function storageProblem(error: unknown, retryAfterMs: number): Response | undefined {
  if (error instanceof StorageUnavailable) return problemResponse({ problem: "storage_unavailable", retryAfterMs });
}

/**
 * Reads a JSON body, stopping at `maxBytes`: nobody makes the server hold more by leaving Content-Length out. `undefined`
 * when it is not JSON.
 */
export async function readJson(request: Request, maxBytes: number): Promise<{ value: unknown } | Problem> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return { problem: "too_long", field: "body" };
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(await new Blob(chunks).text());
    return { value };
  } catch {
    return { problem: "bad_event", field: "body" };
  }
}
