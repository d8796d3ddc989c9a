/**
 * Mailboxes: how one instance hands envelopes to another. Each instance has a mailbox; each sender has MAILBOX_SLOTS slots
 * in it, so it cannot grow, and every slot expires after `lifeMs`.
 */
import type { SignalFailure } from "../../protocol/codes.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import { BoundedMap } from "../../shared/bounded.ts";
import type { Database } from "../database.ts";
import { keys } from "../keys.ts";
import { watchVersions } from "../watching.ts";

/** Batches of one sender that one mailbox holds. */
export const MAILBOX_SLOTS = 32;
/** Batches read and deleted at a time: each is checked, and a commit takes 100 checks. */
const TAKEN_AT_ONCE = 50;
/** Reads of a mailbox while senders keep writing to it; after that the next notification reads on. */
const TAKE_TRIES = 5;

/** Value of the key `mail`. */
interface StoredBatch extends EnvelopeBatch {
  /** Server's clock, ms. */
  expiresAt: number;
}

/** One message from one instance to another. */
export type Envelope =
  /** A signal for a person in a room. `answer`: the sender's instance wants to know when nobody took it. */
  | {
    type: "signal";
    room: RoomId;
    from: AuthorKey;
    to: AuthorKey;
    payload: string;
    signature: string;
    answer: boolean;
  }
  /** The answer: the signal from `from` to `to` was not taken. */
  | { type: "signal_undeliverable"; room: RoomId; from: AuthorKey; to: AuthorKey; reason: SignalFailure };

/** Envelopes that one instance sent together. */
export interface EnvelopeBatch {
  /** The sender's instance. */
  from: string;
  envelopes: Envelope[];
}

/** Most characters of payloads in one batch: one character beyond Latin-1 makes KV store a text as two bytes each. */
export const ENVELOPE_BATCH_MAX_CHARS = 24_576;

export class MailboxStore {
  /** The next slot to write to, by receiver; the least recently used receiver is forgotten first. */
  readonly #nextSlots = new BoundedMap<string, number>(1_000);

  /** `closed` ends every `listen`. */
  constructor(private readonly database: Database, private readonly closed: AbortSignal) {}

  /**
   * Puts a batch into an instance's mailbox and notifies it. Returns false, without putting it, when all slots of this sender
   * are taken. The batch expires after `lifeMs`.
   */
  async put(to: string, from: string, envelopes: readonly Envelope[], lifeMs: number, nowMs: number): Promise<boolean> {
    const slot = this.#nextSlots.get(to) ?? 0;
    const key = keys.mail(to, from, slot);
    const batch: StoredBatch = { from, envelopes: [...envelopes], expiresAt: nowMs + lifeMs };
    if (!await this.#write(key, null, to, batch, lifeMs)) {
      const before = await this.database.get<StoredBatch>(key);
      // The database deletes expired entries late.
      if (before.value !== null && before.value.expiresAt > nowMs) return false;
      if (!await this.#write(key, before.versionstamp, to, batch, lifeMs)) return false;
    }
    this.#nextSlots.set(to, (slot + 1) % MAILBOX_SLOTS);
    return true;
  }

  async #write(key: Deno.KvKey, versionstamp: string | null, to: string, batch: StoredBatch, lifeMs: number) {
    const stored = await this.database.commit((atomic) => {
      atomic.check({ key, versionstamp });
      atomic.set(key, batch, { expireIn: Math.ceil(lifeMs) });
      atomic.set(keys.mailbox(to), 1, { expireIn: Math.ceil(lifeMs) });
    });
    return stored !== undefined;
  }

  /** Reads and deletes the batches in an instance's mailbox, oldest first. */
  async take(instance: string, nowMs: number): Promise<EnvelopeBatch[]> {
    const taken: EnvelopeBatch[] = [];
    for (let tries = 0; tries < TAKE_TRIES;) {
      const entries = await this.database.list<StoredBatch>({ prefix: keys.mailOf(instance) }, {
        limit: TAKEN_AT_ONCE,
      });
      if (entries.length === 0) break;
      const done = await this.database.commit((atomic) => {
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

  /** Yields at once, and whenever the mailbox may have a batch, until `signal` aborts. */
  async *listen(instance: string, signal: AbortSignal): AsyncGenerator<void, void, void> {
    const ended = AbortSignal.any([signal, this.closed]);
    for await (const _ of watchVersions(this.database, [keys.mailbox(instance)], ended)) yield;
  }
}
