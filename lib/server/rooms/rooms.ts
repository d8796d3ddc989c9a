/** Creates, finds and lists rooms, within their limits. */
import { BoundedMap } from "../../shared/bounded.ts";
import type { Clock } from "../../shared/environment.ts";
import { normalizeRoomCode } from "../../chat/room_code.ts";
import { suggestRoomCodes } from "../../chat/room_code_words.ts";
import type { RoomApiProblem } from "../../protocol/codes.ts";
import type { WireEvent } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../../shared/base64url.ts";
import type { ListedRoomRecord } from "../../store/rooms/room_registry.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import type { Store } from "../../store/store.ts";
import type { SuggestedRoom } from "../../store/operators/runtime_settings.ts";
import type { FloodLog } from "../limits/flood_log.ts";
import type { ServerConfig } from "../config/server_config.ts";

/** Why a request was refused, as in the HTTP answer; ROOM_API_PROBLEMS has the status. */
export interface RoomApiFailure {
  problem: RoomApiProblem;
  /** With `bad_event` and `too_long`: the first wrong field. */
  field?: string;
  retryAfterMs?: number;
}

export type RoomAnswer = { room: RoomInfo } | RoomApiFailure;
/** `suggestions`: codes of existing rooms that are close to the typed one. */
export type CodeAnswer = { room: RoomInfo } | (RoomApiFailure & { suggestions?: string[] });

export interface ListedRoomCount extends Omit<ListedRoomRecord, "founder"> {
  /** People in the room now, on all instances. */
  people: number;
}

/** Most addresses remembered for guessing; the oldest is dropped first. */
const GUESSING_MAX = 10_000;

/** Entries of presence that are read for the list, at most once in `listedCacheMs`. */
const PRESENCE_READ_MAX = 5_000;

/** An id that no room has. */
const NO_ROOM = "";

/** The closest readings of a wrong code that may be unlisted rooms: a slip in a word nearly always has one reading. */
const UNLISTED_READINGS = 2;

export type SuggestedEntry = Omit<ListedRoomCount, "lastAt"> & { label: string };

/** A list that answers all visitors until then. */
interface Kept<Entry> {
  key: string;
  until: number;
  rooms: Promise<readonly Entry[]>;
}

export interface RoomsDeps {
  store: Pick<Store, "rooms" | "presence" | "limits">;
  config: ServerConfig;
  clock: Clock;
  verifier: Verifier;
  floods: Pick<FloodLog, "refused">;
}

export class Rooms {
  readonly #deps: RoomsDeps;
  /** Addresses with too many wrong codes, and the end of their pause, in which none of their codes is looked up. */
  readonly #guessing = new BoundedMap<string, number>(GUESSING_MAX);
  #suggested: Kept<SuggestedEntry> | undefined;
  #listed: Kept<ListedRoomCount> | undefined;

  constructor(deps: RoomsDeps) {
    this.#deps = deps;
  }

  /** Rules: ROOM-* in docs/PROTOCOL.md. Throws StorageUnavailable. */
  async create(genesis: WireEvent, { device, address }: { device: string; address: string }): Promise<RoomAnswer> {
    const { store, config: { limits }, clock, verifier, floods } = this.#deps;
    const read = readEvent(genesis);
    if (!read.ok) return { problem: read.problem.reason, field: read.problem.field };
    const { event } = read;
    const problem = genesisProblem(event);
    if (problem !== undefined) return problem;
    // First, so that requests without a signature use up nobody's allowance.
    if (!await verifyEvent(verifier, event)) return { problem: "bad_signature" };
    const now = clock.now();
    const waitMs = await store.limits.take("make rooms device", device, limits.deviceRooms, now) ??
      await store.limits.take("make rooms address", address, limits.addressRooms, now);
    if (waitMs !== undefined) {
      floods.refused("rooms", address);
      return { problem: "rate_limited", retryAfterMs: waitMs };
    }
    const made = await store.rooms.create(event, now, founderMark(address));
    if ("problem" in made) return made;
    // The host expects the new room on the list.
    if (made.kind === "listed") this.#listed = undefined;
    return { room: made };
  }

  /** Rules: CODE-* in docs/PROTOCOL.md. `suggests`: whether to search for similar codes. Throws StorageUnavailable. */
  async findByCode(
    typed: string,
    { device, address }: { device: string; address: string },
    suggests: boolean,
  ): Promise<CodeAnswer> {
    const { store, config, clock, floods } = this.#deps;
    const code = normalizeRoomCode(typed);
    const room = code === undefined ? undefined : await store.rooms.byCode(code);
    if (room?.kind === "listed") return { room };
    const now = clock.now();
    const { wrongCodes, addressWrongCodes } = config.limits;
    // An attacker can use a new device for each guess, so the answer must not reveal whether the room exists.
    const guessedUntil = this.#guessing.get(address) ?? 0;
    if (guessedUntil > now) {
      floods.refused("codes", address);
      // Its timing must not reveal it either.
      if (room === undefined) await store.rooms.byId(NO_ROOM);
      return { problem: "rate_limited", retryAfterMs: guessedUntil - now };
    }
    if (room !== undefined) return { room };
    const [deviceWaitMs, addressWaitMs] = await Promise.all([
      store.limits.take("wrong codes", device, wrongCodes, now),
      store.limits.take("wrong codes address", address, addressWrongCodes, now),
    ]);
    if (addressWaitMs !== undefined) this.#guessing.set(address, now + addressWaitMs);
    const waitMs = addressWaitMs ?? deviceWaitMs;
    if (waitMs !== undefined) {
      floods.refused("codes", address);
      return { problem: "rate_limited", retryAfterMs: waitMs };
    }
    if (!suggests) return { problem: "no_such_room" };
    // A wrong code has some 30 codes near it: if all revealed unlisted rooms, each guess would count as 30.
    const maySuggest = async (candidate: string, nearer: number) => {
      const room = await store.rooms.byCode(candidate);
      return room !== undefined && (room.kind === "listed" || nearer < UNLISTED_READINGS);
    };
    const suggestions = await suggestRoomCodes(typed, maySuggest, config.rooms.suggestions);
    return { problem: "no_such_room", suggestions };
  }

