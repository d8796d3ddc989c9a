/**
 * What an operator sees and does. Every action is written to the audit log before it is done: what cannot be written
 * down does not happen. Pages call it; they decide nothing.
 */
import { normalizeRoomCode } from "../../chat/room_code.ts";
import { isBase64UrlOf, toBase64Url } from "../../shared/base64url.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import { countChars } from "../../shared/checks.ts";
import type { Person, RoomInfo } from "../../protocol/frames.ts";
import { NOTICE_MAX_CHARS, NOTICE_MAX_ROOMS, NOTICES_MAX } from "../../protocol/limits.ts";
import { encodeNotice, mergeNotices, type Notice, type NoticeUrgency, readNotice } from "../../protocol/notice.ts";
import type { Verifier } from "../../crypto/signing.ts";
import { type AuditHead, firstBreak } from "../../store/operators/audit.ts";
import type { AuditEntry, Ban, LogHead, Store, SuggestedRoom } from "../../store/store.ts";
import type { ServerConfig } from "../config.ts";
import { readLimits, type RuntimeLimit } from "../limits/runtime_limits.ts";
import type { ChatServer, Visitor } from "../server.ts";
import type { Environment } from "../environment.ts";
import { backupLines } from "./backup.ts";
import { Login, type LoginAnswer, type Operator } from "./login.ts";
import { publicKeyOf, signAsOperator } from "./operator_key.ts";
import { ArchiveError, linesOf, readRoom, roomLines } from "./room_archive.ts";

export interface AdminDeps {
  server: Pick<ChatServer, "settings" | "roomChanged" | "config" | "health">;
  store: Store;
  verifier: Verifier;
  environment: Environment;
}

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

export interface RoomPage extends RoomRow {
  head: LogHead;
  /** Those that instances name; may be fewer than `people`. */
  shown: Person[];
  bans: readonly Ban[];
  suggestedAs: string | undefined;
}

export type ActionProblem =
  | "no_such_room"
  | "no_such_notice"
  | "empty"
  | "too_long"
  | "too_many"
  | "not_confirmed"
  | "no_key"
  | "bad_key"
  | "bad_time"
  | "busy";
/** `what`: what was typed that is wrong. */
export type Done<More = unknown> = ({ ok: true } & More) | { ok: false; problem: ActionProblem; what?: string };

/** Rooms that are looked at for a list, and shown of them. */
const ROOMS_LOOKED_AT = 1_000;
export const ROOMS_SHOWN = 100;
const PAGE = 100;
/** Entries of the audit log on one page. */
export const AUDIT_SHOWN = 50;
export const SUGGESTED_MAX = 20;
export const LABEL_MAX_CHARS = 40;
export const REASON_MAX_CHARS = 200;
/** What has to be typed before everything is deleted. */
export const WIPE_WORDS = "delete everything";
const YEAR_MS = 366 * 86_400_000;

export class Admin {
  readonly #deps: AdminDeps;
  readonly #settings: ServerConfig["admin"];
  /** Undefined: admin is off. */
  readonly login: Login | undefined;

