/** The promises of the store on any database. Each *_test.ts here runs them on one database. */
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { encodePayload, eventIdOf, type RoomKind } from "../../lib/protocol/event.ts";
import type { Event, EventContent } from "../../lib/kinds/kinds.ts";
import type { Kv } from "../../lib/store/database.ts";
import type { LogHead } from "../../lib/store/rooms/log_records.ts";
import type { Store } from "../../lib/store/store.ts";
import { logContract } from "./contract_log.ts";
import { roomsContract } from "./contract_rooms.ts";
import { sharingContract } from "./contract_sharing.ts";

/** One database for one test. */
export interface StoreSetup {
  /** A store with a handle of its own, as another instance has it. */
  open(): Promise<Store>;
  /** A bare handle, to read the actual keys. */
  openKv(): Promise<Kv>;
  /** Closes what is open and deletes the database. */
  end(): Promise<void>;
}

/** Runs a test with a database that is gone afterwards. */
export type StoreTest = (name: string, body: (setup: StoreSetup) => Promise<void>) => void;

/** Registers the whole contract as tests; `database` stands before each name. */
export function storeContract(database: string, setup: () => Promise<StoreSetup>): void {
  const test: StoreTest = (name, body) =>
    Deno.test(`${database}: ${name}`, async () => {
      const opened = await setup();
      try {
        await body(opened);
      } finally {
        await opened.end();
      }
    });
  roomsContract(test);
  logContract(test);
  sharingContract(test);
}

/** A clock reading far from zero: 2025-06-01 12:00:00.000 UTC, the start of a minute. */
export const NOON = Date.UTC(2025, 5, 1, 12);
export const MINUTE_MS = 60_000;

/** The id or key that `name` stands for in tests: its characters and zeros, `byteLength` bytes in all. */
export function idOf(name: string, byteLength: 16 | 32 = 16): string {
  const bytes = new Uint8Array(byteLength);
  new TextEncoder().encodeInto(name, bytes);
  return toBase64Url(bytes);
}

/** An event as `accept` would pass it on. The store does not check signatures, so this one is made up. */
export function eventOf(room: string, author: string, n: number, clock: number, content?: EventContent): Event {
  const said: EventContent = content ?? { kind: "message", body: { name: author, text: `${author} ${n}` } };
  const header = { room: idOf(room), author: idOf(author, 32), n, clock, at: NOON };
  const payload = encodePayload(header, said);
  return { ...header, ...said, id: eventIdOf(payload), wire: [payload, toBase64Url(new Uint8Array(64).fill(n))] };
}

/** The genesis event of a room. */
export function foundingOf(room: string, roomKind: RoomKind = "listed", host = "host"): Event {
  return eventOf(room, host, 1, 1, { kind: "room", body: { roomKind, name: `Room ${room}` } });
}

/** Makes a room; returns its log's head. */
export async function makeRoom(store: Store, room: string, roomKind: RoomKind = "listed", at = NOON): Promise<LogHead> {
  const made = await store.rooms.create(foundingOf(room, roomKind), at);
  if ("problem" in made) throw new Error(`room ${room} was not made: ${made.problem}`);
  return await headOf(store, room);
}

export async function headOf(store: Store, room: string): Promise<LogHead> {
  const head = await store.log.readHead(idOf(room));
  if (!head) throw new Error(`room ${room} has no log`);
  return head;
}

/** Appends events with their authors' records until the race is won. */
export async function appendSurely(store: Store, room: string, events: readonly Event[], at = NOON): Promise<LogHead> {
  for (;;) {
    const authors = new Map(events.map(({ author, n }) => [author, { lastN: n, tatMs: at }]));
    const head = await store.log.append(idOf(room), await headOf(store, room), events, authors, at);
    if (head) return head;
  }
}

/** Appends `count` messages of one author, one `everyMs` after the other, in commits of up to 100. */
export async function fill(store: Store, room: string, author: string, count: number, from = NOON, everyMs = 0) {
  const step = everyMs === 0 ? 100 : 1;
  for (let n = 1; n <= count; n += step) {
    const events = Array.from(
      { length: Math.min(step, count - n + 1) },
      (_, more) => eventOf(room, author, n + more, n + more),
    );
    await appendSurely(store, room, events, from + (n - 1) * everyMs);
  }
}