  /** Throws StorageUnavailable. */
  listed(): Promise<readonly ListedRoomCount[]> {
    this.#listed = this.#keep(this.#listed, "", (nowMs) => this.#readListed(nowMs));
    return this.#listed.rooms;
  }

  /** The rooms that an operator suggests, in the operator's order. Throws StorageUnavailable. */
  suggested(suggested: readonly SuggestedRoom[]): Promise<readonly SuggestedEntry[]> {
    const read = (nowMs: number) => this.#readSuggested(suggested, nowMs);
    this.#suggested = this.#keep(this.#suggested, JSON.stringify(suggested), read);
    return this.#suggested.rooms;
  }

  /** The list as it was kept, or read again when it is old, of another key, or failed. */
  #keep<Entry>(
    kept: Kept<Entry> | undefined,
    key: string,
    read: (nowMs: number) => Promise<readonly Entry[]>,
  ): Kept<Entry> {
    const { clock, config: { rooms: { listedCacheMs } } } = this.#deps;
    const now = clock.now();
    if (kept?.key === key && now < kept.until) return kept;
    const next = { key, until: now + listedCacheMs, rooms: read(now) };
    next.rooms.catch(() => next.until = 0); // This visitor gets the error from the promise itself.
    return next;
  }

  async #readSuggested(suggested: readonly SuggestedRoom[], nowMs: number) {
    const { store } = this.#deps;
    const ids = suggested.map(({ room }) => room);
    const [rooms, counts] = await Promise.all([
      Promise.all(ids.map((id) => store.rooms.byId(id))),
      store.presence.counts(ids, nowMs),
    ]);
    return suggested.flatMap(({ room: id, label }, at) => {
      const room = rooms[at];
      return room === undefined ? [] : [{ room, label, people: counts.get(id) ?? 0 }];
    });
  }

  /** Drops the cached list, so that the next answer comes from the database. */
  forgetListed(): void {
    this.#listed = undefined;
  }

  async #readListed(nowMs: number): Promise<readonly ListedRoomCount[]> {
    const { store, config: { rooms: { listed, listedPerFounder, listedCandidates } } } = this.#deps;
    const people = await store.presence.busyRooms(PRESENCE_READ_MAX, nowMs);
    const busiest = [...people].sort(([, a], [, b]) => b - a).slice(0, listedCandidates).map(([room]) => room);
    const candidates = await store.rooms.listed(listedCandidates, busiest);
    const counted = candidates.map((candidate) => ({ ...candidate, people: people.get(candidate.room.id) ?? 0 }));
    return rankListed(counted, listedPerFounder).slice(0, listed)
      .map(({ room, lastAt, people }) => ({ room, lastAt, people }));
  }
}

/**
 * The order of the list: the most people first, then the newest activity. Rooms beyond `perFounder` of one founder come
 * after all others, because rooms are free to make and the list is short.
 */
export function rankListed<Room extends Omit<ListedRoomRecord, "room"> & { people: number }>(
  rooms: readonly Room[],
  perFounder: number,
): Room[] {
  const ranked = [...rooms].sort((a, b) => b.people - a.people || b.lastAt - a.lastAt);
  const taken = new Map<string, number>();
  const first: Room[] = [], rest: Room[] = [];
  for (const room of ranked) {
    const before = taken.get(room.founder) ?? 0;
    taken.set(room.founder, before + 1);
    (before < perFounder ? first : rest).push(room);
  }
  return [...first, ...rest];
}

/** Two bytes of a hash: tells rooms of one address from those of others, and nobody's address. */
function founderMark(address: string): string {
  return toBase64Url(sha256(new TextEncoder().encode(`festival-chat/founder/1 ${address}`)).subarray(0, 2));
}

/** Why this event cannot be a room's genesis event. */
function genesisProblem(event: Event): RoomApiFailure | undefined {
  if (event.kind !== "room" || event.n !== 1 || event.clock !== 1) return { problem: "not_a_genesis_event" };
  const { roomKind, name } = event.body;
  // A signed name cannot be tidied here, so only a tidy name is accepted.
  const tidy = roomKind === "sealed" ? /^[A-Za-z0-9_-]{38,}$/.test(name) : isTidy(name);
  return tidy ? undefined : { problem: "bad_event", field: "body.name" };
}

/** One line, NFC, no white space at the ends or twice, no invisible characters that reorder or hide others. */
function isTidy(name: string): boolean {
  return name === name.normalize("NFC").trim().replace(/\s+/gu, " ") &&
    !/[\p{Cc}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u.test(name);
}
