// Runs in browser and server.
/**
 * The rooms that a device remembers, the last opened one first: the newest few and favourites. Pure. Time alone never
 * removes a room: a jump of the phone's clock would delete its key, its messages and its outbox.
 */
import type { RoomId, RoomKind } from "../protocol/event.ts";

/** Rooms in the list of recent rooms. */
export const RECENT_ROOMS = 10;
/** A room counts as recent for this long after it was last opened. Then it is hidden, and dropped after ten others. */
export const RECENT_ROOM_MS = 7 * 86_400_000;
/** Most favourites; beyond it the one that was opened longest ago is dropped. */
export const FAVOURITES_MAX = 100;

/** A room that this device remembers. */
export interface KnownRoom {
  id: RoomId;
  kind: RoomKind;
  /** Unsealed, even for a sealed room. */
  name: string;
  /** Absent for sealed rooms. */
  code?: string;
  /** Sealed rooms only: the key in their link. */
  secret?: string;
  /** When it was last opened here, ms. */
  openedAt: number;
  favourite: boolean;
}

/** The path of the page that opens this room. */
export function roomPath(room: Pick<KnownRoom, "id" | "code" | "secret">): string {
  if (room.secret !== undefined) return `/s/${room.id}#${room.secret}`;
  return `/r/${room.code ?? room.id}`;
}

/** `rooms` after this one was opened: the newest first, without the ones over the limits. */
export function withOpened(
  rooms: readonly KnownRoom[],
  opened: Omit<KnownRoom, "favourite">,
): readonly KnownRoom[] {
  const favourite = rooms.find(({ id }) => id === opened.id)?.favourite ?? false;
  return tidy([{ ...opened, favourite }, ...rooms.filter(({ id }) => id !== opened.id)]);
}

/** `rooms` with this room as a favourite, or no longer. */
export function withFavourite(
  rooms: readonly KnownRoom[],
  id: RoomId,
  favourite: boolean,
): readonly KnownRoom[] {
  return tidy(rooms.map((room) => room.id === id ? { ...room, favourite } : room));
}

export function withoutRoom(rooms: readonly KnownRoom[], id: RoomId): readonly KnownRoom[] {
  return rooms.filter((room) => room.id !== id);
}

/** Rooms that were opened lately, the newest first. */
export function recentRooms(rooms: readonly KnownRoom[], nowMs: number): readonly KnownRoom[] {
  return rooms.filter(({ openedAt }) => nowMs - openedAt < RECENT_ROOM_MS).slice(0, RECENT_ROOMS);
}

export function favouriteRooms(rooms: readonly KnownRoom[]): readonly KnownRoom[] {
  return rooms.filter(({ favourite }) => favourite);
}

function tidy(rooms: readonly KnownRoom[]): readonly KnownRoom[] {
  const kept = new Set([...rooms.slice(0, RECENT_ROOMS), ...favouriteRooms(rooms).slice(0, FAVOURITES_MAX)]);
  return rooms.filter((room) => kept.has(room));
}
