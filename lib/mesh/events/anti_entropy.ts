// Runs in browser and simulator.
/**
 * What neighbours hold, compared, and the holes filled. A digest shows in which buckets two phones differ, a summary
 * tells what is held in them, and who lacks something fetches it, a page at a time. Only what is fetched is sent, so who
 * claims to hold what it has not wastes one fetch of its own link, and who claims to hold nothing gets what it asks for
 * and no more: pages per second are counted.
 */
import type { AuthorKey } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import {
  MESH_FETCH_RANGES,
  MESH_PAGE_CHARS,
  MESH_PAGE_EVENTS,
  MESH_SUMMARY_AUTHORS,
  MESH_SUMMARY_RANGES,
  type MeshFetchFrame,
  type MeshSummaryFrame,
} from "../../protocol/peer/mesh_frames.ts";
import { KeyedRateLimiter } from "../../shared/rate_limiter.ts";
import { digestBucketOf, type HeldEvents } from "./held_events.ts";
import {
  DIGEST_BUSY_MS,
  DIGEST_CALM_MS,
  FETCH_QUEUE_MAX,
  FETCH_TIMEOUT_MS,
  FETCHES_MAX,
  PAGES_PER_SECOND,
  SUMMARY_EVERY_MS,
} from "../mesh_limits.ts";
import type { MeshContext } from "../peers/link.ts";

type Range = [author: AuthorKey, from: number, to: number];

/** The comparison with one neighbour. */
interface Comparison {
  /** To be fetched, the newest first. When full, what is new is left to the next digest. */
  queue: Range[];
  /** What was asked for, and until when it may take. */
  fetching: { ranges: Range[]; until: number; tries: number } | undefined;
  summaryAt: number;
  answeredAt: number;
}

export class AntiEntropy {
  readonly #comparisons = new Map<AuthorKey, Comparison>();
  readonly #pages = new KeyedRateLimiter<AuthorKey>({ burst: PAGES_PER_SECOND, everyMs: 1000 / PAGES_PER_SECOND }, 256);
  #digestAt = Infinity;
  /** Neighbours that still get a digest in this round. */
  #round: AuthorKey[] = [];
  #differed = false;

  /** `failed`: a neighbour did not send what it said it held. */
  constructor(
    readonly context: MeshContext,
    readonly held: HeldEvents,
    /** How many events of an author may be fetched now. */
    readonly allowance: (author: AuthorKey) => number,
    readonly failed: (peer: AuthorKey) => void,
  ) {}

  linked(peer: AuthorKey): void {
    this.#comparisons.set(peer, { queue: [], fetching: undefined, summaryAt: -Infinity, answeredAt: -Infinity });
    this.soon();
  }

  unlinked(peer: AuthorKey): void {
    this.#comparisons.delete(peer);
    this.#pages.delete(peer);
  }

