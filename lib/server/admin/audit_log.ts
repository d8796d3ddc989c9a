/**
 * The audit log. Every action is written to it before it is done: an action that cannot be written down does not happen.
 */
import { type AuditEntry, type AuditHead, firstBreak } from "../../store/operators/audit.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";

/** Entries of the audit log on one page. */
export const AUDIT_SHOWN = 50;

export interface AuditLogDeps {
  store: Pick<Store, "audit">;
  environment: Pick<Environment, "clock" | "log">;
}

export class AuditLog {
  readonly #deps: AuditLogDeps;

  constructor(deps: AuditLogDeps) {
    this.#deps = deps;
  }

  /** Adds an entry. Throws StorageUnavailable. */
  async write(by: string, action: string, details: AuditEntry["details"]): Promise<void> {
    const { store, environment: { clock, log } } = this.#deps;
    const { number, hash } = await store.audit.append({ at: clock.now(), by, action, details });
    // A witness outside of the database: somebody who rewrites the log there cannot rewrite this line.
    log(`audit ${number} ${action} ${hash}`);
  }

  /** Entries, newest first; `broken`: the number of one that differs from what was written. */
  async page(before: number | undefined): Promise<{ entries: AuditEntry[]; broken: number | undefined }> {
    const { audit } = this.#deps.store;
    // Read before the entries, so that an entry added meanwhile is not taken for a gap.
    const newest = await audit.newest();
    // With the first one of the next page: nothing may be missing between two pages.
    const entries = await audit.page(before, AUDIT_SHOWN + 1);
    const broken = firstBreak(entries.toReversed()) ?? missingAbove(entries, before, newest);
    return { entries: entries.slice(0, AUDIT_SHOWN), broken };
  }
}

/** The number of the entry that should be the first of a page, when it is missing or another one. */
function missingAbove(
  entries: readonly AuditEntry[],
  before: number | undefined,
  newest: AuditHead | undefined,
): number | undefined {
  if (newest === undefined) return entries[0]?.number;
  const top = Math.min(newest.number, (before ?? Infinity) - 1);
  // Older pages may have expired; the newest page at least shows the log-in of its reader.
  if (entries.length === 0 && before !== undefined) return undefined;
  const entry = entries.find(({ number }) => number === top);
  const isRight = entry !== undefined && (top < newest.number || entry.hash === newest.hash);
  return isRight ? undefined : top;
}
