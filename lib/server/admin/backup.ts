/**
 * The whole database as one text, and back. Format: docs/PROTOCOL.md, "Backup". Each room is taken at one moment of its
 * log while others go on writing; rooms do not depend on each other. Not in it: what lives for seconds or minutes
 * (presence, limits, signals, log-ins).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../../shared/base64url.ts";
import { wireEvent } from "../../protocol/event.ts";
import { list, object, type Read, type Reader, readOr, text, whole } from "../../protocol/fields.ts";
import type { Verifier } from "../../crypto/signing.ts";
import { firstBreak } from "../../store/operators/audit.ts";
import type { AuditEntry } from "../../store/operators/audit.ts";
import type { Ban, SuggestedRoom } from "../../store/operators/runtime_settings.ts";
import type { Store } from "../../store/store.ts";
import { type ArchivedRoom, ArchiveError, type Lines, linesOf, objectIn, readRoom, roomLines } from "./room_archive.ts";

export const BACKUP_VERSION = 1;

/** Counts of a backup's content, or of what a restoration wrote. */
export interface BackupCounts {
  rooms: number;
  events: number;
  auditEntries: number;
}

const PAGE = 100;
const utf8 = new TextEncoder();

type BackupStore = Pick<Store, "rooms" | "settings" | "audit" | "archive">;

/** The backup's lines, each with its line feed; the last one has the checksum of all before it. */
export async function* backupLines(store: BackupStore, nowMs: number): AsyncGenerator<string, BackupCounts> {
  const hash = sha256.create();
  const counts: BackupCounts = { rooms: 0, events: 0, auditEntries: 0 };
  const line = (text: string) => {
    hash.update(utf8.encode(`${text}\n`));
    return `${text}\n`;
  };
  yield line(JSON.stringify({ type: "festival-chat-backup", version: BACKUP_VERSION, at: nowMs }));
  yield line(JSON.stringify({ type: "settings", ...await store.settings.read(nowMs) }));
  // Oldest first: they are put back in the order in which they came about.
  const audit: AuditEntry[] = [];
  for (let whole = true; whole;) {
    const page = await store.audit.page(audit.at(-1)?.number, PAGE);
    audit.push(...page);
    whole = page.length === PAGE;
  }
  for (const entry of audit.reverse()) yield line(JSON.stringify({ type: "audit", entry }));
  counts.auditEntries = audit.length;
  let after: string | undefined;
  for (let whole = true; whole;) {
    const rooms = await store.rooms.page(after, PAGE);
    for (const { id } of rooms) {
      const found = await store.archive.snapshot(id);
      if (found === undefined) continue; // Removed meanwhile.
      counts.rooms++;
      for await (const text of roomLines(found)) {
        if (text.startsWith('{"type":"event"')) counts.events++;
        yield line(text);
      }
    }
    whole = rooms.length === PAGE;
    after = rooms.at(-1)?.id;
  }
  const sum = toBase64Url(hash.digest());
  yield `${JSON.stringify({ type: "checksum", ...counts, sha256: sum })}\n`;
  return counts;
}

/**
 * Checks a whole backup without writing anything: each line, each signature, the checksum. Throws ArchiveError for the
 * first thing that is wrong.
 */
export async function checkBackup(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  verifier: Verifier,
): Promise<BackupCounts> {
  return await readBackup(linesOf(stream), verifier, {
    settings: () => Promise.resolve(),
    audit: () => Promise.resolve(),
    room: async ({ events }) => {
      for await (const _ of events);
    },
  });
}

/** Writes a checked backup into an empty database. Throws RestoreError, ArchiveError. */
export async function restoreBackup(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  verifier: Verifier,
  store: BackupStore,
  nowMs: number,
): Promise<BackupCounts> {
  if (!await store.archive.isEmpty()) throw new RestoreError("not_empty", "the database is not empty");
  return await readBackup(linesOf(stream), verifier, {
    settings: async ({ limits, suggested, notices, bans }) => {
      await store.settings.setLimits(limits);
      await store.settings.setSuggested(suggested);
      await store.settings.changeNotices(() => notices);
      for (const ban of bans) if (ban.until > nowMs) await store.settings.putBan(ban, nowMs);
    },
    audit: (entries) => store.archive.restoreAudit(entries),
    room: async ({ snapshot, events }) => {
      const made = await store.archive.restore(snapshot, events);
      if ("problem" in made) throw new RestoreError(made.problem, `room ${snapshot.room.id}: ${made.problem}`);
    },
  });
}

