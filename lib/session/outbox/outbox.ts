/**
 * My events that the room does not have yet. The state in the storage is the truth, shared by all tabs; this is one
 * tab's view of it, with what is in flight over this tab's connection.
 *
 * Every tab sends everything that waits, in the order of `n`; the server recognises duplicates by their id. An entry
 * leaves by its ack, by appearing in the log, or when its writer discards it after a final refusal.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Signer } from "../../crypto/signing.ts";
import { signEvent } from "../../crypto/signing.ts";
import type { DeliveryState } from "../../chat/timeline.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { REFUSALS } from "../../protocol/codes.ts";
import type { EventId, RoomId, WireEvent } from "../../protocol/event.ts";
import { type Event, type EventContent, isMessage, readEvent } from "../../kinds/kinds.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { HOLE_MAX_EVENTS, REFUSED_PAUSE_MS, STORAGE_RETRY_MS } from "../ports/session_limits.ts";
import * as outboxes from "./outbox_state.ts";
import type { Baseline, Draft, OutboxEntry, OutboxState } from "./outbox_state.ts";
import { type OutboxItem, OutboxSender, type OutboxSenderDeps, waitingOf } from "./outbox_sender.ts";

/** Size of an outbox's random id, which tells the outboxes of a room on one device apart. */
const OUTBOX_ID_BYTES = 9;

