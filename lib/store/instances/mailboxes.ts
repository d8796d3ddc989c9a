/**
 * Mailboxes: what one instance hands to another one, and nobody keeps. Each instance has one; each sender has
 * MAILBOX_SLOTS places in it, so it cannot grow, and every place empties itself after `lifeMs` when nobody does.
 */
import { BoundedMap } from "../../shared/bounded.ts";
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";
import type { Envelope, EnvelopeBatch, MailboxStore } from "../store.ts";
import { watchVersions } from "../watching.ts";

/** Posts of one sender that may lie in one mailbox. */
export const MAILBOX_SLOTS = 32;
/** Posts read and deleted at a time: each is checked, and a commit takes 100 checks. */
const TAKEN_AT_ONCE = 50;
/** Times a mailbox is read again that a sender wrote to meanwhile; then the next ring comes here again. */
const TAKE_TRIES = 5;

/** Value of the key `mail`. */
interface StoredPost extends EnvelopeBatch {
  /** Server's clock, ms. */
  expiresAt: number;
}

export class KvMailboxes implements MailboxStore {
  readonly #database: Database;
  readonly #closed: AbortSignal;
  /** The next place to write to, by receiver. Forgotten with those not written to for longest. */
  readonly #nextSlots = new BoundedMap<string, number>(1_000);

  /** `closed` ends every listening. */
  constructor(database: Database, closed: AbortSignal) {
    this.#database = database;
    this.#closed = closed;
  }

  async put(to: string, from: string, envelopes: readonly Envelope[], lifeMs: number, nowMs: number): Promise<boolean> {
    const slot = this.#nextSlots.get(to) ?? 0;
    const key = keys.mail(to, from, slot);
    const post: StoredPost = { from, envelopes: [...envelopes], expiresAt: nowMs + lifeMs };
    if (!await this.#write(key, null, to, post, lifeMs)) {
      const before = await this.#database.get<StoredPost>(key);
      // The database deletes late what is expired.
      if (before.value !== null && before.value.expiresAt > nowMs) return false;
      if (!await this.#write(key, before.versionstamp, to, post, lifeMs)) return false;
    }
    this.#nextSlots.set(to, (slot + 1) % MAILBOX_SLOTS);
    return true;
  }

  async #write(key: Deno.KvKey, versionstamp: string | null, to: string, post: StoredPost, lifeMs: number) {
    const stored = await this.#database.commit((atomic) => {
      atomic.check({ key, versionstamp });
      atomic.set(key, post, { expireIn: Math.ceil(lifeMs) });
      atomic.set(keys.mailbox(to), 1, { expireIn: Math.ceil(lifeMs) });
    });
    return stored !== undefined;
  }

  async take(instance: string, nowMs: number): Promise<EnvelopeBatch[]> {
    const taken: EnvelopeBatch[] = [];
    for (let tries = 0; tries < TAKE_TRIES;) {
      const entries = await this.#database.list<StoredPost>({ prefix: keys.mailOf(instance) }, {
        limit: TAKEN_AT_ONCE,
      });
      if (entries.length === 0) break;
      const done = await this.#database.commit((atomic) => {
        for (const { key, versionstamp } of entries) atomic.check({ key, versionstamp }).delete(key);
      });
      if (done === undefined) {
        tries++;
        continue;
      }
      // Versionstamps grow with every commit: this is the order in which they were put.
      entries.sort((a, b) => a.versionstamp < b.versionstamp ? -1 : 1);
      for (const { value: { from, envelopes, expiresAt } } of entries) {
        if (expiresAt > nowMs) taken.push({ from, envelopes });
      }
      if (entries.length < TAKEN_AT_ONCE) break;
    }
    return taken;
  }

  async *listen(instance: string, signal: AbortSignal): AsyncGenerator<void, void, void> {
    const ended = AbortSignal.any([signal, this.#closed]);
    for await (const _ of watchVersions(this.#database, [keys.mailbox(instance)], ended)) yield;
  }
}
