/**
 * Mailboxes: what one instance hands to another one, and nobody keeps. Each instance has one; each sender has
 * MAILBOX_SLOTS places in it, so it cannot grow, and every place empties itself after `lifeMs` when nobody does.
 */
import type { SignalFailure } from "../../protocol/codes.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";
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

/** Something that one instance hands to another. */
export type Envelope =
  /** For a person in a room. `answer`: when nobody is there to take it, the sender's instance wants to know. */
  | {
    type: "signal";
    room: RoomId;
    from: AuthorKey;
    to: AuthorKey;
    payload: string;
    signature: string;
    answer: boolean;
  }
  /** The answer: what `from` sent to `to` was not taken. */
  | { type: "signal_undeliverable"; room: RoomId; from: AuthorKey; to: AuthorKey; reason: SignalFailure };

/** Envelopes that one instance sent together. */
export interface EnvelopeBatch {
  /** The sender's instance. */
  from: string;
  envelopes: Envelope[];
}

/** Most characters of payloads in one post: KV stores a text with one letter beyond Latin-1 as two bytes each. */
export const ENVELOPE_BATCH_MAX_CHARS = 24_576;

export class MailboxStore {
  readonly #database: Database;
  readonly #closed: AbortSignal;
  /** The next place to write to, by receiver. Forgotten with those not written to for longest. */
  readonly #nextSlots = new BoundedMap<string, number>(1_000);

  /** `closed` ends every listening. */
  constructor(database: Database, closed: AbortSignal) {
    this.#database = database;
    this.#closed = closed;
  }

  /**
   * Puts a post into an instance's mailbox and rings for it; false when the places of this sender are taken: nothing is
   * put. Nobody finds it any more after `lifeMs`.
   */
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

  /** Reads and deletes what lies in an instance's mailbox, oldest first. */
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

  /** Yields at once, and whenever something may lie in the mailbox, until `signal` aborts. */
  async *listen(instance: string, signal: AbortSignal): AsyncGenerator<void, void, void> {
    const ended = AbortSignal.any([signal, this.#closed]);
    for await (const _ of watchVersions(this.#database, [keys.mailbox(instance)], ended)) yield;
  }
}
