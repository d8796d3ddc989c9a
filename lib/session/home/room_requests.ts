/** The home page's HTTP requests, and the decoding of their answers. */
import { ROOM_API_PROBLEMS, type RoomApiProblem } from "../../protocol/codes.ts";
import { readWireEvent, type WireEvent } from "../../protocol/event.ts";
import { isRecord, isTime } from "../../shared/checks.ts";
import { readRoomInfo, type RoomInfo } from "../../protocol/frames.ts";
import { NOTICES_MAX } from "../../protocol/limits.ts";
import { REQUEST_TIMEOUT_MS } from "../ports/session_limits.ts";
import { within } from "../../shared/within.ts";

/** `offline`: no answer came, or an unreadable one. */
export interface HttpProblem {
  problem: RoomApiProblem | "offline";
  /** With `bad_event` and `too_long`: the first invalid field. */
  field?: string;
  retryAfterMs?: number;
}

/** A listed room and the number of people in it. */
export interface ListedRoom {
  room: RoomInfo;
  /** When its newest event was stored, server's clock, ms. */
  lastAt: number;
  people: number;
}

/** The answer that the home page polls for. */
export interface HomeNews {
  /** The most active first. */
  rooms: readonly ListedRoom[];
  /** The operator's notices for everybody; not verified yet. */
  notices: readonly WireEvent[];
  /** The server's clock, ms since 1970, if it said so. */
  at: number | undefined;
}

export interface HttpDeps {
  fetch(path: string, init?: RequestInit): Promise<Response>;
  log(line: string): void;
}

/** Makes the room of this genesis event. Repeating it is harmless: the same event makes the same room. */
export async function postRoom(deps: HttpDeps, genesis: WireEvent): Promise<RoomInfo | HttpProblem> {
  const answer = await request(deps, "/api/rooms", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(genesis),
  });
  return readProblem(answer) ?? readRoomInfo(answer) ?? { problem: "offline" };
}

/** The room with this code as typed, or similar codes. */
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

/** Requests the listed rooms and the operator's notices. */
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

/** The JSON object of the answer, whatever its status; `{problem: "offline"}` without one. */
async function request(deps: HttpDeps, path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  try {
    const answer: unknown = await within(
      REQUEST_TIMEOUT_MS,
      async (signal) => (await deps.fetch(path, { ...init, signal })).json(),
    );
    if (isRecord(answer)) return answer;
  } catch (error) {
    deps.log(`${path}: ${error}`);
  }
  return { problem: "offline" };
}
