/**
 * One open room on one instance: its connections, its newest events, and the position up to which these were sent. It is
 * created for the first connection and dropped some time after the last one.
 *
 * Every live member has exactly the events up to `fannedOut`: this invariant keeps positions without gaps.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import { erasedBy } from "../../kinds/retract.ts";
import { isStub, type LogEntry, type Stub } from "../../protocol/stub.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { Person, RoomInfo } from "../../protocol/frames.ts";
import { LATEST_EVENTS, PAGE_MAX_BYTES, PAGE_MAX_EVENTS } from "../../protocol/limits.ts";
import type { LogHead } from "../../store/rooms/log_records.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { Store } from "../../store/store.ts";
import { Committer, type Submission } from "./committer.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { RoomPresence } from "./room_presence.ts";
import type { ServerStats } from "../stats/server_stats.ts";
import type { Environment, OnFailure } from "../environment.ts";
import { type EncodedPage, encodeEvents, RecentEvents } from "./recent_events.ts";

/** The hub's view of a welcomed connection. */
export interface Member {
  readonly person: Person;
  /** Sends the events right after the last ones; only while live. */
  deliver(page: EncodedPage): void;
  /** Sends a frame that is allowed at any time. */
  tell(text: string): void;
  /** Sends a frame that must not be queued for long. Returns false, without sending, under backpressure. */
  pass(text: string): boolean;
  end(reason: CloseReason, retryAfterMs?: number): void;
  /** Ends the connection if an operator banned it from this room. */
  enforceBan(): void;
}

export interface HubDeps {
  store: Store;
  config: ServerConfig;
  environment: Environment;
  stats: ServerStats;
  instance: string;
  /** The last member left, or the room is gone. */
  onEmpty(hub: Hub): void;
  onFailure: OnFailure;
  /** The room holds more events than it may. */
  onOverfull(room: RoomId): void;
}

/** A room that holds this share of its bytes is trimmed between sweeps. */
const FULL_SHARE = 0.9;

export class Hub {
  readonly room: RoomInfo;
  readonly changeChannel: number;
  readonly presence: RoomPresence;
  readonly #deps: HubDeps;
  readonly #recent: RecentEvents;
  /** Stores the events that members send. */
  readonly committer: Committer;
  readonly #members = new Set<Member>();
  readonly #live = new Set<Member>();
  readonly #byAuthor = new Map<AuthorKey, Set<Member>>();
  #head: LogHead;
  #fannedOut: number;
  /** When events were last sent to everybody, ms since 1970. */
  #flushedAt = 0;
  #cancelWindow: Cancel | undefined;
  /** When the oldest unsent event arrived, by the clock of the statistics. */
  #unsentSince: number | undefined;
  #pulling: Promise<boolean> | undefined;
  #closed = false;
  /** Joining connections, which need this hub before it has members. */
  #holds = 0;

  /** Reads the room's end; undefined when there is no such room. Throws StorageUnavailable. */
  static async open(id: RoomId, deps: HubDeps): Promise<Hub | undefined> {
    const { store, environment } = deps;
    const [room, head, elsewhere] = await Promise.all([
      store.rooms.byId(id),
      store.log.readHead(id),
      store.presence.read(id, environment.clock.now()),
    ]);
    if (room === undefined || head === undefined) return undefined;
    const from = Math.max(head.oldest, head.head - LATEST_EVENTS + 1);
    const newest = from > head.head
      ? { from, events: [] }
      : await store.log.readRange(id, from, head.head, LATEST_EVENTS, PAGE_MAX_BYTES);
    const hub = new Hub(room, head, newest, deps);
    hub.presence.setElsewhere(elsewhere);
    return hub;
  }