/** Why nothing, or not everything, was restored. */
export class RestoreError extends Error {
  override name = "RestoreError";
  constructor(readonly problem: "not_empty" | "id_taken" | "no_free_code" | "interrupted", what: string) {
    super(what);
  }
}

interface Taker {
  settings(state: Read<typeof settingsOf>): Promise<void>;
  audit(entries: readonly AuditEntry[]): Promise<void>;
  room(room: ArchivedRoom): Promise<void>;
}

async function readBackup(plain: Lines, verifier: Verifier, taker: Taker): Promise<BackupCounts> {
  const hash = sha256.create();
  const counts: BackupCounts = { rooms: 0, events: 0, auditEntries: 0 };
  let summed = "";
  const lines: Lines = {
    get number() {
      return plain.number;
    },
    async next() {
      const text = await plain.next();
      if (text !== undefined) {
        // As it was before this line: the last one is not in its own sum.
        if (text.startsWith('{"type":"checksum"')) summed = toBase64Url(hash.clone().digest());
        if (text.startsWith('{"type":"event"')) counts.events++;
        hash.update(utf8.encode(`${text}\n`));
      }
      return text;
    },
  };
  const fail = (problem: ArchiveError["problem"], what: string) => new ArchiveError(problem, plain.number, what);
  let text: string | undefined;
  const next = async (otherwise?: string) =>
    objectIn(text = await lines.next() ?? otherwise, plain, "the backup ends before its checksum");
  const header = await next("{}"); // An empty file is no backup, rather than one that was cut off.
  if (header.type !== "festival-chat-backup") throw fail("not_an_archive", "this is no backup of Festival Chat");
  if (header.version !== BACKUP_VERSION) throw fail("other_version", `version ${header.version} is not known`);
  const settings = await next();
  if (settings.type !== "settings") throw fail("broken_line", `type ${settings.type} is not known here`);
  const set = readOr(settingsOf, settings);
  if (set === undefined) throw fail("broken_line", "what operators set cannot be read");
  await taker.settings(set);
  let line = await next();
  const audit: AuditEntry[] = [];
  for (; line.type === "audit"; line = await next()) {
    const entry = readOr(auditEntry, line.entry);
    if (entry === undefined) throw fail("broken_line", "an audit entry cannot be read");
    audit.push(entry);
  }
  const broken = firstBreak(audit);
  if (broken !== undefined) throw fail("wrong_checksum", `audit entry ${broken} is not what was written`);
  counts.auditEntries = audit.length;
  if (audit.length > 0) await taker.audit(audit);
  for (; line.type === "room"; line = await next()) {
    await taker.room(await readRoom(text!, lines, verifier));
    counts.rooms++;
  }
  if (line.type !== "checksum") throw fail("broken_line", `type ${line.type} is not known here`);
  if (line.sha256 !== summed || line.rooms !== counts.rooms || line.events !== counts.events) {
    throw fail("wrong_checksum", "the checksum is that of another backup");
  }
  if (await lines.next() !== undefined) throw fail("broken_line", "something follows the checksum");
  return counts;
}

/** An object with at least these fields; what else is in it is kept as it is. */
function kept<Value>(read: Reader<object>): Reader<Value> {
  return (value, field) => {
    read(value, field);
    return value as Value;
  };
}

const settingsOf = object({
  limits: kept<Record<string, number>>(object({})),
  suggested: list(kept<SuggestedRoom>(object({ room: text(), label: text() }))),
  notices: list(wireEvent),
  bans: list(kept<Ban>(object({ id: text(), until: whole(Number.MIN_SAFE_INTEGER) }))),
});

const auditEntry = kept<AuditEntry>(
  object({ number: whole(Number.MIN_SAFE_INTEGER), hash: text(), previous: text(), details: object({}) }),
);
