/**
 * What I wrote and the room does not have yet. The book in the storage is the truth, shared by all tabs; this is one tab's
 * view of it, and what is on its way over this tab's connection.
 *
 * Every tab sends everything that waits, in the order of `n`: the server knows doubles by their id. An entry leaves only
 * by its ack, by being seen in the log, or by its writer's hand after a final refusal.
 */
import type { Signer } from "../crypto/signing.ts";
import { signEvent } from "../crypto/signing.ts";
import type { DeliveryState } from "../chat/timeline.ts";
import { REFUSALS } from "../protocol/codes.ts";
import {
  type Event,
  type EventContent,
  type EventId,
  isSaid,
  readEvent,
  type RoomId,
  type WireEvent,
} from "../protocol/event.ts";
import type { RefusedFrame, SendFrame, WelcomeFrame } from "../protocol/frames.ts";
import { SEND_MAX_EVENTS } from "../protocol/limits.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import {
  ACK_TIMEOUT_MS,
  HOLE_MAX_EVENTS,
  REFUSED_PAUSE_MS,
  ROAD_FULL_PAUSE_MS,
  SEND_MAX_CHARS,
  STORAGE_RETRY_MS,
} from "./limits.ts";
import * as books from "./outbox_book.ts";
import type { Draft, Floor, OutboxBook, OutboxEntry } from "./outbox_book.ts";
import { Pace } from "./pace.ts";

export interface OutboxParts extends Pick<SessionDeps, "steady" | "timers" | "storage" | "tabs"> {
  room: RoomId;
  signer: Signer;
  /** What is signed for this content: itself, or sealed. */
  seal(header: { room: RoomId; author: string; n: number }, content: EventContent): Promise<EventContent>;
  /** An event that says nothing new. */
  filler(): Draft;
  /** The highest Lamport clock seen in the room. */
  clockSeen(): number;
  send(frame: SendFrame): boolean;
  expectAnswer(): void;
  /** The road is alive and yet does not do its work. */
  giveUpRoad(why: string): void;
  onDelivery(event: Event, delivery: DeliveryState): void;
  /** A message is stored, this long after it was sent, ms; undefined when this tab did not send it. */
  onStored(afterMs: number | undefined): void;
  /** A message was turned away for good. */
  onRefused(): void;
  /** An event is signed, or was found signed when the page opened: as it is signed, for other roads than the server's. */
  onSigned(event: Event): void;
  /** How long a new event that so many other phones hold may wait for others before it goes to the server, ms. */
  serverDelayMs(phones: number): number;
  /** This event does not exist any more: taken back, or signed anew. */
  onGone(id: EventId): void;
  log(line: string): void;
}