export interface OutboxDeps
  extends
    Omit<OutboxSenderDeps, "items" | "onSent">,
    Pick<SessionDeps, "storage" | "tabs" | "random" | "meter" | "log"> {
  room: RoomId;
  signer: Signer;
  /** The content to sign: as it is, or sealed. */
  seal(header: { room: RoomId; author: string; n: number }, content: EventContent): Promise<EventContent>;
  /** An event that changes nothing. */
  noop(): Draft;
  /** The highest Lamport clock seen in the room. */
  clockSeen(): number;
  onDelivery(event: Event, delivery: DeliveryState): void;
  /** An event was signed, or was found signed when the page opened: for transports other than the server's. */
  onSigned(event: Event): void;
  /** The event no longer exists: it was discarded or signed again. */
  onGone(id: EventId): void;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #sender: OutboxSender;
  /** By the keys of their entries. */
  readonly #items = new Map<number, OutboxItem>();
  /** Keys of entries that the room has and the storage may still list. */
  readonly #stored = new Set<number>();
  /** The state as last read. */
  #state: OutboxState = outboxes.EMPTY_OUTBOX;
  readonly #stopListening: Cancel[];
  /** My highest number in the log, as the server last said. */
  #lastN = 0;
  /** The running round of signing. */
  #signing: Promise<void> | undefined;
  #missing: { n: number; times: number } | undefined;
  #cancelLoad: Cancel | undefined;
  #disposed = false;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#sender = new OutboxSender({
      ...deps,
      items: this.#items,
      onSent: (item) => item.entry.refused ?? this.#show(item),
    });
    const load = () => this.#run(() => this.#change((state) => state));
    this.#stopListening = [
      deps.tabs?.listen((room) => room === deps.room && load()),
      deps.storage.onRenewed?.(load),
    ].filter((stop) => stop !== undefined);
  }

  /** Takes the state that was just read, signs what an earlier page left unsigned, and sends it. Never rejects. */
  async start(state: OutboxState): Promise<void> {
    this.#take(state);
    await this.#signAndSend();
  }

  /**
   * Keeps a new event and sends it as soon as allowed. False: the outbox is full. Rejects when the storage fails.
   * `isWanted`: asked when the storage is ready, which may be long after a page was left and shown again; nothing is
   * kept if it is no longer wanted.
   */
  async enqueue(draft: Draft, isWanted: () => boolean = () => true): Promise<boolean> {
    let full = false;
    await this.#change((state) => {
      full = false;
      if (!isWanted()) return state;
      const after = outboxes.enqueue(state, draft, this.#baseline());
      full = after === state;
      return after;
    });
    if (!full) this.#tellTabs();
    return !full;
  }

  /** Discards a refused event and returns its content; undefined when it is missing or not refused. */
  async discardRefused(id: EventId): Promise<EventContent | undefined> {
    const item = this.#byId(id);
    if (item?.entry.refused === undefined) return undefined;
    await this.#change((state) => outboxes.settle(state, new Set([item.entry.key])));
    this.#tellTabs();
    return item.entry.content;
  }

  /** This many other phones have signed that they hold the event. */
  reached(id: EventId, phones: number): void {
    const item = this.#byId(id);
    if (item === undefined || phones <= (item.phones ?? item.entry.phones ?? 0)) return;
    item.phones = phones;
    this.#show(item);
    // With a server it will be stored in a moment. Without one the next page has to know as well.
    if (!this.#sender.isConnected) {
      this.#run(() => this.#change((state) => outboxes.carry(state, item.entry.key, phones)));
    }
  }

  /**
   * Sends what waited for others to travel with, if that reason is gone; `all`: sends everything, because the page may
   * end.
   */
  hurry(all = false): void {
    this.#sender.pump(all);
  }

  /** Signed events that are neither stored nor refused, as they were signed, in the order of `n`. */
  get unsent(): Event[] {
    return waitingOf(this.#items).flatMap(({ entry }) => this.#asSigned(entry) ?? []);
  }

  /** How many events are neither stored nor refused. */
  get waiting(): number {
    return waitingOf(this.#items).length;
  }

  // ---- the connection ----

  connected({ lastN, limits }: ServerFrame<"welcome">): void {
    this.#lastN = Math.max(this.#lastN, lastN);
    this.#missing = undefined;
    this.#sender.connected(limits);
  }

  disconnected(): void {
    this.#sender.disconnected();
  }

  /** The room has these events: the server acked them, or they are in the log. */
  stored(ids: Iterable<EventId>): void {
    let some = false;
    for (const id of ids) {
      const item = this.#byId(id);
      if (item === undefined) continue;
      some = true;
      const { sentAt } = item;
      if (isMessage(item.entry.content)) {
        this.#deps.meter?.stored(sentAt === undefined ? undefined : this.#deps.steady.now() - sentAt);
      }
      this.#stored.add(item.entry.key);
      this.#items.delete(item.entry.key);
      this.#deps.onDelivery(item.event!, { state: "stored" });
    }
    if (!some) return;
    this.#missing = undefined;
    this.#run(() => this.#change((state) => state).then(() => this.#tellTabs()));
  }

  refused(frame: ServerFrame<"refused">): void {
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
      if (isMessage(entry.content) && frame.reason !== "conflict") this.#deps.meter?.refused();
      this.#run(async () => {
        await this.#change((state) => {
          if (entry.noop) return outboxes.settle(state, new Set([entry.key]));
          if (frame.reason === "conflict") return outboxes.renumber(state, entry, this.#baseline());
          // `expired`: a forgotten event used this number.
          const noop = frame.reason === "expired" ? undefined : this.#deps.noop();
          return outboxes.refuse(state, entry, frame.reason, noop);
        });
        this.#tellTabs();
        // Another tab discarded it, or handled the same refusal first.
        if (!this.#state.entries.some(({ key }) => key === entry.key) && this.#items.delete(entry.key)) {
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
    // Events that were sent along get the same answer; sending everything again at once would not help.
    if (times > 1) this.#sender.hold(REFUSED_PAUSE_MS);
    if (there) return this.#sender.pump();
    // Another tab may have it. If nobody has, a database was set back.
    const noop = this.#deps.noop();
    this.#run(() => this.#change((state) => outboxes.fill(state, expectedN, noop, HOLE_MAX_EVENTS)));
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancelLoad?.();
    for (const stop of this.#stopListening) stop();
    this.disconnected();
  }

  // ---- the state ----

  /** Runs one transaction, then signs and sends. Rejects when the transaction fails. */
  async #change(change: (state: OutboxState) => OutboxState): Promise<void> {
    await this.#transact(change);
    await this.#signAndSend();
  }

  /** Retries later on failure. */
  async #signAndSend(): Promise<void> {
    try {
      await this.#signAll();
    } catch (error) {
      this.#deps.log(`outbox: not signed: ${error}`);
      this.#loadLater();
    }
    this.#sender.pump();
  }

  async #transact(change: (state: OutboxState) => OutboxState): Promise<void> {
    const { storage, room, random } = this.#deps;
    this.#take(
      await storage.changeOutbox(room, (state) => {
        const known = this.#state;
        const after = change(
          outboxes.isReplaced(known, state)
            ? outboxes.restore(state, outboxes.settle(known, this.#stored))
            : outboxes.settle(state, this.#stored),
        );
        return after === state
          ? state
          : { id: toBase64Url(random.bytes(OUTBOX_ID_BYTES)), ...after, revision: state.revision + 1 };
      }),
    );
  }

  /** Signs everything that is unsigned. Entries added during signing are signed in the next round. */
  async #signAll(): Promise<void> {
    await this.#signing?.catch(() => {}); // Its callers handle the failure.
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
    await this.#transact((state) => signed.reduce((after, [entry, wire]) => outboxes.sign(after, entry, wire), state));
  }

  /** Brings this tab's items in line with the state. */
  #take(state: OutboxState): void {
    if (this.#disposed) return;
    if (state.id !== this.#state.id && state.id !== undefined) this.#moveItems(state);
    // A late answer, or a state without changes, such as an empty one.
    else if (state.id !== this.#state.id || state.revision <= this.#state.revision) return;
    this.#state = state;
    const kept = new Set(state.entries.map(({ key }) => key));
    for (const entry of state.entries) {
      if (this.#stored.has(entry.key)) continue;
      const item = this.#items.get(entry.key);
      if (item === undefined || item.entry.wire?.[1] !== entry.wire?.[1]) {
        if (item?.event !== undefined) this.#deps.onGone(item.event.id);
        const event = this.#opened(entry);
        const fresh: OutboxItem = { entry, ...(event && { event, signedAt: this.#deps.steady.now() }) };
        this.#items.set(entry.key, fresh);
        this.#show(fresh);
        const asSigned = entry.refused === undefined ? this.#asSigned(entry) : undefined;
        if (asSigned !== undefined) this.#deps.onSigned(asSigned);
      } else {
        const before = item.entry;
        item.entry = entry;
        if (before.refused !== entry.refused) this.#show(item);
      }
    }
    for (const key of this.#stored) if (!kept.has(key)) this.#stored.delete(key);
    for (const [key, item] of this.#items) {
      if (kept.has(key)) continue;
      // Another tab saw it stored or discarded it. Refused entries were discarded; our own connection reports the rest.
      if (item.event !== undefined && item.entry.refused === undefined) continue;
      this.#items.delete(key);
      if (item.event !== undefined) this.#deps.onGone(item.event.id);
    }
  }

  /** The storage was cleared and its new outbox uses other keys: items go on under their new key. */
  #moveItems(state: OutboxState): void {
    const items = [...this.#items.values()];
    this.#items.clear();
    this.#stored.clear();
    for (const item of items) {
      const { key, wire } = item.entry;
      if (wire === undefined) continue; // The new state has it and will sign it.
      const moved = state.entries.find((entry) => entry.wire?.[1] === wire[1]);
      // In neither outbox any more: our own connection will report it.
      this.#items.set(moved?.key ?? -key, item);
      item.entry = moved ?? { ...item.entry, key: -key };
    }
  }

  #opened(entry: OutboxEntry): Event | undefined {
    if (entry.wire === undefined) return undefined;
    const read = readEvent(entry.wire);
    if (read.ok) return { ...read.event, ...entry.content };
    this.#deps.log(`outbox: unreadable: ${read.problem.reason} ${read.problem.field}`);
  }

  #asSigned({ wire }: OutboxEntry): Event | undefined {
    const read = wire && readEvent(wire);
    return read?.ok ? read.event : undefined;
  }

  #show({ entry, event, sentAt, phones = entry.phones }: OutboxItem): void {
    if (event === undefined || entry.noop) return;
    if (entry.refused !== undefined) this.#deps.onDelivery(event, { state: "refused", reason: entry.refused });
    else if (phones !== undefined) this.#deps.onDelivery(event, { state: "on_phones", phones });
    else this.#deps.onDelivery(event, { state: sentAt === undefined ? "queued" : "on_its_way" });
  }

  #baseline(): Baseline {
    return { n: this.#lastN, clock: this.#deps.clockSeen() };
  }

  #byId(id: EventId): OutboxItem | undefined {
    for (const item of this.#items.values()) if (item.event?.id === id) return item;
  }

  #tellTabs(): void {
    this.#deps.tabs?.tell(this.#deps.room);
  }

  /**
   * For changes that nobody awaits. On failure the state stays as it was, and the server will answer the same again.
   */
  #run(change: () => Promise<void>): void {
    change().catch((error) => {
      this.#deps.log(`outbox: not stored: ${error}`);
      this.#loadLater();
    });
  }

  /** The storage failed: retries until every entry is signed, sent or removed. */
  #loadLater(): void {
    if (this.#disposed) return;
    this.#cancelLoad ??= this.#deps.timers.after(STORAGE_RETRY_MS, () => {
      this.#cancelLoad = undefined;
      this.#run(() => this.#change((state) => state));
    });
  }
}

function isNumberTaken({ reason }: ServerFrame<"refused">): boolean {
  return reason === "conflict" || reason === "expired";
}
