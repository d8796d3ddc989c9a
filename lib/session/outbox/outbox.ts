/**
 * What I wrote and the room does not have yet. The book in the storage is the truth, shared by all tabs; this is one tab's
 * view of it, and what is on its way over this tab's connection.
 *
 * Every tab sends everything that waits, in the order of `n`: the server knows doubles by their id. An entry leaves only
 * by its ack, by being seen in the log, or by its writer's hand after a final refusal.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Signer } from "../../crypto/signing.ts";
import { signEvent } from "../../crypto/signing.ts";
import type { DeliveryState } from "../../chat/timeline.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { REFUSALS } from "../../protocol/codes.ts";
import {
  type Event,
  type EventContent,
  type EventId,
  isSaid,
  readEvent,
  type RoomId,
  type WireEvent,
} from "../../protocol/event.ts";
import type { RefusedFrame, WelcomeFrame } from "../../protocol/frames.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { HOLE_MAX_EVENTS, REFUSED_PAUSE_MS, STORAGE_RETRY_MS } from "../ports/session_limits.ts";
import * as outboxes from "./outbox_state.ts";
import type { Baseline, Draft, OutboxEntry, OutboxState } from "./outbox_state.ts";
import { type OutboxItem, OutboxSender, type OutboxSenderDeps, waitingOf } from "./outbox_sender.ts";

/** Of a book's random id: no two outboxes of a room on one device have the same. */
const BOOK_ID_BYTES = 9;

