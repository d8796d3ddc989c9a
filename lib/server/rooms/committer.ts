/**
 * Stores the events that clients send to one room, many in one commit. `#settle` alone keeps the order of P1: the commit
 * resolves, then senders get their acks, then everybody gets the events.
 */
import { pause } from "../../shared/environment.ts";
import { type AuthorKey, type EventId, readHeader } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import { erasedBy, isErasable } from "../../kinds/retract.ts";
import { isStub, type Stub, stubFor } from "../../protocol/stub.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import {
  APPEND_MAX_BYTES,
  APPEND_MAX_EVENTS,
  appendBytes,
  type AuthorRecord,
  entryBytes,
  type LogHead,
} from "../../store/rooms/log_records.ts";
import type { LogStore } from "../../store/rooms/log.ts";
import { DiskFull } from "../../store/database.ts";
import { accept, type AcceptRules, judgeStored, type Refused } from "./accept.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { errorText } from "../logger.ts";
import type { StoreLoad } from "../limits/overload.ts";
import type { Environment, OnFailure } from "../environment.ts";

/** The outcome for one event. `stored` includes events that were stored before. */
export type Outcome = { type: "stored"; position: number } | Refused;

/** Receives the answers to submitted events. */
export interface Sender {
  answer(id: EventId, outcome: Outcome): void;
  /** Sends the answers, because this turn has no more of them. */
  flushAnswers(): void;
}

/** A valid, signed event, and the receiver of its outcome. */
export interface Submission {
  event: Event;
  sender: Sender;
  /** When it arrived, by the clock of the statistics; absent: its time is not measured. */
  arrivedAt?: number;
}

export interface CommitterDeps {
  room: RoomInfo;
  log: Pick<LogStore, "readHead" | "readAuthors" | "findByNumber" | "readAt" | "append">;
  commit: ServerConfig["commit"];
  /** Least time between two commits, ms, for the room's current size: events in between share a commit. */
  gapMs(): number;
  rules: AcceptRules & Pick<ServerConfig["limits"], "roomBytes">;
  environment: Environment;
  /** The senders of these events just got their acks. */
  onAcked?(stored: readonly Submission[]): void;
  /**
   * Events of this instance are on disk at `from`, `from` + 1, …, and their senders have their acks. `stubs` replace the
   * events at these positions.
   */
  onStored(head: LogHead, from: number, events: readonly Event[], stubs: ReadonlyMap<number, Stub>): void;
  /** The room was removed, or storing is broken. Waiting events get no answer. */
  onEnded(reason: "no_such_room" | "overloaded"): void;
  onFailure: OnFailure;
}

/** A submission in the queue, with its arrival time. */
type Queued = Submission & { queuedAt: number };

/** Head and authors right after this instance's last commit. */
interface Basis {
  head: LogHead;
  authors: Map<AuthorKey, AuthorRecord | undefined>;
  /** Read for this batch, not cached: only such a basis allows refusals ([INST-4]). */
  fresh: boolean;
}

interface Judged {
  outcomes: (Outcome | undefined)[];
  accepted: Event[];
  /** For each accepted event, the indices of the submissions it answers. */
  answers: number[][];
  authors: Map<AuthorKey, AuthorRecord>;
  /** Stubs for the events that the accepted ones erase, by position. */
  stubs: Map<number, Stub>;
  /** Bytes of the stored events that these stubs replace. */
  erasedBytes: number;
  /** The limit on steps of the room's clock afterwards. */
  clockTatMs: number;
}

/** A full room has room again when its oldest events are a day old, or somebody deletes some: no need to ask often. */
const ROOM_FULL_RETRY_MS = 60_000;

