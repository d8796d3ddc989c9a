/** The page "Rooms" and the page of one room. */
import { normalizeRoomCode } from "../../chat/room_code.ts";
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { countChars } from "../../shared/checks.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { Person, RoomInfo } from "../../protocol/frames.ts";
import type { SuggestedRoom } from "../../store/operators/runtime_settings.ts";
import type { LogHead } from "../../store/rooms/log_records.ts";
import { type Done, OperatorPage, type PageDeps } from "./actions.ts";
import type { Operator } from "./login.ts";
import { roomLines } from "./room_archive.ts";

/** A room in a list. */
export interface RoomRow {
  room: RoomInfo;
  /** On all instances, now. */
  people: number;
  /** Newest event, server's clock, ms. */
  lastAt: number;
  /** Events that are held. */
  events: number;
}

export interface RoomDetails extends RoomRow {
  head: LogHead;
  /** Those that instances name; may be fewer than `people`. */
  shown: Person[];
  suggestedAs: string | undefined;
}

/** Rooms that are read for the list, and how many of them are shown. */
const ROOMS_LOOKED_AT = 1_000;
const ROOMS_SHOWN = 100;
/** Rooms read at a time. */
const STEP_ROOMS = 100;
/** Longest text that is read as a code. */
const TYPED_MAX_CHARS = 200;
const SUGGESTED_MAX = 20;
export const LABEL_MAX_CHARS = 40;

export class RoomsPage extends OperatorPage {
  /** Rooms, the fullest first, without the probes' room; `looked`: how many of `total` were read. */
  async list(): Promise<{ rooms: RoomRow[]; total: number; looked: number; people: number }> {
    const { store, environment: { clock } } = this.deps;
    const rows: RoomRow[] = [];
    const [probeRoom, count] = await Promise.all([store.stats.probeRoom(), store.rooms.count()]);
    let probed = 0;
    let after: RoomId | undefined;
    while (rows.length < ROOMS_LOOKED_AT) {
      const page = await store.rooms.page(after, STEP_ROOMS);
      const rooms = page.filter(({ id }) => id !== probeRoom);
      const ids = rooms.map(({ id }) => id);
      const [heads, counts] = await Promise.all([
        store.log.readHeads(ids),
        store.presence.counts(ids, clock.now()),
      ]);
      rooms.forEach((room, at) => rows.push(rowOf(room, heads[at], counts.get(room.id) ?? 0)));
      probed += page.length - rooms.length;
      after = page.at(-1)?.id;
      if (page.length < STEP_ROOMS) break;
    }
    rows.sort((a, b) => b.people - a.people || b.lastAt - a.lastAt);
    const people = rows.reduce((sum, row) => sum + row.people, 0);
    return { rooms: rows.slice(0, ROOMS_SHOWN), total: Math.max(0, count - probed), looked: rows.length, people };
  }

  /** The room with this id or this typed code. */
  async find(typed: string): Promise<RoomInfo | undefined> {
    const { rooms } = this.deps.store;
    const text = typed.trim();
    const isId: boolean = isBase64UrlOf(text, 16);
    if (isId) return await rooms.byId(text);
    const code = normalizeRoomCode(text.slice(0, TYPED_MAX_CHARS));
    return code === undefined ? undefined : await rooms.byCode(code);
  }

  async page(id: RoomId): Promise<RoomDetails | undefined> {
    const { store, server: { settings }, environment: { clock } } = this.deps;
    if (!isBase64UrlOf(id, 16)) return undefined;
    const [room, head, entries] = await Promise.all([
      store.rooms.byId(id),
      store.log.readHead(id),
      store.presence.read(id, clock.now()),
    ]);
    if (room === undefined || head === undefined) return undefined;
    const shown = new Map(entries.flatMap(({ shown }) => shown.map((person) => [person.author, person])));
    const people = entries.reduce((sum, { count }) => sum + count, 0);
    return {
      ...rowOf(room, head, people),
      head,
      shown: [...shown.values()],
      suggestedAs: settings.suggested.find(({ room }) => room === id)?.label,
    };
  }

