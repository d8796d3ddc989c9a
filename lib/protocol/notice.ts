// Runs in browser and server.
/**
 * A notice from the operator: a text signed by the operator's own Ed25519 key, or its withdrawal. As an event it is
 * carried unchanged on every transport; unlike one it belongs to no room's log. Rules: docs/PROTOCOL.md, "Notices".
 */
import { type AuthorKey, eventIdOf, type RoomId, type WireEvent } from "./event.ts";
import { id, key, list, object, oneOf, optional, parseJson, prose, readOr, time } from "./fields.ts";
import {
  NOTICE_MAX_CHARS,
  NOTICE_MAX_LIFE_MS,
  NOTICE_MAX_ROOMS,
  NOTICE_PAYLOAD_MAX_CHARS,
  NOTICES_MAX,
} from "./limits.ts";

/** The first 16 bytes of the payload's SHA-256, base64url. */
export type NoticeId = string;

/** `emergency`: over the whole screen until it is acknowledged. `info`: a line above the conversation. */
export type NoticeUrgency = "emergency" | "info";

interface NoticeHeader {
  id: NoticeId;
  /** The key it is signed with. */
  operator: AuthorKey;
  /** Operator's clock, ms since 1970. */
  at: number;
  /** Nobody shows or carries it after this; at most NOTICE_MAX_LIFE_MS after `at`. */
  until: number;
  wire: WireEvent;
}

export type Notice = Readonly<
  & NoticeHeader
  & (
    | { kind: "notice"; urgency: NoticeUrgency; text: string; /** Absent: all rooms. */ rooms?: readonly RoomId[] }
    /** `of` counts no more. `until` is that of what it withdraws. */
    | { kind: "withdrawal"; of: NoticeId }
  )
>;

/** The payload of a new notice, signed as its UTF-8 encoding. It begins unlike any event and any hello. */
export function encodeNotice(
  operator: AuthorKey,
  { at, until }: { at: number; until: number },
  content: { urgency: NoticeUrgency; text: string; rooms?: readonly RoomId[] } | { of: NoticeId },
): string {
  return JSON.stringify({ notice: 1, operator, at, until, ...content });
}

const header = object({ notice: oneOf(1), operator: key, at: time, until: time });
const withdrawal = object({ of: id });
const notice = object({
  urgency: oneOf("emergency", "info"),
  text: prose(NOTICE_MAX_CHARS),
  rooms: optional(list(id, 1, NOTICE_MAX_ROOMS)),
});

/** Reads a notice: every field checked, nothing trusted but the signature, which is still to be checked. */
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
 * Adds `fresh`, already checked, to `held`: ended notices go, each one is there once, a withdrawal takes
 * the place of its notice. When there are more than NOTICES_MAX, information goes before emergencies and withdrawals,
 * and the oldest first.
 */
export function mergeNotices(held: readonly Notice[], fresh: readonly Notice[], nowMs: number): Notice[] {
  const byId = new Map([...held, ...fresh].filter(({ until }) => until > nowMs).map((notice) => [notice.id, notice]));
  const withdrawn = new Set([...byId.values()].flatMap((notice) => notice.kind === "withdrawal" ? [notice.of] : []));
  const rest = [...byId.values()].filter(({ id }) => !withdrawn.has(id));
  const isInfo = (notice: Notice) => notice.kind === "notice" && notice.urgency === "info";
  // Last to stay first; equal times by id, so that all phones keep the same ones.
  rest.sort((a, b) => Number(isInfo(a)) - Number(isInfo(b)) || b.at - a.at || (a.id < b.id ? -1 : 1));
  return rest.slice(0, NOTICES_MAX).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** The notices of these that people of a room see; undefined: those who are in none see what goes to all rooms. */
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
