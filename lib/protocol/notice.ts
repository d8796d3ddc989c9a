// Runs in browser and server.
/**
 * A notice from the operator: a text signed by the operator's own Ed25519 key, or its withdrawal. Like an event, it is
 * carried unchanged over every transport; unlike one, it belongs to no room's log. Rules: docs/PROTOCOL.md, "Notices".
 */
import { type AuthorKey, eventIdOf, type RoomId, type WireEvent } from "./event.ts";
import { id, key, list, object, oneOf, optional, parseJson, prose, type Read, readOr, time } from "./fields.ts";
import {
  NOTICE_MAX_CHARS,
  NOTICE_MAX_LIFE_MS,
  NOTICE_MAX_ROOMS,
  NOTICE_PAYLOAD_MAX_CHARS,
  NOTICES_MAX,
} from "./limits.ts";

/** The first 16 bytes of the payload's SHA-256, base64url. */
export type NoticeId = string;

const header = object({
  notice: oneOf(1),
  /** The key that signed it. */
  operator: key,
  /** Operator's clock, ms since 1970. */
  at: time,
  /** Nobody shows or relays it after this; at most NOTICE_MAX_LIFE_MS after `at`. */
  until: time,
});
const notice = object({
  /** `emergency`: covers the screen until the user acknowledges it. `info`: a line above the conversation. */
  urgency: oneOf("emergency", "info"),
  text: prose(NOTICE_MAX_CHARS),
  /** Absent: all rooms. */
  rooms: optional(list(id, 1, NOTICE_MAX_ROOMS)),
});
/** Withdraws the notice `of` and has the same `until`. */
const withdrawal = object({ of: id });

type NoticeContent = Read<typeof notice>;
type Withdrawal = Read<typeof withdrawal>;
type NoticeHeader = Omit<Read<typeof header>, "notice"> & { id: NoticeId; wire: WireEvent };

export type NoticeUrgency = NoticeContent["urgency"];
export type Notice = Readonly<
  NoticeHeader & ({ kind: "notice" } & NoticeContent | { kind: "withdrawal" } & Withdrawal)
>;

/** The payload of a new notice, signed as its UTF-8 encoding. Its beginning differs from any event or hello. */
export function encodeNotice(
  operator: AuthorKey,
  { at, until }: { at: number; until: number },
  content: NoticeContent | Withdrawal,
): string {
  return JSON.stringify({ notice: 1, operator, at, until, ...content });
}

/** Reads a notice and checks every field. The signature is still unverified. */
export function readNotice(wire: WireEvent): Notice | undefined {
  const [payload] = wire;
  if (payload.length > NOTICE_PAYLOAD_MAX_CHARS) return undefined;
  const value = parseJson(payload);
  const read = readOr(header, value);
  if (read === undefined || read.until <= read.at || read.until - read.at > NOTICE_MAX_LIFE_MS) return undefined;
  const { operator, at, until } = read;
  const full: NoticeHeader = { id: eventIdOf(payload), operator, at, until, wire };
  if ((value as { of?: unknown }).of !== undefined) {
    const content = readOr(withdrawal, value);
    return content && { ...full, kind: "withdrawal", ...content };
  }
  const content = readOr(notice, value);
  return content && { ...full, kind: "notice", ...content };
}

/**
 * Adds verified notices to `held`: drops ended ones and duplicates, and replaces a notice by its withdrawal. Beyond
 * NOTICES_MAX, it drops information before emergencies and withdrawals, and the oldest first.
 */
export function mergeNotices(held: readonly Notice[], fresh: readonly Notice[], nowMs: number): Notice[] {
  const byId = new Map([...held, ...fresh].filter(({ until }) => until > nowMs).map((notice) => [notice.id, notice]));
  const withdrawn = new Set([...byId.values()].flatMap((notice) => notice.kind === "withdrawal" ? [notice.of] : []));
  const rest = [...byId.values()].filter(({ id }) => !withdrawn.has(id));
  const isInfo = (notice: Notice) => notice.kind === "notice" && notice.urgency === "info";
  // The most important ones first; equal times by id, so that all phones keep the same ones.
  rest.sort((a, b) => Number(isInfo(a)) - Number(isInfo(b)) || b.at - a.at || (a.id < b.id ? -1 : 1));
  return rest.slice(0, NOTICES_MAX).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** The notices for a room; for `undefined` (the home page), those to all rooms. */
export function noticesFor(
  room: RoomId | undefined,
  held: readonly Notice[],
  nowMs: number,
): Extract<Notice, { kind: "notice" }>[] {
  return held.flatMap((notice) =>
    notice.kind === "notice" && notice.until > nowMs &&
      (notice.rooms === undefined || (room !== undefined && notice.rooms.includes(room)))
      ? [notice]
      : []
  );
}
