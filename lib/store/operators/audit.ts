/** The audit log: entries are only ever added, each holds the hash of the one before, and old ones expire. */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../../shared/base64url.ts";
import { type Database, StorageUnavailable } from "../database.ts";
import { keys } from "../keys.ts";

/** How long an entry is kept. */
export const AUDIT_KEPT_MS = 90 * 24 * 3_600_000;
/** Lost races with other instances after which an entry is given up, together with its action. */
const RACES_MAX = 50;

/** Value of the key `audit_head`. */
export type AuditHead = Pick<AuditEntry, "number" | "hash">;

const utf8 = new TextEncoder();

/** The hash of an entry; it binds the entry to all before it. */
export function auditHash({ number, at, by, action, details, previous }: Omit<AuditEntry, "hash">): string {
  return toBase64Url(sha256(utf8.encode(JSON.stringify([number, at, by, action, Object.entries(details), previous]))));
}

/**
 * The number of the first entry that was changed or does not follow the one before; undefined when all are right.
 * `entries`: oldest first. The entry before the oldest one may have expired.
 */
export function firstBreak(entries: readonly AuditEntry[]): number | undefined {
  return entries.find((entry, at) => {
    const before = entries[at - 1];
    return entry.hash !== auditHash(entry) ||
      (before !== undefined && (entry.previous !== before.hash || entry.number !== before.number + 1));
  })?.number;
}

/** One action of an operator. */
export interface AuditEntry {
  /** 1, 2, 3, … */
  number: number;
  /** Server's clock, ms. */
  at: number;
  /** The first characters of the session's name; empty where nobody was logged in. */
  by: string;
  action: string;
  /** The action's objects, in words and numbers; never text that a user wrote. */
  details: Record<string, string | number>;
  /** `hash` of the entry before; empty in the first one. */
  previous: string;
  /** SHA-256 over all of the above, base64url: `auditHash`. */
  hash: string;
}

export class AuditStore {
  constructor(private readonly database: Database) {}

  /** Adds an entry after the newest one. There is no way to change or delete one. */
  async append(said: Omit<AuditEntry, "number" | "previous" | "hash">): Promise<AuditEntry> {
    for (let race = 0; race < RACES_MAX; race++) {
      const { value, versionstamp } = await this.database.get<AuditHead>(keys.auditHead);
      const linked = { ...said, number: (value?.number ?? 0) + 1, previous: value?.hash ?? "" };
      const entry: AuditEntry = { ...linked, hash: auditHash(linked) };
      const done = await this.database.commit((atomic) => {
        atomic.check({ key: keys.auditHead, versionstamp });
        atomic.set(keys.auditHead, { number: entry.number, hash: entry.hash } satisfies AuditHead);
        atomic.set(keys.audit(entry.number), entry, { expireIn: AUDIT_KEPT_MS });
      });
      if (done !== undefined) return entry;
      await this.database.pause(5);
    }
    throw new StorageUnavailable(`the audit log took no entry: ${RACES_MAX} races lost`);
  }

  /** Number and hash of the entry that was added last; undefined before the first. */
  async newest(): Promise<AuditHead | undefined> {
    return (await this.database.get<AuditHead>(keys.auditHead)).value ?? undefined;
  }

  /** Up to `limit` entries, newest first, older than `before`. */
  async page(before: number | undefined, limit: number): Promise<AuditEntry[]> {
    const end = before === undefined ? {} : { end: keys.audit(before) };
    const entries = await this.database.list<AuditEntry>({ prefix: keys.allAudit, ...end }, { limit, reverse: true });
    return entries.map(({ value }) => value);
  }
}