  constructor(deps: AdminDeps) {
    this.#deps = deps;
    const { store, server, environment: { clock, random } } = deps;
    this.#settings = server.config.admin;
    const { passwordHash } = this.#settings;
    if (passwordHash !== undefined) {
      this.login = new Login({ store, settings: { ...this.#settings, passwordHash }, clock, random });
    }
  }

  /** The key that notices are signed with; undefined when there is none. */
  get operatorKey(): AuthorKey | undefined {
    const { operatorKey } = this.#settings;
    return operatorKey === undefined ? undefined : publicKeyOf(operatorKey);
  }

  // ---- log-in ----

  async logIn(login: Login, password: string, { address }: Visitor): Promise<LoginAnswer> {
    const answer = await login.logIn(password, address);
    if ("operator" in answer) await this.#audit(answer.operator.by, "logged_in", {});
    // Whoever guesses all day must not fill the log: some tries an hour are enough to see it.
    else if (answer.problem === "wrong_password") {
      const { store, environment: { clock } } = this.#deps;
      const rate = { burst: 5, everyMs: 600_000, pauseMs: 0 };
      if (await store.limits.take("audit wrong password", "", rate, clock.now()) === undefined) {
        await this.#audit("", "wrong_password", {});
      }
    }
    return answer;
  }

  async logOut(login: Login, operator: Operator): Promise<void> {
    await login.logOut(operator);
    await this.#audit(operator.by, "logged_out", {});
  }

  /** Ends every log-in, this one too. */
  async logOutEverywhere(login: Login, { by }: Operator): Promise<void> {
    await this.#audit(by, "logged_out_everywhere", {});
    await login.logOutAll();
  }

  // ---- to see ----

  /** Rooms of people, those with most people first; `looked`: how many of `total` were looked at. */
  async rooms(): Promise<{ rooms: RoomRow[]; total: number; looked: number; people: number }> {
    const { store, environment: { clock } } = this.#deps;
    const rows: RoomRow[] = [];
    const [probeRoom, count] = await Promise.all([store.stats.probeRoom(), store.rooms.count()]);
    let probed = 0;
    let after: RoomId | undefined;
    while (rows.length < ROOMS_LOOKED_AT) {
      const page = await store.rooms.page(after, PAGE);
      const rooms = page.filter(({ id }) => id !== probeRoom);
      const ids = rooms.map(({ id }) => id);
      const [heads, counts] = await Promise.all([
        store.log.readHeads(ids),
        store.presence.counts(ids, clock.now()),
      ]);
      rooms.forEach((room, at) => rows.push(rowOf(room, heads[at], counts.get(room.id) ?? 0)));
      probed += page.length - rooms.length;
      after = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    rows.sort((a, b) => b.people - a.people || b.lastAt - a.lastAt);
    const people = rows.reduce((sum, row) => sum + row.people, 0);
    return { rooms: rows.slice(0, ROOMS_SHOWN), total: Math.max(0, count - probed), looked: rows.length, people };
  }

  /** The room with this id, or this code as somebody types it. */
  async findRoom(typed: string): Promise<RoomInfo | undefined> {
    const { rooms } = this.#deps.store;
    const text = typed.trim();
    const isId: boolean = isBase64UrlOf(text, 16);
    if (isId) return await rooms.byId(text);
    const code = normalizeRoomCode(text.slice(0, 200));
    return code === undefined ? undefined : await rooms.byCode(code);
  }

  async room(id: RoomId): Promise<RoomPage | undefined> {
    const { store, server: { settings }, environment: { clock } } = this.#deps;
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
      bans: settings.bans.filter((ban) => ban.room === id || ban.room === undefined),
      suggestedAs: settings.suggested.find(({ room }) => room === id)?.label,
    };
  }

  /** Entries of the audit log, newest first; `broken`: the number of one that is not what was written. */
  async audit(before: number | undefined): Promise<{ entries: AuditEntry[]; broken: number | undefined }> {
    const { audit } = this.#deps.store;
    // Before the entries: what is added meanwhile is no gap.
    const newest = await audit.newest();
    // With the first one of the next page: nothing may be missing between two pages.
    const entries = await audit.page(before, AUDIT_SHOWN + 1);
    const broken = firstBreak(entries.toReversed()) ?? missingAbove(entries, before, newest);
    return { entries: entries.slice(0, AUDIT_SHOWN), broken };
  }

  /** Who is kept out, and in which room: its code, or its id where it has none. */
  async bans(): Promise<{ ban: Ban; where: string | undefined }[]> {
    const { store, server: { settings } } = this.#deps;
    const { bans } = settings;
    const ids = [...new Set(bans.flatMap(({ room }) => room ?? []))];
    const codes = new Map(await Promise.all(ids.map(async (id) => [id, (await store.rooms.byId(id))?.code] as const)));
    return bans.map((ban) => ({ ban, where: ban.room && (codes.get(ban.room) ?? ban.room) }));
  }

  // ---- rooms ----

  async clearRoom({ by }: Operator, id: RoomId, typed: string): Promise<Done> {
    const { store, server } = this.#deps;
    const room = await store.rooms.byId(id);
    if (room === undefined) return { ok: false, problem: "no_such_room" };
    if (!isConfirmed(room, typed)) return { ok: false, problem: "not_confirmed" };
    await this.#audit(by, "room_cleared", nameOf(room));
    const cleared = await store.log.clear(id);
    await server.roomChanged(id);
    return cleared ? { ok: true } : { ok: false, problem: "busy" };
  }

  async deleteRoom({ by }: Operator, id: RoomId, typed: string): Promise<Done> {
    const room = await this.#deps.store.rooms.byId(id);
    if (room === undefined) return { ok: false, problem: "no_such_room" };
    if (!isConfirmed(room, typed)) return { ok: false, problem: "not_confirmed" };
    await this.#audit(by, "room_deleted", nameOf(room));
    await this.#delete(room);
    return { ok: true };
  }

  /** Deletes every room. */
  async wipe({ by }: Operator, typed: string): Promise<Done<{ rooms: number }>> {
    const { store } = this.#deps;
    if (typed.trim().toLowerCase() !== WIPE_WORDS) return { ok: false, problem: "not_confirmed" };
    await this.#audit(by, "everything_deleted", { rooms: await store.rooms.count() });
    let deleted = 0;
    for (;;) {
      const rooms = await store.rooms.page(undefined, PAGE);
      for (const room of rooms) await this.#delete(room);
      deleted += rooms.length;
      if (rooms.length < PAGE) break;
    }
    await store.settings.setSuggested([]);
    await this.#deps.server.settings.refresh();
    return { ok: true, rooms: deleted };
  }

  async #delete({ id }: RoomInfo): Promise<void> {
    const { store, server, environment: { clock } } = this.#deps;
    await store.rooms.deleteForGood(id, clock.now());
    await server.roomChanged(id);
  }

  /** The room's archive, line by line; undefined when there is no such room. */
  async exportRoom({ by }: Operator, id: RoomId): Promise<AsyncIterable<string> | undefined> {
    const found = await this.#deps.store.archive.snapshot(id);
    if (found === undefined) return undefined;
    await this.#audit(by, "room_exported", { ...nameOf(found.snapshot.room), head: found.snapshot.head.head });
    return (async function* () {
      for await (const line of roomLines(found)) yield `${line}\n`;
    })();
  }

  /** Makes a room of an archive. Throws ArchiveError, and leaves nothing of the room then. */
  async importRoom(
    { by }: Operator,
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<{ room: RoomInfo } | { problem: "id_taken" | "no_free_code" | "interrupted" }> {
    const { store, server, verifier } = this.#deps;
    const lines = linesOf(stream);
    const first = await lines.next();
    if (first === undefined) throw new ArchiveError("not_an_archive", 1, "the file is empty");
    const { snapshot, events } = await readRoom(first, lines, verifier);
    const { id } = snapshot.room;
    // What is refused was not done, and is not in the log. Who overtakes this meets the checks of the restoration.
    if (await store.rooms.byId(id) !== undefined || await store.rooms.wasDeleted(id)) return { problem: "id_taken" };
    await this.#audit(by, "room_imported", nameOf(snapshot.room));
    try {
      const made = await store.archive.restore(snapshot, events);
      if ("problem" in made) return made;
      await server.roomChanged(made.id);
      return { room: made };
    } catch (error) {
      if (error instanceof ArchiveError) await store.rooms.finishRemovals();
      throw error;
    }
  }

  async backup({ by }: Operator): Promise<AsyncIterable<string>> {
    const { store, environment: { clock } } = this.#deps;
    await this.#audit(by, "backup_taken", {});
    return backupLines(store, clock.now());
  }

  // ---- people ----

  async ban(
    { by }: Operator,
    asked: { kind: Ban["kind"]; who: string; room?: RoomId; withDevice?: boolean; reason: string; minutes: number },
  ): Promise<Done> {
    const { store, server: { settings }, environment: { clock, random } } = this.#deps;
    const { kind, room, minutes } = asked;
    const who = asked.who.trim();
    if (!isBase64UrlOf(who, kind === "key" ? 32 : 12)) return { ok: false, problem: "bad_key" };
    if (room !== undefined && !isBase64UrlOf(room, 16)) return { ok: false, problem: "no_such_room" };
    if (!(minutes >= 1 && minutes * 60_000 <= YEAR_MS)) return { ok: false, problem: "bad_time" };
    const reason = asked.reason.trim();
    if (countChars(reason) > REASON_MAX_CHARS) return { ok: false, problem: "too_long" };
    const at = clock.now();
    const id = toBase64Url(random.bytes(12));
    await this.#audit(by, "banned", { ban: id, kind, who, room: room ?? "everywhere", minutes });
    const put = await store.settings.putBan({
      id,
      kind,
      who,
      ...room !== undefined && { room },
      ...kind === "key" && asked.withDevice === true && { withDevice: true },
      reason,
      at,
      until: at + minutes * 60_000,
    }, at);
    await settings.refresh();
    return put ? { ok: true } : { ok: false, problem: "too_many" };
  }

  async liftBan({ by }: Operator, id: string): Promise<Done> {
    if (!isBase64UrlOf(id, 12)) return { ok: false, problem: "bad_key" };
    await this.#audit(by, "ban_lifted", { ban: id });
    await this.#deps.store.settings.liftBan(id);
    await this.#deps.server.settings.refresh();
    return { ok: true };
  }

  // ---- notices ----

  async broadcast(
    { by }: Operator,
    asked: { urgency: NoticeUrgency; text: string; rooms: readonly string[]; minutes: number },
  ): Promise<Done<{ notice: Notice }>> {
    const { operatorKey } = this.#settings;
    const { environment: { clock } } = this.#deps;
    if (operatorKey === undefined) return { ok: false, problem: "no_key" };
    const text = asked.text.replaceAll("\r\n", "\n").trim();
    if (text === "" || !text.isWellFormed()) return { ok: false, problem: "empty" };
    if (countChars(text) > NOTICE_MAX_CHARS) return { ok: false, problem: "too_long" };
    if (!(asked.minutes >= 1 && asked.minutes <= 7 * 24 * 60)) return { ok: false, problem: "bad_time" };
    if (asked.rooms.length > NOTICE_MAX_ROOMS) return { ok: false, problem: "too_many" };
    const rooms: RoomId[] = [];
    for (const typed of asked.rooms) {
      const room = await this.findRoom(typed);
      if (room === undefined) return { ok: false, problem: "no_such_room", what: typed };
      rooms.push(room.id);
    }
    const at = clock.now();
    const until = at + Math.round(asked.minutes * 60_000);
    const content = { urgency: asked.urgency, text, ...rooms.length > 0 && { rooms } };
    const wire = signAsOperator(operatorKey, encodeNotice(publicKeyOf(operatorKey), { at, until }, content));
    const notice = readNotice(wire)!;
    return await this.#putNotice(by, notice, {
      notice: notice.id,
      urgency: asked.urgency,
      rooms: rooms.length === 0 ? "all" : rooms.length,
      until: new Date(until).toISOString(),
    });
  }

  async withdraw({ by }: Operator, id: string): Promise<Done<{ notice: Notice }>> {
    const { operatorKey } = this.#settings;
    const { server: { settings }, environment: { clock } } = this.#deps;
    if (operatorKey === undefined) return { ok: false, problem: "no_key" };
    const notice = settings.notices.find((notice) => notice.id === id && notice.kind === "notice");
    if (notice === undefined) return { ok: false, problem: "no_such_notice" };
    const times = { at: Math.min(clock.now(), notice.until - 1), until: notice.until };
    const wire = signAsOperator(operatorKey, encodeNotice(publicKeyOf(operatorKey), times, { of: id }));
    return await this.#putNotice(by, readNotice(wire)!, { withdrawn: id });
  }

  async #putNotice(by: string, notice: Notice, details: AuditEntry["details"]): Promise<Done<{ notice: Notice }>> {
    const { store, server: { settings }, environment: { clock } } = this.#deps;
    await this.#audit(by, notice.kind === "notice" ? "notice_sent" : "notice_withdrawn", details);
    const put = await store.settings.changeNotices((wires) => {
      const held = wires.flatMap((wire) => readNotice(wire) ?? []).filter(({ until }) => until > clock.now());
      // A withdrawal takes its notice's place; a further notice must not push another one out.
      if (notice.kind === "notice" && held.length >= NOTICES_MAX) return undefined;
      return mergeNotices(held, [notice], clock.now()).map(({ wire }) => wire);
    });
    await settings.refresh();
    return put ? { ok: true, notice } : { ok: false, problem: "too_many" };
  }