  async clear({ by }: Operator, id: RoomId, typed: string): Promise<Done> {
    const { store, server } = this.deps;
    const room = await store.rooms.byId(id);
    if (room === undefined) return { ok: false, problem: "no_such_room" };
    if (!isConfirmed(room, typed)) return { ok: false, problem: "not_confirmed" };
    await this.deps.audit.write(by, "room_cleared", roomNameOf(room));
    const cleared = await store.log.clear(id);
    await server.roomChanged(id);
    return cleared ? { ok: true } : { ok: false, problem: "busy" };
  }

  async delete({ by }: Operator, id: RoomId, typed: string): Promise<Done> {
    const room = await this.deps.store.rooms.byId(id);
    if (room === undefined) return { ok: false, problem: "no_such_room" };
    if (!isConfirmed(room, typed)) return { ok: false, problem: "not_confirmed" };
    await this.deps.audit.write(by, "room_deleted", roomNameOf(room));
    await deleteForGood(this.deps, room);
    return { ok: true };
  }

  /** Suggests a room on the home page with a label; an empty label removes it. */
  async suggest({ by }: Operator, id: RoomId, label: string): Promise<Done> {
    const { store, server: { settings } } = this.deps;
    const room = isBase64UrlOf(id, 16) ? await store.rooms.byId(id) : undefined;
    const tidy = label.normalize("NFC").trim().replace(/\s+/gu, " ");
    if (countChars(tidy) > LABEL_MAX_CHARS) return { ok: false, problem: "too_long" };
    if (tidy !== "" && (room === undefined || room.code === undefined)) return { ok: false, problem: "no_such_room" };
    const others = settings.suggested.filter((suggested) => suggested.room !== id);
    if (tidy !== "" && others.length >= SUGGESTED_MAX) return { ok: false, problem: "too_many" };
    await this.deps.audit.write(by, tidy === "" ? "suggestion_removed" : "suggested", { room: id, label: tidy });
    const suggested: SuggestedRoom[] = tidy === "" ? others : [...others, { room: id, label: tidy }];
    await store.settings.setSuggested(suggested);
    await settings.refresh();
    return { ok: true };
  }

  /** The room's archive, line by line; undefined when there is no such room. */
  async export({ by }: Operator, id: RoomId): Promise<AsyncIterable<string> | undefined> {
    const found = await this.deps.store.archive.snapshot(id);
    if (found === undefined) return undefined;
    await this.deps.audit.write(by, "room_exported", {
      ...roomNameOf(found.snapshot.room),
      head: found.snapshot.head.head,
    });
    return (async function* () {
      for await (const line of roomLines(found)) yield `${line}\n`;
    })();
  }
}

/** Deletes a room for good and tells this instance. */
export async function deleteForGood(
  { store, server, environment: { clock } }: PageDeps,
  { id }: RoomInfo,
): Promise<void> {
  await store.rooms.deleteForGood(id, clock.now());
  await server.roomChanged(id);
}

function rowOf(room: RoomInfo, head: LogHead | undefined, people: number): RoomRow {
  return {
    room,
    people,
    lastAt: head?.lastAt ?? room.createdAt,
    events: head === undefined ? 0 : head.head - head.oldest + 1,
  };
}

/** How the audit log names a room: never by its name, which a user wrote. */
export function roomNameOf({ id, code }: RoomInfo): Record<string, string> {
  return { room: id, ...code !== undefined && { code } };
}

/** The text that confirms an action on a room: its code, or its id where it has no code. */
export function confirmationOf({ id, code }: RoomInfo): string {
  return code ?? id;
}

function isConfirmed(room: RoomInfo, typed: string): boolean {
  const text = typed.trim();
  return room.code === undefined ? text === room.id : normalizeRoomCode(text.slice(0, TYPED_MAX_CHARS)) === room.code;
}
