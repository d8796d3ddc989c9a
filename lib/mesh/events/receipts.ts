// Runs in browser and simulator.
/**
 * Counts "on N phones". A phone that holds an event signs a receipt. Receipts travel back along the event's path,
 * batched by relays, each sent once. The author verifies them and counts each phone once per event. One signature
 * covers a run of numbers. Relays do not verify: receipts are told apart by signature, so a false one cannot displace a
 * true one, and the number per peer is limited.
 *
 * The count is a lower bound: in rooms of more than RECEIPT_PHONES the event's id selects the signing phones, and
 * receipts may get lost. No phone can sign for another one. An attacker with many keys could sign with each, so the
 * author counts only phones known to be present; see [MESH-52].
 */
import type { AuthorKey, EventId, RoomId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { MESH_RECEIPTS_MAX, type MeshFrame, type Receipt, receiptText } from "../../protocol/peer/mesh_frames.ts";
import { BoundedMap, BoundedSet } from "../../shared/bounded.ts";
import { fnv1a } from "../../shared/fnv1a.ts";
import { KeyedRateLimiter } from "../../shared/rate_limiter.ts";
import type { HeldEvents } from "./held_events.ts";
import {
  AUTHORS_MAX,
  COUNTED_EVENTS,
  RECEIPT_DELAY_MS,
  RECEIPT_LIMIT,
  RECEIPT_PHONES,
  RECEIPTS_CHECKED_MAX,
  RECEIPTS_QUEUED,
  RECEIPTS_RETRY_MS,
  RECEIPTS_SEEN,
  RECEIPTS_TRIES,
} from "../mesh_limits.ts";
import type { MeshContext } from "../peers/link.ts";
import type { MeshPorts } from "../mesh_ports.ts";

/** A batch sent to a peer and not acknowledged yet. */
interface Batch {
  number: number;
  receipts: Receipt[];
  tries: number;
  dueAt: number;
}

export class Receipts {
  /** The peer that delivered each author's newest event. */
  readonly #routes = new BoundedMap<AuthorKey, AuthorKey>(AUTHORS_MAX);
  /** Authors that this phone owes a receipt, and the highest number it covers. */
  readonly #owed = new BoundedMap<AuthorKey, number>(RECEIPTS_QUEUED);
  /** Receipts waiting to be sent. When full, the oldest is dropped and the count stays lower. */
  readonly #waiting = new BoundedMap<string, Receipt>(RECEIPTS_QUEUED);
  /** Receipts already forwarded or counted. */
  readonly #handled = new BoundedSet<string>(RECEIPTS_SEEN);
  readonly #limiter = new KeyedRateLimiter<AuthorKey>(RECEIPT_LIMIT, 256);
  readonly #batches = new Map<AuthorKey, Batch>();
  readonly #counted = new BoundedMap<EventId, Set<AuthorKey>>(COUNTED_EVENTS);
  #batchNumber = 0;
  #checking = 0;
  #dueAt = Infinity;

  constructor(
    readonly context: MeshContext,
    readonly room: RoomId,
    readonly ports: Pick<MeshPorts, "sign" | "verifyText" | "onReceipts">,
    readonly held: HeldEvents,
    /** Whether a phone is known to be present. */
    readonly isKnown: (phone: AuthorKey) => boolean,
  ) {}

  /** A new event from this peer is held here: queues a receipt. */
  onHeld(event: Event, from: AuthorKey): void {
    if (event.author === this.context.me) return;
    this.#routes.set(event.author, from);
    if (this.ports.sign === undefined || !this.#isSelected(event.id)) return;
    this.#owed.set(event.author, Math.max(event.n, this.#owed.get(event.author) ?? 0));
    this.#soon();
  }

  /** Counts receipts for this phone's events and forwards the others. */
  onReceipts(peer: AuthorKey, frame: MeshFrame<"receipts">): void {
    this.context.send(peer, { type: "taken", batch: frame.batch });
    for (const receipt of frame.receipts) {
      const key = keyOf(receipt);
      if (this.#handled.has(key) || receipt.phone === this.context.me) continue;
      if (this.#limiter.take(peer, this.context.now()) > 0) return;
      if (receipt.author === this.context.me) void this.#count(receipt, key);
      else this.#forward(receipt, key);
    }
  }

  onTaken(peer: AuthorKey, batch: number): void {
    if (this.#batches.get(peer)?.number !== batch) return;
    this.#batches.delete(peer);
    if (this.#waiting.size > 0) this.#soon();
  }

  /** Sends the unacknowledged batch of this peer over another one. */
  unlinked(peer: AuthorKey): void {
    const batch = this.#batches.get(peer);
    this.#batches.delete(peer);
    for (const receipt of batch?.receipts ?? []) this.#waiting.set(keyOf(receipt), receipt);
    if (this.#waiting.size > 0) this.#soon();
  }

  nextAt(): number {
    let next = this.#dueAt;
    for (const { dueAt } of this.#batches.values()) next = Math.min(next, dueAt);
    return next;
  }

  due(): void {
    const now = this.context.now();
    for (const [peer, batch] of this.#batches) {
      if (batch.dueAt > now) continue;
      if (batch.tries >= RECEIPTS_TRIES) this.#batches.delete(peer);
      else this.#send(peer, batch);
    }
    if (this.#dueAt > now) return;
    this.#dueAt = Infinity;
    this.#signOwed();
    this.#sendWaiting();
  }

  #soon(delayMs = RECEIPT_DELAY_MS): void {
    const at = this.context.now() + delayMs;
    if (at >= this.#dueAt) return;
    this.#dueAt = at;
    this.context.wakeAt(at);
  }

  /** Whether this phone signs for the event: all phones do in small rooms, about RECEIPT_PHONES in larger ones. */
  #isSelected(id: EventId): boolean {
    const phones = this.context.phones();
    if (phones <= RECEIPT_PHONES) return true;
    const hash = fnv1a(this.context.me + id);
    return (hash ^ (hash >>> 13)) % phones < RECEIPT_PHONES;
  }

  #signOwed(): void {
    const { sign } = this.ports, { me } = this.context;
    for (const [author, to] of [...this.#owed.entries()]) {
      this.#owed.delete(author);
      if (sign === undefined || this.held.at(author, to) === undefined) continue;
      const unsigned = { phone: me, author, from: this.held.unbrokenFrom(author, to), to };
      const done = (signature: string) => {
        const receipt = { ...unsigned, signature };
        this.#forward(receipt, keyOf(receipt));
        this.#sendWaiting();
      };
      const signature = sign(receiptText(this.room, unsigned));
      if (typeof signature === "string") done(signature);
      // If signing fails there is no receipt. The event is not affected.
      else signature.then(done, () => {});
    }
  }

  #forward(receipt: Receipt, key: string): void {
    this.#handled.add(key);
    this.#waiting.set(key, receipt);
    this.#soon();
  }

  #sendWaiting(): void {
    const byNext = new Map<AuthorKey, [string, Receipt][]>();
    for (const entry of this.#waiting.entries()) {
      const next = this.#next(entry[1].author);
      if (next === undefined || this.#batches.has(next)) continue;
      const list = byNext.get(next);
      if (list === undefined) byNext.set(next, [entry]);
      else if (list.length < MESH_RECEIPTS_MAX) list.push(entry);
    }
    for (const [peer, entries] of byNext) {
      for (const [key] of entries) this.#waiting.delete(key);
      const receipts = entries.map(([, receipt]) => receipt);
      this.#send(peer, { number: ++this.#batchNumber, receipts, tries: 0, dueAt: 0 });
    }
  }

  /** The peer towards an author: the author, else the peer that delivered its newest event, else any peer. */
  #next(author: AuthorKey): AuthorKey | undefined {
    const { links } = this.context;
    if (links.has(author)) return author;
    const route = this.#routes.get(author);
    return route !== undefined && links.has(route) ? route : links.keys().next().value;
  }

  #send(peer: AuthorKey, batch: Batch): void {
    batch.tries++;
    batch.dueAt = this.context.now() + RECEIPTS_RETRY_MS;
    this.#batches.set(peer, batch);
    this.context.send(peer, { type: "receipts", batch: batch.number, receipts: batch.receipts });
    this.context.wakeAt(batch.dueAt);
  }

  /** Counts a receipt for an event of this phone if its signer is present and the signature is right. */
  async #count(receipt: Receipt, key: string): Promise<void> {
    const { verifyText, onReceipts } = this.ports;
    if (verifyText === undefined || this.#checking >= RECEIPTS_CHECKED_MAX || !this.isKnown(receipt.phone)) return;
    this.#checking++;
    try {
      const verdict = verifyText(receipt.phone, receiptText(this.room, receipt), receipt.signature);
      if (!(typeof verdict === "boolean" ? verdict : await verdict)) return;
    } finally {
      this.#checking--;
    }
    this.#handled.add(key);
    for (let n = receipt.to; n >= receipt.from && n > receipt.to - COUNTED_EVENTS; n--) {
      const event = this.held.at(this.context.me, n);
      if (event === undefined) continue;
      let phones = this.#counted.get(event.id);
      if (phones === undefined) this.#counted.set(event.id, phones = new Set());
      if (phones.has(receipt.phone)) continue;
      phones.add(receipt.phone);
      onReceipts?.(event.id, phones.size);
    }
  }
}

/** Identifies a receipt by the start of its signature, which differs between any two receipts. */
function keyOf({ phone, signature }: Receipt): string {
  return phone.slice(0, 12) + signature.slice(0, 24);
}