  private constructor(
    room: RoomInfo,
    head: LogHead,
    newest: { from: number; events: readonly LogEntry[] },
    deps: HubDeps,
  ) {
    this.room = room;
    this.#head = head;
    this.#deps = deps;
    const { store, config } = deps;
    this.changeChannel = store.changes.channelOf(room.id);
    // A page that does not reach the head, because of its size, does not contain the newest events.
    const whole = newest.from + newest.events.length - 1 === head.head;
    const { recentEvents, recentBytes } = config.fanOut;
    this.#recent = new RecentEvents(whole ? newest.from : head.head + 1, recentEvents, recentBytes);
    if (whole) this.#recent.push(newest.events);
    this.#fannedOut = head.head;
    this.presence = new RoomPresence({
      ...deps,
      room: room.id,
      sockets: () => this.#members.size,
      tell: (text) => this.tell(text),
    });
    this.committer = new Committer({
      ...deps,
      room,
      log: store.log,
      commit: config.commit,
      // Storing more often than sending would only cost commits.
      gapMs: () => Math.max(config.commit.gapMs, this.#windowMs()),
      rules: { ...config.limits, retentionMs: config.retention.maxAgeMs },
      onAcked: (submissions) => {
        const now = deps.stats.clock.now();
        for (const { arrivedAt } of submissions) {
          if (arrivedAt !== undefined) deps.stats.observe("ack", now - arrivedAt);
        }
      },
      onStored: (...stored) => this.#stored(...stored),
      onEnded: (reason) => void this.#gone(reason),
    });
  }

  /** The newest state of the log that this instance knows of. */
  get head(): LogHead {
    return this.#head;
  }

  /** Position of the newest event in memory; the log may be ahead for a moment. */
  get newest(): number {
    return this.#recent.last;
  }

  /** Every live member has everything up to here, and nothing after it. */
  get fannedOut(): number {
    return this.#fannedOut;
  }

  get connections(): number {
    return this.#members.size;
  }

  /** Whether nobody is here or joining. */
  get unused(): boolean {
    return this.#members.size === 0 && this.#holds === 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  hold(): void {
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    if (this.unused) this.#deps.onEmpty(this);
  }

  // ---- members ----

  join(member: Member): void {
    this.#members.add(member);
    const { author } = member.person;
    const same = this.#byAuthor.get(author);
    if (same === undefined) this.#byAuthor.set(author, new Set([member]));
    else same.add(member);
    this.presence.enter(member.person);
  }

  /** From now on `member`, who has everything up to `fannedOut`, receives all new events. */
  goLive(member: Member): void {
    this.#live.add(member);
  }

  /** From now on `member` catches up again before it receives new events. */
  fallBehind(member: Member): void {
    this.#live.delete(member);
  }

  leave(member: Member): void {
    this.#live.delete(member);
    if (!this.#members.delete(member)) return;
    const { author } = member.person;
    const same = this.#byAuthor.get(author);
    if (same?.delete(member) && same.size === 0) this.#byAuthor.delete(author);
    this.presence.leave(author);
    if (this.unused) this.#deps.onEmpty(this);
  }

  /** Everybody here. A copy, because members may leave during an iteration. */
  members(): Member[] {
    return [...this.#members];
  }

  /** Sends a frame to everybody here. */
  tell(text: string): void {
    for (const member of this.members()) member.tell(text);
  }

  /** The connections of this person on this instance. */
  membersOf(author: AuthorKey): Iterable<Member> {
    return this.#byAuthor.get(author) ?? [];
  }

  submit(submissions: readonly Submission[]): void {
    this.committer.submit(submissions);
  }

  /** The highest `n` stored of this author; 0 when none is. Throws StorageUnavailable. */
  async lastNOf(author: AuthorKey): Promise<number> {
    return (await this.#deps.store.log.readAuthors(this.room.id, [author])).get(author)?.lastN ?? 0;
  }

  // ---- events in ----

  #stored(head: LogHead, from: number, events: readonly Event[], stubs: ReadonlyMap<number, Stub>): void {
    // The room was cleared meanwhile. The event is in the new epoch, and everybody resyncs with that one.
    if (head.epoch !== this.#head.epoch) return void this.#gone("too_slow");
    this.#deps.stats.count("events_stored", "", events.length);
    if (head.head > this.#head.head) this.#head = head;
    for (const event of events) if (event.kind === "profile") this.presence.rename(event.author, event.body.name);
    this.#recent.erase(stubs);
    this.#take(from, events.map((event, at) => stubs.get(from + at) ?? event.wire));
    // Commits of this instance are a window apart already, so their events do not wait again.
    this.flush();
    const { retention: { maxEvents, slackEvents }, limits: { roomBytes } } = this.#deps.config;
    const isOverfull = head.head - head.oldest + 1 > maxEvents + slackEvents ||
      (head.bytes ?? 0) > FULL_SHARE * roomBytes;
    if (isOverfull) this.#deps.onOverfull(this.room.id);
    if (this.newest < head.head) void this.#pull();
  }

  /** Adds events that follow the ones in memory; `#pull` reads those after a gap. */
  #take(from: number, events: readonly LogEntry[]): void {
    const next = this.newest + 1;
    if (this.#closed || from > next || from + events.length <= next) return;
    this.#recent.push(events.slice(next - from));
    this.#unsentSince ??= this.#deps.stats.clock.now();
    this.#flushSoon();
  }

  /** Takes the log's new head and fetches events of other instances. Returns whether there were any. */
  headSeen(head: LogHead | undefined): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (head === undefined) return this.#gone("no_such_room");
    if (head.epoch !== this.#head.epoch) {
      this.end(head.cleared !== undefined ? "room_cleared" : "too_slow");
      return Promise.resolve(true);
    }
    if (head.head < this.#head.head) return Promise.resolve(false);
    this.#head = head;
    this.committer.headSeen(head);
    this.#recent.dropBefore(Math.min(head.oldest, this.#fannedOut + 1));
    return head.head > this.newest ? this.#pull() : Promise.resolve(false);
  }

  /** The log was removed or replaced. Ends all connections, with the operator's action as the reason if it was one. */
  async #gone(reason: CloseReason): Promise<boolean> {
    const { rooms, log } = this.#deps.store;
    try {
      if (await rooms.wasDeleted(this.room.id)) reason = "room_deleted";
      else if ((await log.readHead(this.room.id))?.cleared !== undefined) reason = "room_cleared";
    } catch (error) {
      this.#deps.onFailure(error); // They reconnect and learn the reason then.
    }
    this.end(reason);
    return true;
  }

  /** Reads the head again and everything up to it. Throws StorageUnavailable. */
  async refresh(): Promise<void> {
    const head = await this.#deps.store.log.readHead(this.room.id);
    await this.headSeen(head);
    // The next change notification retries a failed read. The caller must not mistake an older position for the log's end.
    if (!this.#closed && head !== undefined && this.newest < head.head) {
      throw new StorageUnavailable(`the events after ${this.newest} could not be read`);
    }
  }

  /** Reads up to the known head; one read at a time. */
  #pull(): Promise<boolean> {
    return this.#pulling ??= this.#readOn().catch((error) => {
      this.#deps.onFailure(error); // The next change notification or recheck tries again.
      return false;
    }).finally(() => this.#pulling = undefined);
  }

  async #readOn(): Promise<boolean> {
    const { log } = this.#deps.store;
    for (let foundNews = false;; foundNews = true) {
      // Commits of this instance arrive by `#stored`, after their acks.
      await this.committer.acked();
      if (this.#closed || this.newest >= this.#head.head) return foundNews;
      const { head } = this.#head;
      const page = await log.readRange(this.room.id, this.newest + 1, head, PAGE_MAX_EVENTS, PAGE_MAX_BYTES);
      if (this.#closed || this.newest >= head) continue;
      if (page.events.length === 0 || page.from > this.newest + 1) {
        // Deleted before this instance read it. Never sends a log with a gap: disconnects everyone and lets them resync.
        this.end("too_slow");
        return true;
      }
      await this.#eraseRetracted(page.events);
      this.#take(page.from, page.events);
    }
  }

  /** Drops the events from memory that another instance's events delete. */
  async #eraseRetracted(entries: readonly LogEntry[]): Promise<void> {
    const erased = entries.flatMap((entry) => {
      const read = isStub(entry) ? undefined : readEvent(entry);
      if (read?.ok !== true || read.event.kind !== "retract") return [];
      const { author } = read.event;
      return erasedBy(read.event).map(({ n }) => ({ author, n }));
    });
    if (erased.length === 0) return;
    const { log } = this.#deps.store;
    const positions = (await log.findByNumber(this.room.id, erased)).flatMap((found) => found?.position ?? [])
      .filter((position) => position >= this.#recent.first && position <= this.newest);
    const now = await log.readAt(this.room.id, positions);
    this.#recent.erase(
      new Map(positions.flatMap((position, at) => {
        const entry = now[at];
        return entry !== undefined && isStub(entry) ? [[position, entry] as const] : [];
      })),
    );
  }

  // ---- events out ----

  /** Sends new events to everybody who is live. The first one goes immediately; close followers wait for the window. */
  flush(): void {
    this.#cancelWindow?.();
    this.#cancelWindow = undefined;
    if (this.#fannedOut === this.newest) return;
    const { stats } = this.#deps;
    while (this.#fannedOut < this.newest) {
      const page = this.#recent.page(this.#fannedOut + 1, this.newest);
      if (page === undefined) throw new Error(`room ${this.room.id} lost events that were not sent`);
      stats.count("fan_out_frames", "", this.#live.size);
      stats.count("fan_out_events", "", this.#live.size * (page.to - this.#fannedOut));
      this.#fannedOut = page.to;
      for (const member of this.#live) member.deliver(page);
    }
    if (this.#unsentSince !== undefined) stats.observe("fan_out", stats.clock.now() - this.#unsentSince);
    this.#unsentSince = undefined;
    this.#recent.shrink(this.#fannedOut);
    this.#flushedAt = this.#deps.environment.clock.now();
  }

  /** Sends immediately, or when the window after the last frame ends. */
  #flushSoon(): void {
    if (this.#cancelWindow !== undefined) return;
    const { clock, timers } = this.#deps.environment;
    const windowMs = this.#windowMs();
    // A clock that was set back must not delay the room.
    const waitMs = Math.min(windowMs, this.#flushedAt + windowMs - clock.now());
    if (waitMs <= 0) this.flush();
    else this.#cancelWindow = timers.after(waitMs, () => this.flush());
  }

  /** Least time between two frames: in larger rooms a frame costs more. */
  #windowMs(): number {
    const { windowMs, windowPerSocketMs, maxWindowMs } = this.#deps.config.fanOut;
    return Math.min(maxWindowMs, windowMs + this.#live.size * windowPerSocketMs);
  }

  /** The page after `position` for catching up, from memory or the database. Undefined if its events are gone. */
  pageAfter(position: number, maxBytes: number): EncodedPage | Promise<EncodedPage | undefined> {
    return this.#recent.page(position + 1, this.#fannedOut, maxBytes) ??
      this.#readPage(position + 1, this.#fannedOut, maxBytes);
  }

  async #readPage(from: number, to: number, maxBytes: number): Promise<EncodedPage | undefined> {
    const { log } = this.#deps.store;
    const page = await log.readRange(this.room.id, from, to, PAGE_MAX_EVENTS, Math.min(maxBytes, PAGE_MAX_BYTES));
    if (page.events.length === 0 || page.from !== from) return undefined;
    return encodeEvents(from, page.events.map((event) => JSON.stringify(event)));
  }

  /** Up to `limit` events that end just before `before`, and the oldest position. Throws StorageUnavailable. */
  async history(
    before: number,
    limit: number,
    maxBytes: number,
  ): Promise<{ from: number; events: LogEntry[]; oldest: number }> {
    const to = Math.min(before - 1, this.#head.head);
    const pageBytes = Math.min(maxBytes, PAGE_MAX_BYTES);
    // The store truncates large pages at their end; then as many are read as did fit, until the page reaches `to`.
    for (let count = limit, fit = 0; count >= 1; count = Math.min(count - 1, fit || Math.ceil(count / 4))) {
      const { oldest } = this.#head;
      const from = Math.max(oldest, to - count + 1);
      if (from > to) break;
      const page = await this.#deps.store.log.readRange(this.room.id, from, to, count, pageBytes);
      fit = page.events.length;
      if (fit > 0 && page.from + page.events.length - 1 === to) {
        return { ...page, oldest: Math.max(oldest, this.#head.oldest) };
      }
    }
    return { from: before, events: [], oldest: this.#head.oldest };
  }

  // ---- the end ----

  /** Ends every connection, and the hub. */
  end(reason: CloseReason): void {
    if (this.#closed) return;
    this.#close();
    for (const member of this.members()) member.end(reason);
    this.#deps.onEmpty(this);
  }

  /** Ends every connection with its own delay; the hub stays for events that wait to be stored. */
  sendAway(retryAfterMs: () => number): void {
    for (const member of this.members()) member.end("going_away", retryAfterMs());
  }

  /** Drops the hub, and removes this instance's people from the room's presence. */
  async close(): Promise<void> {
    this.#close();
    await this.presence.close();
  }

  #close(): void {
    this.#closed = true;
    this.committer.stop();
    this.#cancelWindow?.();
    this.#cancelWindow = undefined;
  }
}