  // ---- settings ----

  async setLimits(
    { by }: Operator,
    typed: (name: string) => string | undefined,
  ): Promise<{ ok: true } | { ok: false; wrong: RuntimeLimit }> {
    const { store, server: { settings } } = this.#deps;
    const read = readLimits(typed, settings.configured);
    if ("wrong" in read) return { ok: false, wrong: read.wrong };
    await this.#audit(by, "limits_set", read.limits);
    await store.settings.setLimits(read.limits);
    await settings.refresh();
    return { ok: true };
  }

  /** Puts a room on the home page with a label, or takes it off with none. */
  async suggest({ by }: Operator, id: RoomId, label: string): Promise<Done> {
    const { store, server: { settings } } = this.#deps;
    const room = isBase64UrlOf(id, 16) ? await store.rooms.byId(id) : undefined;
    const tidy = label.normalize("NFC").trim().replace(/\s+/gu, " ");
    if (countChars(tidy) > LABEL_MAX_CHARS) return { ok: false, problem: "too_long" };
    if (tidy !== "" && (room === undefined || room.code === undefined)) return { ok: false, problem: "no_such_room" };
    const others = settings.suggested.filter((suggested) => suggested.room !== id);
    if (tidy !== "" && others.length >= SUGGESTED_MAX) return { ok: false, problem: "too_many" };
    await this.#audit(by, tidy === "" ? "suggestion_removed" : "suggested", { room: id, label: tidy });
    const suggested: SuggestedRoom[] = tidy === "" ? others : [...others, { room: id, label: tidy }];
    await store.settings.setSuggested(suggested);
    await settings.refresh();
    return { ok: true };
  }

