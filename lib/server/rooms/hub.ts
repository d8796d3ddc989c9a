/**
 * One open room on one instance: its connections, its newest events, and how far everybody was told. Made when the first
 * connection comes, dropped a while after the last one left.
 *
 * Every live member has exactly the events up to `fannedOut`: this invariant keeps positions without holes.
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
import type { StoreLoad } from "../limits/overload.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { RoomPresence } from "./room_presence.ts";
import type { ServerStats } from "../stats/server_stats.ts";
import type { Environment } from "../environment.ts";
import { type EncodedPage, encodeEvents, RecentEvents } from "./recent_events.ts";

/** A connection that was welcomed, as the hub sees it. */
export interface Member {
  readonly person: Person;
  /** Events right after the last ones; only while live. */
  deliver(page: EncodedPage): void;
  /** A frame that may be sent at any time. */
  tell(text: string): void;
  /** A frame that nobody waits for long: false when this member has enough to read already, and nothing was sent. */
  pass(text: string): boolean;
  end(reason: CloseReason, retryAfterMs?: number): void;
  /** Ends it when an operator keeps it out of this room. */
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
  onFailure(error: StorageUnavailable): void;
  /** The room holds more events than it may. */
  onOverfull(room: RoomId): void;
}

export class Hub {
  readonly room: RoomInfo;
  readonly changeChannel: number;
  readonly presence: RoomPresence;
  readonly #deps: HubDeps;
  readonly #recent: RecentEvents;
  readonly #committer: Committer;
  readonly #members = new Set<Member>();
  readonly #live = new Set<Member>();
  readonly #byAuthor = new Map<AuthorKey, Set<Member>>();
  #head: LogHead;
  #fannedOut: number;
  /** When everybody was told last, ms since 1970. */
  #flushedAt = 0;
  #cancelWindow: Cancel | undefined;
  /** Since when there are events that nobody was told of yet, by the clock of the statistics. */
  #untoldSince: number | undefined;
  #pulling: Promise<boolean> | undefined;
  #closed = false;
  /** Connections on their way to `welcome`, which need this hub before it has members. */
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
    const { store, config, environment } = deps;
    this.changeChannel = store.changes.channelOf(room.id);
    // A page that does not reach the head (cut by its size) is no tail.
    const whole = newest.from + newest.events.length - 1 === head.head;
    const { recentEvents, recentBytes } = config.fanOut;
    this.#recent = new RecentEvents(whole ? newest.from : head.head + 1, recentEvents, recentBytes);
    if (whole) this.#recent.push(newest.events);
    this.#fannedOut = head.head;
    this.presence = new RoomPresence({
      room: room.id,
      store: store.presence,
      config: config.presence,
      environment,
      instance: deps.instance,
      sockets: () => this.#members.size,
      tell: (text) => {
        for (const member of this.#members) member.tell(text);
      },
      onFailure: deps.onFailure,
    });
    this.#committer = new Committer({
      room,
      log: store.log,
      commit: config.commit,
      // Storing more often than the room is told would only cost commits.
      gapMs: () => Math.max(config.commit.gapMs, this.#windowMs()),
      rules: {
        messages: config.limits.messages,
        repeatWithinMs: config.limits.repeatWithinMs,
        repeatMaxTokens: config.limits.repeatMaxTokens,
        retentionMs: config.retention.maxAgeMs,
      },
      environment,
      onAcked: (submissions) => {
        const now = deps.stats.clock.now();
        for (const { arrivedAt } of submissions) {
          if (arrivedAt !== undefined) deps.stats.observe("ack", now - arrivedAt);
        }
      },
      onStored: (...stored) => this.#stored(...stored),
      onEnded: (reason) => void this.#gone(reason),
      onFailure: deps.onFailure,
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

  /** The load of events that wait to be stored. */
  get storeLoad(): StoreLoad {
    return this.#committer.load;
  }

  /** Whether nobody is here or on the way here. */
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

  /** From now on `member`, who has everything up to `fannedOut`, is told of whatever comes. */
  goLive(member: Member): void {
    this.#live.add(member);
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

  /** Everybody here. A copy: who is in it may leave meanwhile. */
  members(): Member[] {
    return [...this.#members];
  }

  /** A frame for everybody here. */
  tell(text: string): void {
    for (const member of this.members()) member.tell(text);
  }

  /** The connections of this person on this instance. */
  membersOf(author: AuthorKey): Iterable<Member> {
    return this.#byAuthor.get(author) ?? [];
  }

  submit(submissions: readonly Submission[]): void {
    this.#committer.submit(submissions);
  }

  /** The highest `n` stored of this author; 0 when none is. Throws StorageUnavailable. */
  async lastNOf(author: AuthorKey): Promise<number> {
    return (await this.#deps.store.log.readAuthors(this.room.id, [author])).get(author)?.lastN ?? 0;
  }

  // ---- events in ----

  #stored(head: LogHead, from: number, events: readonly Event[], stubs: ReadonlyMap<number, Stub>): void {
    // Cleared while this was on its way: it is in the new epoch already, and everybody is told of that one.
    if (head.epoch !== this.#head.epoch) return void this.#gone("too_slow");
    this.#deps.stats.count("events_stored", "", events.length);
    if (head.head > this.#head.head) this.#head = head;
    for (const event of events) if (event.kind === "profile") this.presence.rename(event.author, event.body.name);
    this.#recent.erase(stubs);
    this.#take(from, events.map((event, at) => stubs.get(from + at) ?? event.wire));
    // Our own commits are a window apart already: nobody has to wait a second time.
    this.flush();
    const { maxEvents, slackEvents } = this.#deps.config.retention;
    if (head.head - head.oldest + 1 > maxEvents + slackEvents) this.#deps.onOverfull(this.room.id);
    if (this.newest < head.head) void this.#pull();
  }

  /** Adds events that follow what is in memory; those behind a hole are left to `#pull`. */
  #take(from: number, events: readonly LogEntry[]): void {
    const next = this.newest + 1;
    if (this.#closed || from > next || from + events.length <= next) return;
    this.#recent.push(events.slice(next - from));
    this.#untoldSince ??= this.#deps.stats.clock.now();
    this.#flushSoon();
  }

  /** Somebody read the log's head: fetches what other instances stored. Whether there was anything. */
  headSeen(head: LogHead | undefined): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (head === undefined) return this.#gone("no_such_room");
    if (head.epoch !== this.#head.epoch) {
      this.end(head.cleared !== undefined ? "room_cleared" : "too_slow");
      return Promise.resolve(true);
    }
    if (head.head < this.#head.head) return Promise.resolve(false);
    this.#head = head;
    this.#committer.headSeen(head);
    this.#recent.dropBefore(Math.min(head.oldest, this.#fannedOut + 1));
    return head.head > this.newest ? this.#pull() : Promise.resolve(false);
  }

  /** The log ended or is another one. Was it an operator, people are told so. */
  async #gone(reason: CloseReason): Promise<boolean> {
    const { rooms, log } = this.#deps.store;
    try {
      if (await rooms.wasDeleted(this.room.id)) reason = "room_deleted";
      else if ((await log.readHead(this.room.id))?.cleared !== undefined) reason = "room_cleared";
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      this.#deps.onFailure(error); // They come back, and are told then.
    }
    this.end(reason);
    return true;
  }

  /** Reads the head anew and everything up to it. Throws StorageUnavailable. */
  async refresh(): Promise<void> {
    const head = await this.#deps.store.log.readHead(this.room.id);
    await this.headSeen(head);
    // The next change notification retries a failed read. The caller must not take an older position for the log's end.
    if (!this.#closed && head !== undefined && this.newest < head.head) {
      throw new StorageUnavailable(`the events after ${this.newest} could not be read`);
    }
  }

  /** Reads up to the known head; one read at a time. */
  #pull(): Promise<boolean> {
    return this.#pulling ??= this.#readOn().catch((error) => {
      if (!(error instanceof StorageUnavailable)) throw error;
      this.#deps.onFailure(error); // The next change notification or recheck comes here again.
      return false;
    }).finally(() => this.#pulling = undefined);
  }

  async #readOn(): Promise<boolean> {
    const { log } = this.#deps.store;
    for (let foundNews = false;; foundNews = true) {
      // Our own commits come by `#stored`, after their acks.
      await this.#committer.acked();
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

  /** Another instance stored these: what they delete is dropped from memory here, too. */
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

  /** Tells everybody who is live what is new. The first event goes at once; what follows closely waits for the window. */
  flush(): void {
    this.#cancelWindow?.();
    this.#cancelWindow = undefined;
    if (this.#fannedOut === this.newest) return;
    const { stats } = this.#deps;
    while (this.#fannedOut < this.newest) {
      const page = this.#recent.page(this.#fannedOut + 1, this.newest);
      if (page === undefined) throw new Error(`the tail of ${this.room.id} lost events that nobody was told of`);
      stats.count("fan_out_frames", "", this.#live.size);
      stats.count("fan_out_events", "", this.#live.size * (page.to - this.#fannedOut));
      this.#fannedOut = page.to;
      for (const member of this.#live) member.deliver(page);
    }
    if (this.#untoldSince !== undefined) stats.observe("fan_out", stats.clock.now() - this.#untoldSince);
    this.#untoldSince = undefined;
    this.#recent.shrink(this.#fannedOut);
    this.#flushedAt = this.#deps.environment.clock.now();
  }

  /** Tells everybody at once, or as soon as the window after the last time is over. */
  #flushSoon(): void {
    if (this.#cancelWindow !== undefined) return;
    const { clock, timers } = this.#deps.environment;
    const windowMs = this.#windowMs();
    // A clock that was set back must not hold the room up.
    const waitMs = Math.min(windowMs, this.#flushedAt + windowMs - clock.now());
    if (waitMs <= 0) this.flush();
    else this.#cancelWindow = timers.after(waitMs, () => this.flush());
  }

  /** Least time from one frame to the next: the more there are in the room, the more a frame costs. */
  #windowMs(): number {
    const { windowMs, windowPerSocketMs, maxWindowMs } = this.#deps.config.fanOut;
    return Math.min(maxWindowMs, windowMs + this.#live.size * windowPerSocketMs);
  }

  /** The page after `position` for somebody who catches up: from memory at once, else read. Undefined: it is gone. */
  pageAfter(position: number): EncodedPage | Promise<EncodedPage | undefined> {
    return this.#recent.page(position + 1, this.#fannedOut) ?? this.#readPage(position + 1, this.#fannedOut);
  }

  async #readPage(from: number, to: number): Promise<EncodedPage | undefined> {
    const { log } = this.#deps.store;
    const page = await log.readRange(this.room.id, from, to, PAGE_MAX_EVENTS, PAGE_MAX_BYTES);
    if (page.events.length === 0 || page.from !== from) return undefined;
    return encodeEvents(from, page.events.map((event) => JSON.stringify(event)));
  }

  /** Up to `limit` events that end just before `before`, and the oldest position there is. Throws StorageUnavailable. */
  async history(before: number, limit: number): Promise<{ from: number; events: LogEntry[]; oldest: number }> {
    const to = Math.min(before - 1, this.#head.head);
    // A page is cut at its end when it gets too large; then a shorter one is read, until it reaches `to`.
    for (let count = limit; count >= 1; count = count > 3 ? Math.ceil(count / 4) : count - 1) {
      const { oldest } = this.#head;
      const from = Math.max(oldest, to - count + 1);
      if (from > to) break;
      const page = await this.#deps.store.log.readRange(this.room.id, from, to, count, PAGE_MAX_BYTES);
      if (page.events.length > 0 && page.from + page.events.length - 1 === to) {
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
    for (const member of [...this.#members]) member.end(reason);
    this.#deps.onEmpty(this);
  }

  /** Ends every connection with its own delay; the hub stays for what is still to be stored. */
  sendAway(retryAfterMs: () => number): void {
    for (const member of [...this.#members]) member.end("going_away", retryAfterMs());
  }

  /** Resolves when everything taken is stored or refused. */
  async settled(): Promise<void> {
    await this.#committer.idle();
  }

  /** Drops the hub, and tells the other instances that nobody of here is in the room any more. */
  async close(): Promise<void> {
    this.#close();
    await this.presence.close();
  }

  #close(): void {
    this.#closed = true;
    this.#committer.stop();
    this.#cancelWindow?.();
    this.#cancelWindow = undefined;
  }
}