export class Committer {
  readonly #deps: CommitterDeps;
  #queue: Queued[] = [];
  #queueBytes = 0;
  /** When the oldest event of the current commit arrived. */
  #storingSince: number | undefined;
  #running: Promise<void> | undefined;
  #basis: Basis | undefined;
  #appending = Promise.resolve();
  #nextAt = 0;
  /** Ends the wait before a commit, while there is one. */
  #endWait: (() => void) | undefined;
  /** Whether it is unknown if the last commit was stored. */
  #inDoubt = false;
  #stopped = false;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
  }

  /** Submits events in order. Calls each sender's `answer` once for each event, unless the server stops first. */
  submit(submissions: readonly Submission[]): void {
    const { commit, environment } = this.#deps;
    if (this.#inDoubt) return this.#refuseAll(submissions, "storage_unavailable");
    const queuedAt = environment.clock.now();
    const tooMany: Submission[] = [];
    for (const submission of submissions) {
      const bytes = submission.event.wire[0].length;
      if (this.#queue.length >= commit.queueEvents || this.#queueBytes + bytes > commit.queueBytes) {
        tooMany.push(submission);
      } else {
        this.#queue.push({ ...submission, queuedAt });
        this.#queueBytes += bytes;
      }
    }
    this.#refuseAll(tooMany, "overloaded");
    if (this.#batchIsFull()) this.#endWait?.();
    if (this.#queue.length > 0 && this.#running === undefined && !this.#stopped) {
      this.#running = this.#run().catch((error) => {
        // A programming error, not a database failure: the room's clients reconnect and resume.
        environment.log(`committing failed: ${errorText(error)}`);
        this.stop();
        this.#deps.onEnded("overloaded");
      }).finally(() => this.#running = undefined);
    }
  }

  /** The load of events that wait to be stored. While the database does not answer, waiting is no load. */
  get load(): StoreLoad {
    const { commit: { queueEvents, queueBytes }, environment: { clock } } = this.#deps;
    const since = this.#storingSince ?? this.#queue[0]?.queuedAt;
    return {
      queueShare: Math.max(this.#queue.length / queueEvents, this.#queueBytes / queueBytes),
      storeMs: since === undefined || this.#inDoubt ? 0 : Math.max(0, clock.now() - since),
    };
  }

  /** Takes the log's new head and drops the cached state of another one. */
  headSeen(head: LogHead): void {
    if (this.#basis !== undefined && this.#basis.head.versionstamp !== head.versionstamp) this.#basis = undefined;
  }

  /**
   * Resolves when all commits of this instance are acked to their senders. Reading the log for everybody waits for this,
   * else the room could see an event before its author's ack.
   */
  acked(): Promise<void> {
    return this.#appending;
  }

  /** Resolves when nothing waits to be stored. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Accepts no more events, and gives up a commit with an unknown result. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#endWait?.();
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps.environment;
    while (this.#queue.length > 0) {
      const gapMs = this.#deps.gapMs();
      // A clock that was set back must not delay the room.
      const waitMs = Math.min(gapMs, this.#nextAt - clock.now());
      if (waitMs > 0 && !this.#batchIsFull()) await this.#wait(waitMs);
      this.#nextAt = clock.now() + gapMs;
      const batch = this.#takeBatch();
      this.#storingSince = batch[0]?.queuedAt;
      await this.#commit(batch);
      // A batch that was refused as a whole ends without a write, which would have ended the doubt.
      this.#inDoubt = false;
      this.#storingSince = undefined;
    }
  }

  #batchIsFull(): boolean {
    return this.#queue.length >= APPEND_MAX_EVENTS || this.#queueBytes >= APPEND_MAX_BYTES / 2;
  }

  /** Waits until the time is over, a batch is full, or the committer closes. */
  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#deps.environment.timers.after(ms, resolve);
    this.#endWait = resolve;
    await promise;
    this.#endWait = undefined;
    cancel();
  }

  #takeBatch(): Queued[] {
    let bytes = 0, count = 0, writes = 0;
    for (const { event } of this.#queue) {
      bytes += appendBytes(event);
      // An event that erases others writes their stubs as well.
      writes += 1 + (event.kind === "retract" ? erasedBy(event).length : 0);
      if (count > 0 && (writes > APPEND_MAX_EVENTS || bytes > APPEND_MAX_BYTES)) break;
      count++;
    }
    const batch = this.#queue.splice(0, count);
    for (const { event } of batch) this.#queueBytes -= event.wire[0].length;
    return batch;
  }

  async #commit(batch: readonly Submission[]): Promise<void> {
    const { log, room, commit, environment } = this.#deps;
    // The basis of the commit with an unknown result: while it is the head, that commit may still succeed.
    let doubted: string | undefined;
    let failures = 0;
    for (let attempt = 1; batch.length > 0 && !this.#stopped; attempt++) {
      let appending: string | undefined;
      let settled = () => {};
      try {
        const basis = await this.#readBasis(batch);
        if (basis === undefined) return this.#deps.onEnded("no_such_room");
        if (basis.head.versionstamp !== doubted) doubted = undefined;
        this.#inDoubt = doubted !== undefined;

        const judged = await this.#judge(batch, basis);
        const refusedSome = judged.outcomes.some((outcome) => outcome?.type === "refused");
        if (refusedSome && !basis.fresh) {
          this.#basis = undefined;
          continue;
        }
        let head = basis.head;
        if (judged.accepted.length > 0) {
          appending = head.versionstamp;
          this.#appending = new Promise<void>((resolve) => settled = resolve);
          const appended = await log.append(
            room.id,
            head,
            judged.accepted,
            judged.authors,
            environment.clock.now(),
            judged,
          );
          // Either result rules out that the earlier commit still succeeds.
          doubted = undefined;
          this.#inDoubt = false;
          if (appended === undefined) {
            this.#basis = undefined;
            settled();
            if (attempt >= commit.maxAttempts) return this.#refuseAll(batch, "overloaded");
            await pause(environment.timers, environment.random.fraction() * Math.min(2 ** attempt, 64));
            continue;
          }
          head = appended;
        }
        this.#remember(basis, head, judged);
        return this.#settle(batch, judged, head);
      } catch (error) {
        this.#deps.onFailure(error);
        this.#basis = undefined;
        if (!(error instanceof DiskFull)) doubted ??= appending;
        if (doubted === undefined) return this.#refuseAll(batch, "storage_unavailable");
        // The result is unknown: find out before any answer.
        this.#inDoubt = true;
        this.#refuseAll(this.#queue.splice(0), "storage_unavailable");
        this.#queueBytes = 0;
        failures++;
        settled();
        await pause(environment.timers, Math.min(25 * 2 ** failures, commit.maxDoubtPauseMs));
      } finally {
        settled();
      }
    }
  }

  async #readBasis(batch: readonly Submission[]): Promise<Basis | undefined> {
    const { log, room } = this.#deps;
    let basis = this.#basis;
    if (basis === undefined) {
      // The head first: authors that are newer than it only make the commit's check fail.
      const head = await log.readHead(room.id);
      if (head === undefined) return undefined;
      basis = { head, authors: new Map(), fresh: true };
    }
    const unknown = new Set<AuthorKey>();
    for (const { event } of batch) if (!basis.authors.has(event.author)) unknown.add(event.author);
    if (unknown.size > 0) {
      const found = await log.readAuthors(room.id, [...unknown]);
      for (const author of unknown) basis.authors.set(author, found.get(author));
    }
    return basis;
  }

  async #judge(batch: readonly Submission[], basis: Basis): Promise<Judged> {
    const { room, rules, log, environment } = this.#deps;
    const nowMs = environment.clock.now();
    const authors = new Map<AuthorKey, AuthorRecord>();
    const judged: Judged = {
      outcomes: batch.map(() => undefined),
      accepted: [],
      answers: [],
      authors,
      stubs: new Map(),
      erasedBytes: 0,
      clockTatMs: 0,
    };
    const acceptedByNumber = new Map<string, number>();
    const toLookUp: number[] = [];
    // Each accepted event may advance the room's clock, as it would if they arrived one by one.
    let { clock, clockTatMs = 0, bytes = 0, lastAt } = basis.head;
    batch.forEach(({ event }, index) => {
      const author = authors.get(event.author) ?? basis.authors.get(event.author);
      const verdict = accept(event, { room, clock, clockTatMs, lastAt, author, nowMs, rules });
      const size = entryBytes(event.wire);
      if (verdict.type === "refused") judged.outcomes[index] = verdict;
      else if (verdict.type === "accepted" && bytes + size > rules.roomBytes) {
        judged.outcomes[index] = { type: "refused", reason: "room_full", retryAfterMs: ROOM_FULL_RETRY_MS };
      } else if (verdict.type === "accepted") {
        acceptedByNumber.set(numberKey(event), judged.accepted.length);
        judged.accepted.push(event);
        judged.answers.push([index]);
        authors.set(event.author, verdict.author);
        clock = Math.max(clock, event.clock);
        clockTatMs = verdict.clockTatMs;
        lastAt = nowMs;
        bytes += size;
      } else {
        const twin = acceptedByNumber.get(numberKey(event));
        if (twin === undefined) toLookUp.push(index);
        else if (judged.accepted[twin]!.id === event.id) judged.answers[twin]!.push(index);
        else judged.outcomes[index] = { type: "refused", reason: "conflict" };
      }
    });
    if (toLookUp.length > 0) {
      const keys = toLookUp.map((index) => ({ author: batch[index]!.event.author, n: batch[index]!.event.n }));
      const found = await log.findByNumber(room.id, keys);
      toLookUp.forEach((index, place) => {
        const judgement = judgeStored(batch[index]!.event, found[place]);
        judged.outcomes[index] = judgement.type === "known"
          ? { type: "stored", position: judgement.position }
          : judgement;
      });
    }
    judged.clockTatMs = clockTatMs;
    await this.#eraseRetracted(judged, basis.head.head + 1);
    return judged;
  }

  /** Finds the events that the accepted ones delete: stored ones, and ones of the same batch. */
  async #eraseRetracted(judged: Judged, from: number): Promise<void> {
    const { room, log } = this.#deps;
    const { accepted, stubs } = judged;
    const wanted = accepted.flatMap((event) =>
      event.kind === "retract" ? erasedBy(event).map((erased) => ({ ...erased, author: event.author })) : []
    );
    if (wanted.length === 0) return;
    const inBatch = new Map(accepted.map((event, place) => [event.id, { event, position: from + place }]));
    const stored = wanted.filter(({ id }) => !inBatch.has(id));
    const found = await log.findByNumber(room.id, stored);
    const there = stored.flatMap((erased, at) =>
      found[at]?.id === erased.id ? [{ ...erased, position: found[at].position }] : []
    );
    const entries = await log.readAt(room.id, there.map(({ position }) => position));
    there.forEach(({ position, quiet }, at) => {
      const entry = entries[at];
      if (entry === undefined || isStub(entry)) return;
      const read = readHeader(entry);
      if (!read.ok || !isErasable(read.event.kind) || stubs.has(position)) return;
      stubs.set(position, stubFor(read.event, "retracted", quiet));
      judged.erasedBytes += entryBytes(entry);
    });
    for (const { id, author, quiet } of wanted) {
      const fresh = inBatch.get(id);
      if (fresh === undefined || fresh.event.author !== author || !isErasable(fresh.event.kind)) continue;
      stubs.set(fresh.position, stubFor(fresh.event, "retracted", quiet));
    }
  }

  #remember(basis: Basis, head: LogHead, judged: Judged): void {
    const authors = basis.authors;
    for (const [author, record] of judged.authors) authors.set(author, record);
    // Only this instance's own commit is known to be the newest state; a read state may be outdated.
    const keep = judged.accepted.length > 0 && authors.size <= this.#deps.commit.cachedAuthors;
    this.#basis = keep ? { head, authors, fresh: false } : undefined;
  }

  /** Commit resolved → acks → everybody else. */
  #settle(batch: readonly Submission[], judged: Judged, head: LogHead): void {
    const from = head.head - judged.accepted.length + 1;
    judged.answers.forEach((indices, place) => {
      for (const index of indices) judged.outcomes[index] = { type: "stored", position: from + place };
    });
    this.#answer(batch, (index) => judged.outcomes[index]!);
    this.#deps.onAcked?.(batch.filter((_, index) => judged.outcomes[index]!.type === "stored"));
    if (judged.accepted.length > 0) this.#deps.onStored(head, from, judged.accepted, judged.stubs);
  }

  #refuseAll(batch: readonly Submission[], reason: "overloaded" | "storage_unavailable"): void {
    const refused: Refused = { type: "refused", reason, retryAfterMs: this.#deps.commit.retryAfterMs };
    this.#answer(batch, () => refused);
  }

  #answer(batch: readonly Submission[], outcomeOf: (index: number) => Outcome): void {
    const senders = new Set<Sender>();
    batch.forEach(({ event, sender }, index) => {
      sender.answer(event.id, outcomeOf(index));
      senders.add(sender);
    });
    for (const sender of senders) sender.flushAnswers();
  }
}

const numberKey = (event: Event) => `${event.author} ${event.n}`;