  async #audit(by: string, action: string, details: AuditEntry["details"]): Promise<void> {
    const { store, environment: { clock, log } } = this.#deps;
    const { number, hash } = await store.audit.append({ at: clock.now(), by, action, details });
    // A witness outside of the database: who rewrites the log there cannot rewrite what was said here.
    log(`audit ${number} ${action} ${hash}`);
  }
}

/** The number of the entry that should be the first of a page, when it is not there or another one. */
function missingAbove(
  entries: readonly AuditEntry[],
  before: number | undefined,
  newest: AuditHead | undefined,
): number | undefined {
  if (newest === undefined) return entries[0]?.number;
  const top = Math.min(newest.number, (before ?? Infinity) - 1);
  // Older pages may have ended by their age; on the newest one stands at least who reads it.
  if (entries.length === 0 && before !== undefined) return undefined;
  const entry = entries.find(({ number }) => number === top);
  const isRight = entry !== undefined && (top < newest.number || entry.hash === newest.hash);
  return isRight ? undefined : top;
}

function rowOf(room: RoomInfo, head: LogHead | undefined, people: number): RoomRow {
  return {
    room,
    people,
    lastAt: head?.lastAt ?? room.createdAt,
    events: head === undefined ? 0 : head.head - head.oldest + 1,
  };
}

/** What the audit log knows a room by: never its name, which somebody wrote. */
function nameOf({ id, code }: RoomInfo): Record<string, string> {
  return { room: id, ...code !== undefined && { code } };
}

/** What has to be typed before something is done to a room: its code, or the id of one that has none. */
export function confirmationOf({ id, code }: RoomInfo): string {
  return code ?? id;
}

function isConfirmed(room: RoomInfo, typed: string): boolean {
  const text = typed.trim();
  return room.code === undefined ? text === room.id : normalizeRoomCode(text.slice(0, 200)) === room.code;
}
