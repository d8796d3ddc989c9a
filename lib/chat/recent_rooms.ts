// Runs in browser and server.
/**
 * The rooms a device remembers, the one opened last first: the newest few and favourites. Pure. No clock makes a room
 * forgotten: its key, its messages and what waits there would go with it when a phone's clock jumps.
 */
import type { RoomId, RoomKind } from "../protocol/event.ts";

/** Rooms in the list of recent rooms. */
export const RECENT_ROOMS = 10;
/** How long a room is shown as recent after it was last opened. Then it is hidden, and forgotten behind ten others. */
export const RECENT_ROOM_MS = 7 * 86_400_000;
/** Favourites; the one that was opened longest ago stops being one when another comes. */
export const FAVOURITES_MAX = 100;

/** A room this device has been in, or keeps. */
export interface KnownRoom {
  id: RoomId;
  kind: RoomKind;
  /** In the clear, also for a sealed room. */
  name: string;
  /** Absent for sealed rooms. */
  code?: string;
  /** Sealed rooms only: the key that their link carries. */
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

/** `rooms` after this one was opened: the newest first, what is over the limits forgotten. */
export function withOpened(
  rooms: readonly KnownRoom[],
  opened: Omit<KnownRoom, "favourite">,
): readonly KnownRoom[] {
  const favourite = rooms.find(({ id }) => id === opened.id)?.favourite ?? false;
  return tidy([{ ...opened, favourite }, ...rooms.filter(({ id }) => id !== opened.id)]);
}

/** `rooms` with this room kept for good, or no longer. */
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
