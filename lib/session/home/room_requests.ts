/** What the home page asks the server over HTTP, and the one door through which its answers come in. */
import { ROOM_API_PROBLEMS, type RoomApiProblem } from "../../protocol/codes.ts";
import type { WireEvent } from "../../protocol/event.ts";
import { isRecord, isTime } from "../../shared/checks.ts";
import { readRoomInfo, readWireEvent } from "../../protocol/decode_server.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { NOTICES_MAX } from "../../protocol/limits.ts";
import { REQUEST_TIMEOUT_MS } from "../ports/session_limits.ts";
import { within } from "../../shared/within.ts";

/** `offline`: no answer came, or none that can be understood. */
export interface HttpProblem {
  problem: RoomApiProblem | "offline";
  /** With `bad_event` and `too_long`: the first wrong field. */
  field?: string;
  retryAfterMs?: number;
}

/** A listed room, with the people in it now. */
export interface ListedRoom {
  room: RoomInfo;
  /** When its newest event was stored, server's clock, ms. */
  lastAt: number;
  people: number;
}

/** What the home page is told again and again. */
export interface HomeNews {
  /** The most active first. */
  rooms: readonly ListedRoom[];
  /** What the operator says to everybody; not checked yet. */
  notices: readonly WireEvent[];
  /** The server's clock, ms since 1970, if it said so. */
  at: number | undefined;
}

export interface HttpDeps {
  fetch(path: string, init?: RequestInit): Promise<Response>;
  log?: (line: string) => void;
}

/** Makes the room of this founding event. Doing it again is harmless: the same event makes the same room. */
export async function postRoom(deps: HttpDeps, founding: WireEvent): Promise<RoomInfo | HttpProblem> {
  const answer = await request(deps, "/api/rooms", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(founding),
  });
  return readProblem(answer) ?? readRoomInfo(answer) ?? { problem: "offline" };
}

/** The room with this code, as somebody typed it, or codes of rooms that are nearly the same. */
export async function findByCode(
  deps: HttpDeps,
  typed: string,
): Promise<RoomInfo | (HttpProblem & { suggestions?: readonly string[] })> {
  const answer = await request(deps, `/api/codes/${encodeURIComponent(typed)}`);
  const problem = readProblem(answer);
  if (problem === undefined) return readRoomInfo(answer) ?? { problem: "offline" };
  const { suggestions } = answer;
  if (!Array.isArray(suggestions)) return problem;
  return { ...problem, suggestions: suggestions.filter((code) => typeof code === "string") };
}

/** Listed rooms, and what the operator says to everybody. */
export async function homeNews(deps: HttpDeps): Promise<HomeNews | HttpProblem> {
  const answer = await request(deps, "/api/rooms");
  const problem = readProblem(answer);
  if (problem !== undefined) return problem;
  const { rooms, notices, at } = answer;
  if (!Array.isArray(rooms)) return { problem: "offline" };
  const wires = Array.isArray(notices) ? notices.slice(0, NOTICES_MAX).map(readWireEvent) : [];
  return {
    rooms: readRooms(rooms),
    notices: wires.filter((wire) => wire !== undefined),
    at: isTime(at) ? at : undefined,
  };
}

function readRooms(entries: unknown[]): ListedRoom[] {
  return entries.flatMap((entry) => {
    if (!isRecord(entry)) return [];
    const room = readRoomInfo(entry.room);
    const { lastAt, people } = entry;
    return room !== undefined && isTime(lastAt) && isTime(people) ? [{ room, lastAt, people }] : [];
  });
}

function readProblem(answer: Record<string, unknown>): HttpProblem | undefined {
  const { problem, field, retryAfterMs } = answer;
  if (problem === undefined) return undefined;
  return {
    problem: typeof problem === "string" && Object.hasOwn(ROOM_API_PROBLEMS, problem)
      ? problem as RoomApiProblem
      : "offline",
    ...(typeof field === "string" && { field }),
    ...(isTime(retryAfterMs) && { retryAfterMs }),
  };
}

/** The JSON object that is answered, whatever its status; `{problem: "offline"}` when there is none. */
async function request(deps: HttpDeps, path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  try {
    const answer: unknown = await within(
      REQUEST_TIMEOUT_MS,
      async (signal) => (await deps.fetch(path, { ...init, signal })).json(),
    );
    if (isRecord(answer)) return answer;
  } catch (error) {
    deps.log?.(`${path}: ${error}`);
  }
  return { problem: "offline" };
}