/** One entry as this tab knows it. */
interface Item {
  entry: OutboxEntry;
  /** Opened: with the content in the clear. Absent until signed. */
  event?: Event;
  /** When it was written to the connection that is open now, and has no answer yet. */
  sentAt?: number;
  /** Has taken its place in the pace: sending it again costs nothing. */
  paced?: boolean;
  /** When this tab first had it signed. */
  signedAt?: number;
  /** How many other phones are proven to hold it; the book may not know of all of them. */
  phones?: number;
}

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #items = new Map<number, Item>();
  /** Keys of what is stored in the room and may still be in the book. */
  readonly #stored = new Set<number>();
  /** Keys that the book had when it was last read. */
  #kept: ReadonlySet<number> = new Set();
  #revision = 0;
  readonly #stopListening: Cancel;
  /** What the open connection allows; undefined without one. */
  #link: { inFlight: number } | undefined;
  readonly #pace = new Pace();
  #lastN = 0;
  #heldUntil = 0;
  #cancelTimer: Cancel | undefined;
  /** Signing is under way, for all that wait for it. */
  #signing: Promise<void> | undefined;
  #missing: { n: number; times: number } | undefined;
  #cancelLoad: Cancel | undefined;
  #disposed = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#stopListening = parts.tabs?.listen((room) => {
      if (room === parts.room) this.#run(() => this.load());
    }) ?? (() => {});
  }

  /** Reads what waits, also what an earlier page left. Rejects when the storage fails. */
  async load(): Promise<void> {
    await this.#change((book) => book);
  }

  /** Keeps a new event and sends it as soon as may be. False: the outbox is full. Rejects when the storage fails. */
  async put(draft: Draft): Promise<boolean> {
    let full = false;
    await this.#change((book) => {
      const after = books.enqueue(book, draft, this.#floor());
      full = after === book;
      return after;
    });
    if (!full) this.#tellTabs();
    return !full;
  }

  /** Takes a refused event out: its content, or undefined when it is not there or not refused. */
  async takeBack(id: EventId): Promise<EventContent | undefined> {
    const item = this.#byId(id);
    if (item?.entry.refused === undefined) return undefined;
    await this.#change((book) => books.settle(book, new Set([item.entry.key])));
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
    if (this.#link === undefined) this.#run(() => this.#change((book) => books.carry(book, item.entry.key, phones)));
  }

  /** The reason to wait for others may be gone; `all`: it is, because the page may end. */
  hurry(all = false): void {
    this.#pump(all);
  }

  /** Signed events that are not stored and not refused, as they are signed, in the order of `n`. */
  get unsent(): Event[] {
    const unsent = [...this.#items.values()].filter(({ entry }) => entry.refused === undefined);
    return unsent.sort((a, b) => a.entry.n - b.entry.n).flatMap(({ entry }) => this.#raw(entry) ?? []);
  }

  /** Events that are not stored and not refused. */
  get waiting(): number {
    let count = 0;
    for (const { entry } of this.#items.values()) if (entry.refused === undefined) count++;
    return count;
  }

  // ---- the connection ----

  connected({ lastN, limits }: WelcomeFrame): void {
    this.#link = { inFlight: limits.inFlight };
    this.#lastN = Math.max(this.#lastN, lastN);
    this.#pace.set(limits.messageBurst, limits.messageEveryMs);
    this.#missing = undefined;
    this.#pump();
  }

  disconnected(): void {
    if (this.#link === undefined) return;
    this.#link = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const item of this.#items.values()) this.#setSent(item, undefined);
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
        this.#parts.onStored(sentAt === undefined ? undefined : this.#parts.steady.now() - sentAt);
      }
      this.#stored.add(item.entry.key);
      this.#items.delete(item.entry.key);
      this.#parts.onDelivery(item.event!, { state: "stored" });
    }
    if (!some) return;
    this.#missing = undefined;
    this.#run(() => this.#change((book) => book).then(() => this.#tellTabs()));
  }

  refused(frame: RefusedFrame): void {
    const { steady } = this.#parts;
    const item = this.#byId(frame.id);
    if (item === undefined || item.entry.refused !== undefined) return;
    const { entry } = item;
    this.#setSent(item, undefined);
    if (frame.reason === "missing_previous") this.#missingPrevious(frame.expectedN ?? entry.n);
    else if (REFUSALS[frame.reason] === "retriable" || (entry.filler && !isNumberTaken(frame))) {
      this.#heldUntil = Math.max(this.#heldUntil, steady.now() + (frame.retryAfterMs ?? REFUSED_PAUSE_MS));
      this.#rewind(entry.n);
      this.#pump();
    } else {
      if (isMessage(entry) && frame.reason !== "conflict") this.#parts.onRefused();
      this.#run(async () => {
        await this.#change((book) => {
          if (entry.filler) return books.settle(book, new Set([entry.key]));
          if (frame.reason === "conflict") return books.renumber(book, entry, this.#floor());
          // `expired`: the number was used by what is forgotten by now.
          const filler = frame.reason === "expired" ? undefined : this.#parts.filler();
          return books.refuse(book, entry, frame.reason, filler);
        });
        this.#tellTabs();
        // Another tab has taken it back, or heard the same before us.
        if (!this.#kept.has(entry.key) && this.#items.delete(entry.key)) this.#parts.onGone(frame.id);
      });
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelLoad?.();
    this.#stopListening();
    this.disconnected();
  }

  // ---- the book ----

  /** Runs one transaction, then shows what it left. Signing and sending follow, and tell of their failures themselves. */
  async #change(change: (book: OutboxBook) => OutboxBook): Promise<void> {
    await this.#transact(change);
    try {
      await this.#signAll();
    } catch (error) {
      this.#parts.log(`an event could not be signed yet: ${error}`);
      this.#loadLater();
    }
    this.#pump();
  }

  async #transact(change: (book: OutboxBook) => OutboxBook): Promise<void> {
    const { storage, room } = this.#parts;
    this.#take(
      await storage.changeOutbox(room, (book) => {
        const after = change(books.settle(book, this.#stored));
        return after === book ? book : { ...after, revision: book.revision + 1 };
      }),
    );
  }

  /** Signs what is there by now. Who comes while others are signed waits, and is signed together with who else did. */
  async #signAll(): Promise<void> {
    await this.#signing?.catch(() => {}); // Told to those who began it.
    await (this.#signing ??= this.#signRound().finally(() => this.#signing = undefined));
  }

  async #signRound(): Promise<void> {
    const { room, signer, seal } = this.#parts;
    const signed: [OutboxEntry, WireEvent][] = [];
    for (const { entry } of [...this.#items.values()]) {
      if (entry.wire !== undefined) continue;
      const { n, clock, at } = entry;
      const content = await seal({ room, author: signer.author, n }, entry.content);
      signed.push([entry, (await signEvent(signer, { room, n, clock, at }, content)).wire]);
      if (this.#disposed) return;
    }
    if (signed.length === 0) return;
    await this.#transact((book) => signed.reduce((after, [entry, wire]) => books.sign(after, entry, wire), book));
  }

  /** Makes this tab's items what the book says. */
  #take(book: OutboxBook): void {
    // A book without changes, as an empty one, has nothing to take.
    if (this.#disposed || book.revision <= this.#revision) return;
    this.#revision = book.revision;
    const kept = this.#kept = new Set(book.entries.map(({ key }) => key));
    for (const entry of book.entries) {
      if (this.#stored.has(entry.key)) continue;
      const item = this.#items.get(entry.key);
      if (item === undefined || item.entry.wire?.[1] !== entry.wire?.[1]) {
        if (item?.event !== undefined) this.#parts.onGone(item.event.id);
        const event = this.#opened(entry);
        const fresh: Item = { entry, ...(event && { event, signedAt: this.#parts.steady.now() }) };
        this.#items.set(entry.key, fresh);
        this.#show(fresh);
        const raw = entry.refused === undefined ? this.#raw(entry) : undefined;
        if (raw !== undefined) this.#parts.onSigned(raw);
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
      if (item.event !== undefined) this.#parts.onGone(item.event.id);
    }
  }

  #opened(entry: OutboxEntry): Event | undefined {
    if (entry.wire === undefined) return undefined;
    const read = readEvent(entry.wire);
    if (read.ok) return { ...read.event, ...entry.content };
    this.#parts.log(`an outbox entry is unreadable: ${read.problem.reason} ${read.problem.field}`);
  }

  #raw({ wire }: OutboxEntry): Event | undefined {
    const read = wire && readEvent(wire);
    return read?.ok ? read.event : undefined;
  }

  #show({ entry, event, sentAt, phones = entry.phones }: Item): void {
    if (event === undefined || entry.filler) return;
    if (entry.refused !== undefined) this.#parts.onDelivery(event, { state: "refused", reason: entry.refused });
    else if (phones !== undefined) this.#parts.onDelivery(event, { state: "on_phones", phones });
    else this.#parts.onDelivery(event, { state: sentAt === undefined ? "queued" : "on_its_way" });
  }

  #floor(): Floor {
    return { n: this.#lastN, clock: this.#parts.clockSeen() };
  }

  // ---- sending ----

  /** Sends what waits, in the order of `n`, as far as the connection, the pace and the server's patience allow. */
  #pump(hurried = false): void {
    const { steady } = this.#parts;
    const now = steady.now();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#link === undefined) return;
    if (this.#heldUntil > now) return this.#pumpIn(this.#heldUntil - now);
    const waiting = [...this.#items.values()].filter(({ entry }) => entry.refused === undefined);
    waiting.sort((a, b) => a.entry.n - b.entry.n);
    let inFlight = waiting.filter(({ sentAt }) => sentAt !== undefined).length;
    const batch: Item[] = [];
    let chars = 0;
    const lazyMs = hurried || waiting.length >= SEND_MAX_EVENTS ? 0 : this.#lazyMs(waiting, now);
    for (const item of waiting) {
      if (item.sentAt !== undefined) continue;
      // Not signed yet, or not readable: what follows would only be refused.
      if (item.event === undefined || inFlight >= this.#link.inFlight) break;
      if (lazyMs > 0) {
        this.#pumpIn(lazyMs);
        break;
      }
      const waitMs = item.paced ? 0 : this.#pace.take(now);
      if (waitMs > 0) {
        this.#pumpIn(waitMs);
        break;
      }
      item.paced = true;
      inFlight++;
      const size = item.event.wire[0].length;
      if (batch.length === SEND_MAX_EVENTS || (batch.length > 0 && chars + size > SEND_MAX_CHARS)) {
        if (!this.#send(batch.splice(0))) return this.#pumpIn(ROAD_FULL_PAUSE_MS);
        chars = 0;
      }
      batch.push(item);
      chars += size;
    }
    if (batch.length > 0 && !this.#send(batch)) return this.#pumpIn(ROAD_FULL_PAUSE_MS);
    if (this.#cancelTimer === undefined && inFlight > 0) this.#pumpIn(ACK_TIMEOUT_MS);
    const oldest = Math.min(...waiting.map(({ sentAt }) => sentAt ?? Infinity));
    if (now - oldest >= ACK_TIMEOUT_MS) this.#parts.giveUpRoad("an event got no answer");
  }

  /** Until the first of those that are to be sent has waited for long enough: with it the others go, too. */
  #lazyMs(waiting: readonly Item[], now: number): number {
    const dueAt = waiting.filter(({ event, sentAt }) => event !== undefined && sentAt === undefined)
      .map(({ signedAt = 0, phones, entry }) => signedAt + this.#parts.serverDelayMs(phones ?? entry.phones ?? 0));
    return Math.min(...dueAt) - now;
  }

  #send(batch: readonly Item[]): boolean {
    if (!this.#parts.send({ type: "send", events: batch.map(({ event }) => event!.wire) })) return false;
    for (const item of batch) this.#setSent(item, this.#parts.steady.now());
    this.#parts.expectAnswer();
    return true;
  }

  #setSent(item: Item, sentAt: number | undefined): void {
    if (item.sentAt === sentAt) return;
    if (sentAt === undefined) delete item.sentAt;
    else item.sentAt = sentAt;
    if (item.entry.refused === undefined) this.#show(item);
  }

  /** Everything from `n` on has to be sent again. */
  #rewind(n: number): void {
    for (const item of this.#items.values()) if (item.entry.n >= n) this.#setSent(item, undefined);
  }

  #missingPrevious(expectedN: number): void {
    const { steady } = this.#parts;
    const times = this.#missing?.n === expectedN ? this.#missing.times + 1 : 1;
    this.#missing = { n: expectedN, times };
    this.#rewind(expectedN);
    const there = [...this.#items.values()].some(({ entry }) => entry.n === expectedN && entry.refused === undefined);
    // Answers to what was sent along with the first one say the same once more: no reason to send it all again at once.
    if (times > 1) this.#heldUntil = Math.max(this.#heldUntil, steady.now() + REFUSED_PAUSE_MS);
    if (there) return this.#pump();
    // Another tab may have it; or nobody has, because a database was set back.
    const filler = this.#parts.filler();
    this.#run(() => this.#change((book) => books.fill(book, expectedN, filler, HOLE_MAX_EVENTS)));
  }

  #pumpIn(delayMs: number): void {
    this.#cancelTimer ??= this.#parts.timers.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#pump();
    });
  }

  #byId(id: EventId): Item | undefined {
    for (const item of this.#items.values()) if (item.event?.id === id) return item;
  }

  #tellTabs(): void {
    this.#parts.tabs?.tell(this.#parts.room);
  }

  /** For changes nobody waits for: a failure leaves the book as it was, and the server will say the same again. */
  #run(change: () => Promise<void>): void {
    change().catch((error) => {
      this.#parts.log(`the outbox could not be kept: ${error}`);
      this.#loadLater();
    });
  }

  /** The storage failed: what is not signed, not sent or not taken out is tried again until it works. */
  #loadLater(): void {
    if (this.#disposed) return;
    this.#cancelLoad ??= this.#parts.timers.after(STORAGE_RETRY_MS, () => {
      this.#cancelLoad = undefined;
      this.#run(() => this.load());
    });
  }
}

function isMessage({ content }: OutboxEntry): boolean {
  return isSaid(content);
}

function isNumberTaken({ reason }: RefusedFrame): boolean {
  return reason === "conflict" || reason === "expired";
}