  /** There may be a difference: the next digest comes soon. */
  soon(): void {
    this.#differed = true;
    const at = this.context.now() + DIGEST_BUSY_MS * (0.5 + this.context.random());
    if (at >= this.#digestAt) return;
    this.#digestAt = at;
    this.context.wakeAt(at);
  }

  nextAt(): number {
    let next = this.#digestAt;
    for (const { fetching } of this.#comparisons.values()) {
      if (fetching !== undefined) next = Math.min(next, fetching.until);
    }
    return next;
  }

  due(): void {
    const { context } = this, now = context.now();
    for (const [peer, comparison] of this.#comparisons) {
      const { fetching } = comparison;
      if (fetching === undefined || fetching.until > now) continue;
      if (fetching.tries < FETCHES_MAX) this.#ask(peer, comparison, fetching.ranges, fetching.tries + 1);
      else {
        // What it said it held does not come. The rest of its word is worth no more; others may have it.
        comparison.fetching = undefined;
        comparison.queue = [];
        this.failed(peer);
      }
    }
    if (this.#digestAt > now) return;
    if (this.#round.length === 0) {
      this.#round = [...context.links.keys()];
      for (let at = this.#round.length - 1; at > 0; at--) {
        const other = Math.floor(context.random() * (at + 1));
        [this.#round[at], this.#round[other]] = [this.#round[other]!, this.#round[at]!];
      }
    }
    const peer = this.#round.pop();
    if (peer !== undefined && context.links.has(peer)) {
      context.send(peer, { type: "digest", buckets: this.held.buckets() });
    }
    this.#digestAt = context.links.size === 0
      ? Infinity
      : now + (this.#differed ? DIGEST_BUSY_MS : DIGEST_CALM_MS) * (0.5 + context.random());
    this.#differed = false;
    if (this.#digestAt !== Infinity) context.wakeAt(this.#digestAt);
  }

  /** A neighbour told what it holds in short. */
  digest(peer: AuthorKey, theirs: readonly number[]): void {
    const comparison = this.#comparisons.get(peer);
    if (comparison === undefined) return;
    const now = this.context.now();
    if (now - comparison.summaryAt < SUMMARY_EVERY_MS) return;
    const mine = this.held.buckets();
    const differing = new Set(mine.flatMap((bucket, at) => bucket === theirs[at] ? [] : [at]));
    if (differing.size === 0) return;
    comparison.summaryAt = now;
    this.#summarize(peer, differing, false);
  }

  /** A neighbour told what it holds in some buckets. Fetches what is missing here, and tells what is missing there. */
  summary(peer: AuthorKey, frame: MeshSummaryFrame): void {
    const comparison = this.#comparisons.get(peer);
    if (comparison === undefined) return;
    const now = this.context.now(), { held } = this;
    const buckets = new Set(frame.buckets);
    const known = new Set(comparison.queue.map(([author, from, to]) => `${author} ${from} ${to}`));
    const missing: Range[] = [];
    let more = false;
    const theirs = new Map(frame.authors);
    for (const [author, ends] of frame.authors) {
      if (!buckets.has(digestBucketOf(author))) continue;
      missing.push(...this.#missing(author, ends).filter((range) => !known.has(range.join(" "))));
      more ||= holdsMore(held.ranges(author, MESH_SUMMARY_RANGES), ends);
    }
    if (frame.complete && !more) more = held.authorsIn(buckets).some((author) => !theirs.has(author));
    // The newest first, one author after the other: a crowd of old events of one author does not hold up the rest.
    missing.sort((a, b) => b[2] - a[2]);
    comparison.queue.push(...interleaved(missing).slice(0, FETCH_QUEUE_MAX - comparison.queue.length));
    if (missing.length > 0) this.soon();
    if (comparison.fetching === undefined) this.#next(peer, comparison);
    if (more && !frame.answer && now - comparison.answeredAt >= SUMMARY_EVERY_MS) {
      comparison.answeredAt = now;
      this.#summarize(peer, buckets, true);
    }
  }

  /** A neighbour asks for a page. Undefined: too many, it gets none. */
  page(peer: AuthorKey, { ranges }: MeshFetchFrame): Event[] | undefined {
    if (this.#pages.take(peer, this.context.now()) > 0) return undefined;
    const events: Event[] = [];
    let chars = 0, looked = 0;
    for (const [author, from, to] of ranges) {
      // From the newest down; who asks for a million numbers gets a page's worth of looking.
      for (let n = to; n >= from; n--) {
        if (++looked > 4 * MESH_PAGE_EVENTS) return events;
        const event = this.held.at(author, n);
        if (event === undefined) continue;
        chars += event.wire[0].length;
        if (events.length > 0 && chars > MESH_PAGE_CHARS) return events;
        events.push(event);
        if (events.length >= MESH_PAGE_EVENTS) return events;
      }
    }
    return events;
  }

  /** Whether a page of this neighbour was asked for. */
  isFetching(peer: AuthorKey): boolean {
    return this.#comparisons.get(peer)?.fetching !== undefined;
  }

  /** A page came and was checked; `count` of its events were missing here. */
  paged(peer: AuthorKey, count: number): void {
    const comparison = this.#comparisons.get(peer);
    if (comparison?.fetching === undefined) return;
    const { ranges } = comparison.fetching;
    comparison.fetching = undefined;
    // What the page did not hold, of what is still missing, is asked for again as long as pages bring anything.
    if (count > 0) comparison.queue.unshift(...ranges);
    else if (ranges.some((range) => this.#stillMissing(range).length > 0)) this.failed(peer);
    this.#next(peer, comparison);
  }

  #summarize(peer: AuthorKey, buckets: ReadonlySet<number>, answer: boolean): void {
    const { held, context } = this;
    const authors = held.authorsIn(buckets);
    const complete = authors.length <= MESH_SUMMARY_AUTHORS;
    if (!complete) {
      // A different part each time, so that in the end all are told.
      const start = Math.floor(context.random() * authors.length);
      authors.push(...authors.splice(0, start));
      authors.length = MESH_SUMMARY_AUTHORS;
    }
    context.send(peer, {
      type: "summary",
      buckets: [...buckets],
      complete,
      answer,
      authors: authors.map((author) => [author, held.ranges(author, MESH_SUMMARY_RANGES)]),
    });
  }

  /** The parts of `ends` that are wanted here, at most a page's worth per range. */
  #missing(author: AuthorKey, ends: readonly number[]): Range[] {
    const missing: Range[] = [];
    let left = this.allowance(author);
    for (let at = ends.length - 2; at >= 0; at -= 2) {
      // A liar's range may be endless; what is beyond the bound is found by the next digest, if it is true.
      const from = Math.max(ends[at]!, ends[at + 1]! - 4 * MESH_PAGE_EVENTS);
      for (const [, first, last] of this.#stillMissing([author, from, ends[at + 1]!])) {
        if (left < 1 || missing.length >= MESH_FETCH_RANGES) return missing;
        const cut = Math.max(first, last - left + 1);
        missing.push([author, cut, last]);
        left -= last - cut + 1;
      }
    }
    return missing;
  }

  #stillMissing([author, from, to]: Range): Range[] {
    const missing: Range[] = [];
    for (let n = to; n >= from; n--) {
      if (!this.held.isWanted(author, n)) continue;
      const last = missing.at(-1);
      if (last?.[1] === n + 1) last[1] = n;
      else missing.push([author, n, n]);
    }
    return missing;
  }

  #next(peer: AuthorKey, comparison: Comparison): void {
    const ranges: Range[] = [];
    let events = 0;
    while (comparison.queue.length > 0 && ranges.length < MESH_FETCH_RANGES && events < MESH_PAGE_EVENTS) {
      for (const range of this.#stillMissing(comparison.queue.shift()!)) {
        if (ranges.length >= MESH_FETCH_RANGES || events >= MESH_PAGE_EVENTS) comparison.queue.unshift(range);
        else {
          ranges.push(range);
          events += range[2] - range[1] + 1;
        }
      }
    }
    if (ranges.length > 0) this.#ask(peer, comparison, ranges, 1);
  }

  #ask(peer: AuthorKey, comparison: Comparison, ranges: Range[], tries: number): void {
    const missing = ranges.flatMap((range) => this.#stillMissing(range)).slice(0, MESH_FETCH_RANGES);
    comparison.fetching = undefined;
    if (missing.length === 0) return this.#next(peer, comparison);
    const until = this.context.now() + FETCH_TIMEOUT_MS;
    comparison.fetching = { ranges: missing, until, tries };
    this.context.send(peer, { type: "fetch", ranges: missing });
    this.context.wakeAt(until);
  }
}

/** Whether `mine` has a number that `theirs` has not; both rising ends. */
function holdsMore(mine: readonly number[], theirs: readonly number[]): boolean {
  for (let at = 0; at < mine.length; at += 2) {
    let inside = false;
    for (let other = 0; other < theirs.length && !inside; other += 2) {
      inside = theirs[other]! <= mine[at]! && mine[at + 1]! <= theirs[other + 1]!;
    }
    if (!inside) return true;
  }
  return false;
}

/** One range of each author in turn. */
function interleaved(ranges: readonly Range[]): Range[] {
  const rounds = new Map<AuthorKey, number>();
  return ranges
    .map((range) => {
      const round = rounds.get(range[0]) ?? 0;
      rounds.set(range[0], round + 1);
      return { range, round };
    })
    .sort((a, b) => a.round - b.round)
    .map(({ range }) => range);
}