export interface OutboxDeps
  extends Omit<OutboxSenderDeps, "items" | "onSent">, Pick<SessionDeps, "storage" | "tabs" | "random"> {
  room: RoomId;
  signer: Signer;
  /** What is signed for this content: itself, or sealed. */
  seal(header: { room: RoomId; author: string; n: number }, content: EventContent): Promise<EventContent>;
  /** An event that says nothing new. */
  noop(): Draft;
  /** The highest Lamport clock seen in the room. */
  clockSeen(): number;
  onDelivery(event: Event, delivery: DeliveryState): void;
  /** A message is stored, this long after it was sent, ms; undefined when this tab did not send it. */
  onStored(afterMs: number | undefined): void;
  /** A message was turned away for good. */
  onRefused(): void;
  /** An event is signed, or was found signed when the page opened: as it is signed, for other transports than the server's. */
  onSigned(event: Event): void;
  /** This event does not exist any more: taken back, or signed anew. */
  onGone(id: EventId): void;
  log(line: string): void;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #sender: OutboxSender;
  /** By the keys of their entries. */
  readonly #items = new Map<number, OutboxItem>();
  /** Keys of what is stored in the room and may still be in the book. */
  readonly #stored = new Set<number>();
  /** As it was last read. */
  #book: OutboxState = outboxes.EMPTY_OUTBOX;
  readonly #stopListening: Cancel[];
  /** My highest number in the room's log, as the server last said. */
  #lastN = 0;
  /** Signing is under way, for all that wait for it. */
  #signing: Promise<void> | undefined;
  #missing: { n: number; times: number } | undefined;
  #cancelLoad: Cancel | undefined;
  #disposed = false;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#sender = new OutboxSender({ ...deps, items: this.#items, onSent: (item) => this.#sentChanged(item) });
    const load = () => this.#run(() => this.#change((book) => book));
    this.#stopListening = [
      deps.tabs?.listen((room) => room === deps.room && load()),
      deps.storage.onRenewed?.(load),
    ].filter((stop) => stop !== undefined);
  }

  /** Takes what an earlier page left, as just read, signs what it left unsigned, and sends it. Never rejects. */
  async start(book: OutboxState): Promise<void> {
    this.#take(book);
    await this.#signAndSend();
  }

  /**
   * Keeps a new event and sends it as soon as may be. False: the outbox is full. Rejects when the storage fails. `isWanted`:
   * asked when the storage is there for it, which may be long after a page was left and shown again; if not, nothing is kept.
   */
  async enqueue(draft: Draft, isWanted: () => boolean = () => true): Promise<boolean> {
    let full = false;
    await this.#change((book) => {
      full = false;
      if (!isWanted()) return book;
      const after = outboxes.enqueue(book, draft, this.#floor());
      full = after === book;
      return after;
    });
    if (!full) this.#tellTabs();
    return !full;
  }

  /** Takes a refused event out: its content, or undefined when it is not there or not refused. */
  async discardRefused(id: EventId): Promise<EventContent | undefined> {
    const item = this.#byId(id);
    if (item?.entry.refused === undefined) return undefined;
    await this.#change((book) => outboxes.settle(book, new Set([item.entry.key])));
    this.#tellTabs();
    return item.entry.content;
  }

  /** So many other phones are proven to hold this event. */
  reached(id: EventId, phones: number): void {
    const item = this.#byId(id);
    if (item === undefined || phones <= (item.phones ?? item.entry.phones ?? 0)) return;
    item.phones = phones;
    this.#show(item);
    // With a server it is stored in a moment; without one the next page, too, has to know who holds it.
    if (!this.#sender.isConnected) {
      this.#run(() => this.#change((book) => outboxes.carry(book, item.entry.key, phones)));
    }
  }

  /** The reason to wait for others may be gone; `all`: it is, because the page may end. */
  hurry(all = false): void {
    this.#sender.pump(all);
  }

  /** Signed events that are not stored and not refused, as they are signed, in the order of `n`. */
  get unsent(): Event[] {
    return waitingOf(this.#items).flatMap(({ entry }) => this.#raw(entry) ?? []);
  }

  /** Events that are not stored and not refused. */
  get waiting(): number {
    return waitingOf(this.#items).length;
  }

  // ---- the connection ----

  connected({ lastN, limits }: WelcomeFrame): void {
    this.#lastN = Math.max(this.#lastN, lastN);
    this.#missing = undefined;
    this.#sender.connected(limits);
  }

  disconnected(): void {
    this.#sender.disconnected();
  }

  /** The server has these events: by an ack, or because they are in the log. */
  stored(ids: Iterable<EventId>): void {
    let some = false;
    for (const id of ids) {
      const item = this.#byId(id);
      if (item === undefined) continue;
      some = true;
      const { sentAt } = item;
      if (isMessage(item.entry)) {
        this.#deps.onStored(sentAt === undefined ? undefined : this.#deps.steady.now() - sentAt);
      }
      this.#stored.add(item.entry.key);
      this.#items.delete(item.entry.key);
      this.#deps.onDelivery(item.event!, { state: "stored" });
    }
    if (!some) return;
    this.#missing = undefined;
    this.#run(() => this.#change((book) => book).then(() => this.#tellTabs()));
  }

  refused(frame: RefusedFrame): void {
    const item = this.#byId(frame.id);
    if (item === undefined || item.entry.refused !== undefined) return;
    const { entry } = item;
    this.#sender.notSent(item);
    if (frame.reason === "missing_previous") this.#missingPrevious(frame.expectedN ?? entry.n);
    else if (REFUSALS[frame.reason] === "retriable" || (entry.noop && !isNumberTaken(frame))) {
      this.#sender.hold(frame.retryAfterMs ?? REFUSED_PAUSE_MS);
      this.#sender.rewind(entry.n);
      this.#sender.pump();
    } else {
      if (isMessage(entry) && frame.reason !== "conflict") this.#deps.onRefused();
      this.#run(async () => {
        await this.#change((book) => {
          if (entry.noop) return outboxes.settle(book, new Set([entry.key]));
          if (frame.reason === "conflict") return outboxes.renumber(book, entry, this.#floor());
          // `expired`: the number was used by what is forgotten by now.
          const noop = frame.reason === "expired" ? undefined : this.#deps.noop();
          return outboxes.refuse(book, entry, frame.reason, noop);
        });
        this.#tellTabs();
        // Another tab has taken it back, or heard the same before us.
        if (!this.#book.entries.some(({ key }) => key === entry.key) && this.#items.delete(entry.key)) {
          this.#deps.onGone(frame.id);
        }
      });
    }
  }

  #missingPrevious(expectedN: number): void {
    const times = this.#missing?.n === expectedN ? this.#missing.times + 1 : 1;
    this.#missing = { n: expectedN, times };
    this.#sender.rewind(expectedN);
    const there = waitingOf(this.#items).some(({ entry }) => entry.n === expectedN);
    // Answers to what was sent along with the first one say the same once more: no reason to send it all again at once.
    if (times > 1) this.#sender.hold(REFUSED_PAUSE_MS);
    if (there) return this.#sender.pump();
    // Another tab may have it; or nobody has, because a database was set back.
    const noop = this.#deps.noop();
    this.#run(() => this.#change((book) => outboxes.fill(book, expectedN, noop, HOLE_MAX_EVENTS)));
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelLoad?.();
    for (const stop of this.#stopListening) stop();
    this.disconnected();
  }

  // ---- the book ----

  /** Rejects when the transaction fails. */
  async #change(change: (book: OutboxState) => OutboxState): Promise<void> {
    await this.#transact(change);
    await this.#signAndSend();
  }

  /** Tries again later where it fails. */
  async #signAndSend(): Promise<void> {
    try {
      await this.#signAll();
    } catch (error) {
      this.#deps.log(`an event could not be signed yet: ${error}`);
      this.#loadLater();
    }
    this.#sender.pump();
  }

  async #transact(change: (book: OutboxState) => OutboxState): Promise<void> {
    const { storage, room } = this.#deps;
    this.#take(
      await storage.changeOutbox(room, (book) => {
        const known = this.#book;
        const after = change(
          outboxes.isReplaced(known, book)
            ? outboxes.restore(book, outboxes.settle(known, this.#stored))
            : outboxes.settle(book, this.#stored),
        );
        return after === book ? book : { id: this.#newId(), ...after, revision: book.revision + 1 };
      }),
    );
  }

  /** Signs what is there by now. Who comes while others are signed waits, and is signed together with who else did. */
  async #signAll(): Promise<void> {
    await this.#signing?.catch(() => {}); // Told to those who began it.
    await (this.#signing ??= this.#signRound().finally(() => this.#signing = undefined));
  }

  async #signRound(): Promise<void> {
    const { room, signer, seal } = this.#deps;
    const signed: [OutboxEntry, WireEvent][] = [];
    for (const { entry } of [...this.#items.values()]) {
      if (entry.wire !== undefined) continue;
      const { n, clock, at } = entry;
      const content = await seal({ room, author: signer.author, n }, entry.content);
      signed.push([entry, (await signEvent(signer, { room, n, clock, at }, content)).wire]);
      if (this.#disposed) return;
    }
    if (signed.length === 0) return;
    await this.#transact((book) => signed.reduce((after, [entry, wire]) => outboxes.sign(after, entry, wire), book));
  }

  /** Makes this tab's items what the book says. */
  #take(book: OutboxState): void {
    if (this.#disposed) return;
    if (book.id !== this.#book.id && book.id !== undefined) this.#moveItems(book);
    // An answer that comes late, or a book without changes, as an empty one: there is nothing to take.
    else if (book.id !== this.#book.id || book.revision <= this.#book.revision) return;
    this.#book = book;
    const kept = new Set(book.entries.map(({ key }) => key));
    for (const entry of book.entries) {
      if (this.#stored.has(entry.key)) continue;
      const item = this.#items.get(entry.key);
      if (item === undefined || item.entry.wire?.[1] !== entry.wire?.[1]) {
        if (item?.event !== undefined) this.#deps.onGone(item.event.id);
        const event = this.#opened(entry);
        const fresh: OutboxItem = { entry, ...(event && { event, signedAt: this.#deps.steady.now() }) };
        this.#items.set(entry.key, fresh);
        this.#show(fresh);
        const raw = entry.refused === undefined ? this.#raw(entry) : undefined;
        if (raw !== undefined) this.#deps.onSigned(raw);
      } else {
        const before = item.entry;
        item.entry = entry;
        if (before.refused !== entry.refused) this.#show(item);
      }
    }
    for (const key of this.#stored) if (!kept.has(key)) this.#stored.delete(key);
    for (const [key, item] of this.#items) {
      if (kept.has(key)) continue;
      // Stored or taken back by another tab. What was refused was taken back; of the rest our own connection will tell.
      if (item.event !== undefined && item.entry.refused === undefined) continue;
      this.#items.delete(key);
      if (item.event !== undefined) this.#deps.onGone(item.event.id);
    }
  }

  /** The keys of another book are others: what is on its way goes on under its new one. */
  #moveItems(book: OutboxState): void {
    const items = [...this.#items.values()];
    this.#items.clear();
    this.#stored.clear();
    for (const item of items) {
      const { key, wire } = item.entry;
      if (wire === undefined) continue; // The book has it, and it is signed from there.
      const moved = book.entries.find((entry) => entry.wire?.[1] === wire[1]);
      // In neither book any more: our own connection will tell, as of everything that another tab took out.
      this.#items.set(moved?.key ?? -key, item);
      item.entry = moved ?? { ...item.entry, key: -key };
    }
  }

  #newId(): string {
    return toBase64Url(this.#deps.random.bytes(BOOK_ID_BYTES));
  }

  #opened(entry: OutboxEntry): Event | undefined {
    if (entry.wire === undefined) return undefined;
    const read = readEvent(entry.wire);
    if (read.ok) return { ...read.event, ...entry.content };
    this.#deps.log(`an outbox entry is unreadable: ${read.problem.reason} ${read.problem.field}`);
  }

  #raw({ wire }: OutboxEntry): Event | undefined {
    const read = wire && readEvent(wire);
    return read?.ok ? read.event : undefined;
  }

  #show({ entry, event, sentAt, phones = entry.phones }: OutboxItem): void {
    if (event === undefined || entry.noop) return;
    if (entry.refused !== undefined) this.#deps.onDelivery(event, { state: "refused", reason: entry.refused });
    else if (phones !== undefined) this.#deps.onDelivery(event, { state: "on_phones", phones });
    else this.#deps.onDelivery(event, { state: sentAt === undefined ? "queued" : "on_its_way" });
  }

  #sentChanged(item: OutboxItem): void {
    if (item.entry.refused === undefined) this.#show(item);
  }

  #floor(): Baseline {
    return { n: this.#lastN, clock: this.#deps.clockSeen() };
  }

  #byId(id: EventId): OutboxItem | undefined {
    for (const item of this.#items.values()) if (item.event?.id === id) return item;
  }

  #tellTabs(): void {
    this.#deps.tabs?.tell(this.#deps.room);
  }

  /** For changes nobody waits for: a failure leaves the book as it was, and the server will say the same again. */
  #run(change: () => Promise<void>): void {
    change().catch((error) => {
      this.#deps.log(`the outbox could not be kept: ${error}`);
      this.#loadLater();
    });
  }

  /** The storage failed: what is not signed, not sent or not taken out is tried again until it works. */
  #loadLater(): void {
    if (this.#disposed) return;
    this.#cancelLoad ??= this.#deps.timers.after(STORAGE_RETRY_MS, () => {
      this.#cancelLoad = undefined;
      this.#run(() => this.#change((book) => book));
    });
  }
}

function isMessage({ content }: OutboxEntry): boolean {
  return isSaid(content);
}

function isNumberTaken({ reason }: RefusedFrame): boolean {
  return reason === "conflict" || reason === "expired";
}
